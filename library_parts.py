"""The Library page's parts: cards of the catalogue, a recording of one's own, its check, the store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

import page_parts as parts
from brainlike_core import archive, fetching, pipeline
from brainlike_core.config import CONFOUNDS, RecordingConfig
from brainlike_core.errors import BrainlikeError
from brainlike_core.figures import library_charts
from brainlike_core.values import FitCheck

STATES = {
    "here": ":green-badge[:material/check: here]",
    "agreement": ":orange-badge[:material/gavel: needs agreement]",
    "get": ":gray-badge[:material/cloud_download: to download]",
    "own": ":blue-badge[:material/folder: your folder]",
}
UPLOADS = Path(parts.CACHE) / "uploads"


def state_of(entry: dict[str, Any]) -> str:
    """One of `STATES`."""
    if entry["here"]:
        return "here"
    if entry["how"] == "your folder":
        return "own"
    return "agreement" if entry.get("gated") else "get"


def cards(entries: Sequence[dict[str, Any]]) -> None:
    """One card per entry, what is here first."""
    order = sorted(entries, key=lambda entry: not entry["here"])
    with st.grid(2, min_column_width=330, gap="medium"):
        for entry in order:
            _card(entry)


def _card(entry: dict[str, Any]) -> None:
    with st.container(border=True, gap="small"):
        state = state_of(entry)
        st.markdown(f"**{entry['title']}**  \n{STATES[state]} `{entry['name']}`")
        st.caption(entry["description"])
        facts = [*_facts(entry)]
        if facts:
            st.caption(" · ".join(facts))
        if state == "here" and entry["kind"] == "recording":
            if st.button(
                "Does it fit its story?", key=f"check-{entry['name']}", icon=":material/fact_check:"
            ):
                _dialog(RecordingConfig(entry["name"]), entry["title"])
        elif state == "get" and entry["kind"] != "model":
            _get(entry["name"])
        elif state == "agreement":
            st.caption("Accept its terms on its page, then give a token: `export HF_TOKEN=...`.")
        with st.expander("Terms and citation"):
            for label in ("licence", "terms", "citation", "source"):
                if entry[label]:
                    st.caption(f"{label.capitalize()}: {entry[label]}")


def _dialog(config: RecordingConfig, title: str) -> None:
    st.dialog(title, width="large")(check_report)(config)


def _facts(entry: dict[str, Any]) -> list[str]:
    facts = []
    if entry.get("n_layers"):
        facts.append(f"{entry['family']}, {entry['n_layers']} layers, {entry['n_neurons']:,} neurons")
    if entry["n_subjects"]:
        facts.append(f"{entry['n_subjects']} listeners")
    if entry["tr"]:
        facts.append(f"TR {entry['tr']:g} s")
    if entry["space"]:
        facts.append(entry["space"])
    if entry["size_bytes"]:
        facts.append(f"{entry['size_bytes'] / 1e6:,.1f} MB")
    return facts


def _get(name: str) -> None:
    """Get it, with progress and cancel."""
    download = fetching.downloads().get(name)
    if download and download.state == "running":
        _progress(name)
        return
    if download and download.state == "failed":
        st.warning(download.message, icon=":material/info:")
    if st.button("Get it", key=f"get-{name}", icon=":material/download:"):
        fetching.start(name, parts.DATA)
        st.rerun()


@st.fragment(run_every=0.5)
def _progress(name: str) -> None:
    download = fetching.downloads()[name]
    if download.state != "running":
        st.rerun()
    share = download.n_bytes / download.n_total if download.n_total else 0.0
    speed = f" · {download.bytes_per_s / 1e6:.1f} MB/s" if download.bytes_per_s else ""
    st.progress(min(share, 1.0), text=f"{download.n_bytes / 1e6:.1f} MB{speed}")
    if st.button("Cancel", key=f"cancel-{name}"):
        fetching.cancel(name)


# -- a recording of one's own ---------------------------------------------------------


def own_recording() -> RecordingConfig | None:
    """The form of a recording of one's own; None until it names a recording and a story."""
    grid = st.grid(2, min_column_width=330, gap="medium")
    with grid.cell():
        folder = st.text_input(
            "Recording: a folder on this computer", placeholder="/data/my_study/derivatives/fmriprep",
            help="fMRIPrep derivatives (NIfTI, GIfTI or CIFTI), or one table of parcels per listener",
        )  # fmt: skip
        dropped = st.file_uploader(
            "or drop one table per listener", type=["npy", "csv", "tsv"], accept_multiple_files=True
        )
        labels = st.file_uploader("Label volume of these tables (MNI)", type=["nii", "gz"])
    with grid.cell():
        story = st.text_input(
            "Story: a transcript on this computer", placeholder="/data/my_study/story.TextGrid"
        )
        text = st.file_uploader(
            "or drop it", type=["csv", "tsv", "json", "txt", "TextGrid"],
            help="Gentle, TextGrid, Whisper, WhisperX, a table with onset and word, or plain text",
        )  # fmt: skip
        onset = st.number_input(
            "The story begins at (s on the scan clock)", value=0.0, step=0.5, format="%.2f"
        )
        pace = st.number_input("Words per minute, for a text without times", 0.0, 1000.0, 0.0, 10.0)
    folder = folder.strip() or _keep(dropped)
    transcript = story.strip() or _keep([text] if text else [], single=True)
    with st.expander("Space, filter and confounds", icon=":material/tune:"):
        settings = _settings()
    if not (folder and transcript):
        st.caption("Name or drop a recording and its story; nothing is computed before the check.")
        return None
    parcels = _keep([labels], single=True) if labels else ""
    return RecordingConfig(
        name=folder, story=transcript, story_onset_s=onset, words_per_minute=pace, parcels=parcels, **settings
    )


