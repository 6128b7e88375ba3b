"""The paper's sets, in small files of their own format: read whole or refused, listed, fetched only as pinned."""

import csv
import hashlib
import io
import json
import re
import tarfile
import zipfile

import pytest

from brainlike_core.errors import DownloadError, TextError
from brainlike_core.sources import catalogue, public_texts, text_sets
from brainlike_core.sources.text_sets import text_set

OURS = ("news", "encyclopaedia", "mathematics", "code", "held-out")


def _long(word, n=12):
    return " ".join(f"{word}{i}" for i in range(n))


def ag_news_file():
    rows = [
        ("3", "Oil up", f"Crude rose \\$2\\on news of the rig #39;s fire. &lt;b&gt;{_long('oil')}&lt;/b&gt;"),
        ("2", "Cup", f"He said &quot;{_long('goal')}&quot;"),
        ("4", "x", "short"),
        ("1", "Vote", _long("ballot")),
    ]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def zipped(name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def wikitext_file():
    lines = (
        "",
        " = Robin = ",
        "",
        f" It weighs 1 @,@ 200 ( {_long('gram')} ) . ",
        " = = Song = = ",
        f" {_long('sing')} ",
    )
    return zipped("wikitext-2-raw/wiki.test.raw", "\n".join(lines))


def math_qa_file():
    items = [
        {"Problem": f"what is {_long('n')} ?", "Rationale": '"it is 4 . answer : a"', "category": "general"}
    ] * 2
    return zipped("test.json", json.dumps(items))


def code_net_file():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in (
            ("a/p1/s1.py", "print(1)  # " + _long("x") + "\r\n"), ("a/p1/readme", _long("no")),
            ("a/p2/s2.py", "pass"), ("a/p3/s3.py", f"# {_long('y')}\nprint(3)"),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


FILES = {
    "ag-news": (
        ag_news_file,
        ("business", "sports", "world"),
        "Oil up. Crude rose $2 on news of the rig's fire. oil0",
    ),
    "wikitext-2": (wikitext_file, ("Robin", "Robin"), "It weighs 1,200 (gram0"),
    "math-qa": (math_qa_file, ("general", "general"), "what is n0"),
    "code-net": (code_net_file, ("p1", "p3"), "print(1)  # x0"),
}


def place(folder, name, content):
    """Put a file where a download would, with its size as the one that is wanted."""
    one = public_texts.PUBLIC[name]
    path = folder / one.file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def any_size(monkeypatch):
    """Small files stand for the large ones."""
    monkeypatch.setattr(text_sets, "has_size", lambda path, size: path.is_file())


@pytest.mark.parametrize("name", FILES)
def test_public_sets_are_read_from_files_of_their_format(name, tmp_path, any_size):
    """Labels and texts in their order, marks and entities undone, too short ones left out."""
    make, labels, start = FILES[name]
    place(tmp_path, name, make())
    found = text_set(name, tmp_path)
    assert found.labels == labels and found.texts[0].startswith(start)
    assert "&" not in "".join(found.texts) and "\r" not in "".join(found.texts)
    assert text_set(name, tmp_path, n_texts=1, seed=3) == text_set(name, tmp_path, n_texts=1, seed=3)


def test_math_qa_keeps_the_solution(tmp_path, any_size):
    """Problem, new line, rationale without the quotes around it."""
    place(tmp_path, "math-qa", math_qa_file())
    assert text_set("math-qa", tmp_path).texts[0].endswith("n11 ?\nit is 4 . answer : a")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"\xff\xfe not this", b'"1","a"\n', b"PK\x03\x04cut"])
def test_damaged_public_files_are_refused(name, content, tmp_path, any_size):
    """Neither half a file nor another one is read."""
    place(tmp_path, name, content)
    with pytest.raises(TextError, match=f"fetch {name} again"):
        text_set(name, tmp_path)


def test_a_cut_archive_is_refused(tmp_path, any_size):
    """A download that broke off within the programs."""
    place(tmp_path, "code-net", code_net_file()[:-40])
    with pytest.raises(TextError, match="damaged"):
        text_set("code-net", tmp_path)


def test_public_sets_that_are_not_here_say_how_they_are_had(tmp_path):
    """Without a data folder, and with one that does not hold it or holds half of it."""
    with pytest.raises(TextError, match="no data folder.*fetch ag-news"):
        text_set("ag-news")
    with pytest.raises(TextError, match="no whole"):
        text_set("ag-news", tmp_path)
    place(tmp_path, "wikitext-2", b"half")
    with pytest.raises(TextError, match="no whole"):
        text_set("wikitext-2", tmp_path)


def test_the_list_names_counts_licences_and_what_is_here(tmp_path):
    """Ours are here; those of the paper are pinned, cited, and here once they lie in the folder."""
    place(tmp_path, "ag-news", ag_news_file())
    listed = {one.name: one for one in text_sets.text_sets(tmp_path)}
    assert tuple(listed) == (*OURS, "ag-news", "wikitext-2", "math-qa", "code-net")
    assert [listed[name].n_texts for name in OURS] == [text_set(name).n_texts for name in OURS]
    assert [name for name, one in listed.items() if one.here] == [*OURS, "ag-news"]
    assert not any(one.here for one in text_sets.text_sets() if one.how == "download")
    for one in listed.values():
        assert one.licence and one.source
        if one.how == "download":
            assert one.citation and re.fullmatch("[0-9a-f]{64}", one.files[0].sha256)
            assert one.files[0].url.startswith("https://")


def test_fetching_takes_only_the_pinned_file(tmp_path, monkeypatch):
    """From a mirror folder: the file with the pinned SHA-256 comes, another one does not."""
    content = ag_news_file()
    mirror, data = tmp_path / "mirror", tmp_path / "data"
    place(mirror, "ag-news", content)
    with pytest.raises(DownloadError):
        catalogue.fetch("ag-news", data, mirror=mirror)
    one = public_texts.PUBLIC["ag-news"]
    pinned = public_texts.RemoteFile(one.file.path, one.file.url, hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(
        public_texts.PUBLIC, "ag-news", type(one)(**{**vars(one), "file": pinned})
    )  # fmt: skip
    assert catalogue.fetch("ag-news", data, mirror=mirror) == data / "ag-news"
    assert text_set("ag-news", data).n_texts == 3
