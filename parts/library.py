"""The Library page's parts: cards of the catalogue, a recording of one's own, its check, the store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

import parts
from brainlike_core import archive, engine, jobs, report
from brainlike_core.config import CONFOUNDS, CheckConfig, RecordingConfig
from brainlike_core.figures import library_charts
from brainlike_core.values import FitCheck

from .models import get_button, grouped, model_card

STATES = {
    "here": ":green-badge[:material/check: here]",
    "get": ":gray-badge[:material/cloud_download: to download]",
    "own": ":blue-badge[:material/folder: your folder]",
}
MARKS = {
    "bad": ":red[:material/error:]",
    "look": ":orange[:material/visibility:]",
    "good": ":green[:material/check_circle:]",
}
UPLOADS = Path(parts.places.CACHE) / "uploads"


def state_of(entry: dict[str, Any]) -> str:
    """One of `STATES`."""
    if entry["here"]:
        return "here"
    if entry["how"] == "your folder":
        return "own"
    return "get"


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
                begin_check(CheckConfig(RecordingConfig(entry["name"])))
        elif state == "get":
            get_button(entry["name"])
        with st.expander("Terms and citation"):
            for label in ("licence", "terms", "citation", "source"):
                if entry[label]:
                    st.caption(f"{label.capitalize()}: {entry[label]}")


def _facts(entry: dict[str, Any]) -> list[str]:
    facts = []
    if entry["n_subjects"]:
        facts.append(f"{entry['n_subjects']} listeners")
    if entry["tr"]:
        facts.append(f"TR {entry['tr']:g} s")
    if entry["space"]:
        facts.append(entry["space"])
    if entry["size_bytes"]:
        facts.append(f"{entry['size_bytes'] / 1e6:,.1f} MB")
    return facts


def model_cards(models: Sequence[dict[str, Any]]) -> None:
    """Cards under headings: by family, or by size so that families can be compared at equal size."""
    by = st.segmented_control("Group by", ["Family", "Size"], default="Family", required=True)
    key = "group" if by == "Family" else "size_class"
    ordered = grouped(models) if by == "Family" else sorted(models, key=lambda m: m["n_parameters"] or 1e15)
    for heading in dict.fromkeys(model[key] for model in ordered):
        st.subheader(heading.capitalize() if by == "Size" else heading, anchor=False)
        with st.grid(2, min_column_width=330, gap="medium"):
            for model in (m for m in ordered if m[key] == heading):
                with st.container(border=True, gap="small"):
                    model_card(model, "library-")
                    with st.expander("Citation and source"):
                        st.caption(model["citation"])
                        st.caption(f"`{model['source']}`")


# -- a recording of one's own ---------------------------------------------------------


def own_recording() -> CheckConfig | None:
    """The form of a recording of one's own; None until it names a recording and a story."""
    grid = st.grid(2, min_column_width=330, gap="medium")
    with grid.cell():
        st.subheader("Recording", anchor=False)
        folder = st.text_input(
            "A folder on this computer", placeholder="/data/my_study/derivatives/fmriprep",
            help="fMRIPrep derivatives (NIfTI, GIfTI or CIFTI), or one table of parcels per listener",
        )  # fmt: skip
        dropped = st.file_uploader(
            "or drop one table of parcels per listener",
            type=["npy", "csv", "tsv"],
            accept_multiple_files=True,
        )
        labels = st.file_uploader("Label volume of these tables (MNI), to draw them", type=["nii", "gz"])
    with grid.cell():
        st.subheader("Story", anchor=False)
        story = st.text_input(
            "A transcript on this computer", placeholder="/data/my_study/story.TextGrid",
            help="Gentle, TextGrid, Whisper, WhisperX, a table with onset and word, or plain text",
        )  # fmt: skip
        text = st.file_uploader("or drop it", type=["csv", "tsv", "json", "txt", "TextGrid"])
        left, right = st.columns(2, vertical_alignment="bottom")
        onset = left.number_input(
            "Begins at (s)", value=0.0, step=0.5, format="%.2f",
            help="Where the transcript's zero lies on the scan clock",
        )  # fmt: skip
        pace = right.number_input(
            "Words per minute", 0.0, 1000.0, 0.0, 10.0, help="Only for a text without times"
        )
        audio, audio_onset = _sound()
    folder = folder.strip() or _keep(dropped)
    transcript = story.strip() or _keep([text] if text else [], single=True)
    with st.expander("Space, filter and confounds", icon=":material/tune:"):
        settings = _settings()
    if not (folder and transcript):
        st.caption("Name or drop a recording and its story; nothing is computed before the check.")
        return None
    parcels = _keep([labels], single=True) if labels else ""
    recording = RecordingConfig(
        name=folder, story=transcript, story_onset_s=onset, words_per_minute=pace, parcels=parcels, **settings
    )
    return CheckConfig(recording, audio, audio_onset)