def _settings() -> dict[str, Any]:
    plain = RecordingConfig()
    grid = st.grid(3, min_column_width=200, gap="medium")
    return {
        "task": grid.cell().text_input("Task", help="where the folder holds several"),
        "space": grid.cell().text_input("Space", placeholder="fsaverage6"),
        "tr": grid.cell().number_input("TR (s)", 0.0, 20.0, 0.0, help="0: as the files say"),
        "confounds": grid.cell().selectbox("Confounds", CONFOUNDS, CONFOUNDS.index(plain.confounds)),
        "high_pass": grid.cell().number_input("High-pass (Hz)", 0.0, 0.99, plain.high_pass, format="%.3f"),
        "low_pass": grid.cell().number_input("Low-pass (Hz)", 0.0, 5.0, 0.0, format="%.3f"),
        "detrend": grid.cell().checkbox("Remove linear trends", True),
    }


def _keep(files: Sequence[Any], single: bool = False) -> str:
    """Write dropped files below the cache, at an address made of their bytes: a folder, or one file."""
    if not files:
        return ""
    digest = hashlib.sha256(b"".join(hashlib.sha256(f.getvalue()).digest() for f in files)).hexdigest()
    folder = UPLOADS / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", Path(file.name).name).lstrip(".") or "file"
        (folder / name).write_bytes(file.getvalue())
    return str(folder / name) if single else str(folder)


def check_report(config: RecordingConfig) -> None:
    """Check a recording and its story; keep it where it can be chosen for a run."""
    try:
        with st.spinner("Reading the recording and the story"):
            found = pipeline.check_fit(config, parts.store(), parts.DATA)
    except BrainlikeError as error:
        st.warning(str(error), title="This does not fit yet", icon=":material/info:")
        return
    show_check(found)
    if config.story and st.button("Keep it for runs", type="primary", icon=":material/bookmark_add:"):
        archive.keep_recording(config, parts.store())
        st.toast("Kept: choose it under Recording on the start page.")


def show_check(found: FitCheck) -> None:
    """Facts with their state, and the lag curve: a wrong clock is seen at a glance."""
    icons = {"good": ":green[:material/check_circle:]", "look": ":orange[:material/visibility:]"}
    grid = st.grid(2, min_column_width=380, gap="large")
    with grid.cell():
        for row in found.facts.itertuples():
            icon = icons.get(str(row.state), ":red[:material/error:]")
            st.markdown(f"{icon} **{row.fact}**: {row.value}  \n:gray[{row.note}]")
    with grid.cell():
        st.plotly_chart(
            library_charts.lag_curve(found),
            theme=None,
            config=parts.PLOT,
            alt="Speech against the brain by lag",
        )
        st.caption(
            "Largest r over locations between speech (haemodynamic response, same filter) and the mean listener. "
            "Dotted: 95 % of the largest r of 200 phase-randomised copies, over all lags and locations. Band: where "
            "a right clock peaks."
        )


# -- the store ------------------------------------------------------------------------


def store_panel() -> None:
    """Size, verify, prune."""
    workspace = parts.store()
    n_bytes = sum(p.stat().st_size for p in workspace.results.folder.rglob("*") if p.is_file())
    st.markdown(
        f"**{n_bytes / 1e9:.2f} GB** of results in `{workspace.folder}`; each is found by the question it answers."
    )
    left, right, _ = st.columns([1, 1, 2], vertical_alignment="bottom")
    if left.button("Check every byte", icon=":material/verified:"):
        with st.spinner("Checking"):
            found = archive.verify(workspace)
        if found.damaged:
            st.warning(
                f"{len(found.damaged)} results are damaged; they are computed once more when next needed."
            )
        else:
            st.success(f"{len(found.whole)} results, all whole.")
    keep = right.number_input("Keep at most (GB)", 0.0, 1000.0, 10.0)
    if right.button("Remove the least used", icon=":material/delete_sweep:"):
        removed = workspace.results.prune(int(keep * 1e9))
        st.success(f"{len(removed)} results removed.")