def _sound() -> tuple[str, float | None]:
    """A WAV file and where it begins; empty where none is named."""
    with st.expander("Its sound, to check the clock twice (optional)", icon=":material/graphic_eq:"):
        path = st.text_input("A WAV file on this computer", placeholder="/data/my_study/story.wav")
        file = st.file_uploader("or drop the WAV file", type=["wav"])
        onset = st.number_input(
            "The sound begins at (s)",
            value=None,
            step=0.5,
            format="%.2f",
            placeholder="where the story begins",
        )
    audio = path.strip() or _keep([file] if file else [], single=True)
    return audio, onset if audio else None


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
    if not single:  # the folder's name is that of the recording
        folder /= _safe(Path(files[0].name).stem) + (f"_and_{len(files) - 1}_more" if files[1:] else "")
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        name = _safe(Path(file.name).name)
        (folder / name).write_bytes(file.getvalue())
    return str(folder / name) if single else str(folder)


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "file"


# -- a check --------------------------------------------------------------------------


def begin_check(config: CheckConfig) -> None:
    """Start a check in another process; its id goes to the address, where a reload finds it."""
    found = engine.start_aside(config, parts.places.CACHE, parts.places.DATA, parts.places.SCHEDULER)
    st.session_state["check"] = st.query_params["check"] = found[:12]
    st.rerun()


def check_panel(own: bool) -> None:
    """The check that the address names, if it is of a recording of one's own (or of the catalogue)."""
    asked = st.query_params.get("check") or st.session_state.get("check", "")
    one = jobs.check(asked, parts.places.CACHE)
    if one is None or bool(one.config.recording.story) != own:
        return
    if one.status.state in ("queued", "running"):
        _under_way(one.config.id)
        return
    with st.container(border=True):
        title, close = st.columns([6, 1], vertical_alignment="center")
        title.markdown(f"#### Does the story fit? :gray[{one.config.label}]")
        if close.button("Close", width="stretch"):
            st.session_state.pop("check", None)
            st.query_params.pop("check", None)
            st.rerun()
        if one.found is not None:
            show_check(one.found)
            _offer(one.config.recording)
        elif one.status.state == "cancelled":
            st.caption("The check was cancelled.")
        elif one.status.state == "failed":
            st.warning(one.status.message, title="This cannot be checked yet", icon=":material/info:")
        else:
            st.caption("Its result is no longer in the cache: check it again.")


@st.fragment(run_every=0.5)
def _under_way(check_id: str) -> None:
    now = jobs.status(check_id, parts.places.CACHE)
    if now is None or now.state not in ("queued", "running"):
        st.rerun()
    else:
        parts.job_card(now)


def _offer(recording: RecordingConfig) -> None:
    """Keep a recording of one's own where it can be chosen for a run."""
    if not recording.story:
        return
    if recording in archive.kept_recordings(parts.store()):
        st.page_link(
            "app.py", label="Kept: choose it as the recording of a run", icon=":material/bookmark_added:"
        )
    elif st.button("Keep it for runs", type="primary", icon=":material/bookmark_add:"):
        archive.keep_recording(recording, parts.store())
        st.rerun()


def show_check(found: FitCheck) -> None:
    """One sentence, the facts with their state, and the lag curves: a wrong clock is seen at a glance."""
    say, title, icon = {
        "good": (st.success, "It fits", ":material/check_circle:"),
        "look": (st.warning, "Look before you run", ":material/visibility:"),
        "bad": (st.error, "It does not fit", ":material/error:"),
    }[found.state]
    say(report.fit_sentence(found), title=title, icon=icon)
    grid = st.grid(2, min_column_width=380, gap="large")
    with grid.cell():
        worst_first = sorted(found.facts.itertuples(), key=lambda row: [*MARKS].index(str(row.state)))
        for row in worst_first:
            st.markdown(f"{MARKS[str(row.state)]} **{row.fact}**: {row.value}  \n:gray[{row.note}]")
    with grid.cell():
        parts.figure(
            library_charts.lag_curve(found),
            library_charts.LAG_CAPTION,
            "Speech against the brain, by lag",
            "lags",
        )
        if found.has_audio:
            parts.figure(
                library_charts.sound_curve(found), library_charts.SOUND_CAPTION, "Sound against words, by lag",
                "sound-lags",
            )  # fmt: skip


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
