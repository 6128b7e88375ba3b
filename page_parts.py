"""What all pages share: the frame, the selection in the address, the pickers, and calm refusals.

The address is the one truth of the selection (run, atom, network, region): a
picker shows what the address says and writes what the reader picks, so a link
re-opens what is on screen. Only enumerated names, integers and 64-hex ids (or
a unique prefix of at least 12) are understood; all else is ignored with a note.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from brainlike_core import archive, inventory, jobs
from brainlike_core.errors import BrainlikeError, DamagedEntryError
from brainlike_core.figures import charts
from brainlike_core.figures.brain_viewer import BrainView, ViewerResult, brain_viewer, plotly_fallback
from brainlike_core.values import NetworkAtlas, Recovery, Run

CACHE = os.environ.get("BRAINLIKE_CACHE", "cache")
DATA = inventory.data_folder(os.environ.get("BRAINLIKE_DATA"))
SCHEDULER = os.environ.get("BRAINLIKE_SCHEDULER", "")
PAGES = (
    ("app.py", "Start", ":material/play_circle:", "Choose, run, watch, open"),
    ("pages/1_Brain_maps.py", "Brain maps", ":material/neurology:", "Where does a sub-group predict?"),
    ("pages/2_Correspondence.py", "Correspondence", ":material/apps:", "Which sub-group, which network?"),
    ("pages/3_Compare_models.py", "Compare models", ":material/compare_arrows:", "How do models differ?"),
    (
        "pages/4_Functional_networks.py",
        "Functional networks",
        ":material/hub:",
        "What networks are inside, and what if one is cut?",
    ),
    (
        "pages/7_How_much_data.py",
        "How much data",
        ":material/query_stats:",
        "How much data does a claim need?",
    ),
    ("pages/6_Library.py", "Library", ":material/local_library:", "What is here, and what can be had?"),
)
# Our own mark, inline: named icons of the tab are fetched from a server, and this app needs no network.
MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#12212B"/>'
    '<rect x="6" y="6" width="9" height="9" fill="#B2182B"/>'
    '<rect x="18" y="7" width="7" height="7" fill="none" stroke="#7CC4C2" stroke-width="2"/>'
    '<rect x="7" y="18" width="7" height="7" fill="none" stroke="#7CC4C2" stroke-width="2"/>'
    '<rect x="17" y="17" width="9" height="9" fill="#4393C3"/></svg>'
)
FIELDS = ("run", "atom", "network", "region")
INSIDE = ("inside", "net")  # networks inside a model, and one of them; read by their page alone
PLOT = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}


# -- the selection ------------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """What the address asks for; None where it asks for nothing that is understood.

    Attributes
    ----------
    run : str or None
        64-hex id of a finished run.
    atom, region : int or None
    network : str or None
        A whole number, or a slug such as ``dorsal-attention``.
    ignored : tuple of str
        Names of parameters that were there and not understood.
    """

    run: str | None = None
    atom: int | None = None
    network: str | None = None
    region: int | None = None
    ignored: tuple[str, ...] = ()


def parse_selection(query: Mapping[str, str], run_ids: Sequence[str]) -> Selection:
    """Read the selection from an address, strictly.

    Parameters
    ----------
    query : mapping of str to str
    run_ids : sequence of str
        Ids of the finished runs.

    Examples
    --------
    >>> parse_selection({"atom": "12", "region": "-1"}, [])
    Selection(run=None, atom=12, network=None, region=None, ignored=('region',))
    """
    readers: dict[str, Callable[[str], Any]] = {
        "run": lambda text: unique_run(text, run_ids),
        "atom": whole_number,
        "network": lambda text: text if re.fullmatch(r"[a-z0-9-]{1,60}", text, re.ASCII) else None,
        "region": whole_number,
    }
    found = {field: readers[field](query[field]) for field in FIELDS if field in query}
    return Selection(**found, ignored=tuple(field for field, value in found.items() if value is None))


def whole_number(text: str) -> int | None:
    """A number of an address, or None."""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) else None


def unique_run(text: str, run_ids: Sequence[str]) -> str | None:
    if not re.fullmatch(r"[0-9a-f]{12,64}", text, re.ASCII):
        return None
    matches = [run_id for run_id in run_ids if run_id.startswith(text)]
    return matches[0] if len(matches) == 1 else None


def slug(name: str) -> str:
    """A network's name in an address.

    Examples
    --------
    >>> slug("Salience / ventral attention A")
    'salience-ventral-attention-a'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def network_index(text: str | None, networks: Sequence[str]) -> int | None:
    """The network that an address names, by place or by slug; None where the atlas has none such."""
    names = [slug(name) for name in networks]
    if text in names:
        return names.index(text)
    number = whole_number(text or "")
    return number if number is not None and number < len(networks) else None


def select(**fields: int | str | None) -> None:
    """Write parts of the selection to the address; None removes a part."""
    for field, value in fields.items():
        if value is None:
            st.query_params.pop(field, None)
        else:
            st.query_params[field] = str(value)


# -- the frame ----------------------------------------------------------------------


@contextlib.contextmanager
def page(title: str, question: str) -> Iterator[None]:
    """The frame of a page: title, navigation, and one calm box where something is refused."""
    st.set_page_config(
        page_title=f"{title} · Brainlike",
        page_icon=MARK,
        layout="wide",
        initial_sidebar_state=230,
    )
    st.session_state["here"] = title
    _sidebar()
    if not embedded():
        st.title(title if title != "Start" else "Which neurons go with which brain network?")
        st.markdown(f":gray[{question}]")
    try:
        yield
    except BrainlikeError as error:
        st.warning(str(error), title="This did not work", icon=":material/info:")


def embedded() -> bool:
    """Whether the page is shown inside a slide (``?embed=true``): controls are hidden."""
    return bool(st.context.is_embedded)


def _sidebar() -> None:
    carried = {field: st.query_params[field] for field in (*FIELDS, *INSIDE) if field in st.query_params}
    with st.sidebar:
        st.header("Brainlike", anchor=False)
        st.caption("Neurons of language models and networks of the human brain")
        st.space("small")
        for path, label, icon, text in PAGES:
            st.page_link(path, label=label, icon=icon, help=text, query_params=carried, width="stretch")


# -- what is shown ------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def store() -> archive.Workspace:
    """The cache folder."""
    return archive.open_store(CACHE)


@st.cache_resource(max_entries=12, show_spinner="Opening the run")
def load_run(run_id: str) -> Run:
    """A finished run, each byte checked once."""
    return archive.load_run(run_id, store())


@st.cache_resource(show_spinner=False)
def regions() -> NetworkAtlas:
    """Named cortical regions."""
    return inventory.regions()


@st.cache_resource(max_entries=12, show_spinner=False)
def atom_view(run_id: str) -> BrainView:
    """The group maps of all sub-groups of a run."""
    run = load_run(run_id)
    return _view(run, run.encoding.z_maps, charts.atom_names(run.correspondence, run.dictionary.names), "z")


@st.cache_resource(max_entries=12, show_spinner=False)
def score_view(run_id: str) -> BrainView:
    """Held-out r and noise ceiling of a run."""
    run = load_run(run_id)
    return _view(run, *charts.score_maps(run), unit="r")


def _view(run: Run, maps: Any, names: Sequence[str], unit: str, significant: Any = None) -> BrainView:
    r = run.recording
    return BrainView(
        inventory.surface(),
        run.atlas,
        regions(),
        r.locations,
        r.vertex_location,
        maps,
        tuple(names),
        unit,
        significant,
    )


def show_brain(view: BrainView, key: str, **options: Any) -> ViewerResult:
    """The viewer, or a plotly figure where the browser cannot draw."""
    told = brain_viewer(view, key=key, **options)
    if not told.webgl:
        shown = plotly_fallback(view, options["selected_map"], threshold=options["threshold"])
        st.plotly_chart(shown, key=f"{key}-fallback", alt="The brain map")
    return told


# -- pickers ------------------------------------------------------------------------


def choose_run(place: Any) -> tuple[Run, Selection]:
    """The run of the address, or the newest; a friendly stop where there is none."""
    runs = archive.finished_runs(store())
    if not runs:
        no_runs()
    labels = {run.id: f"{run.label} · {run.config.match.title} · {run.id[:6]}" for run in runs}
    selection = parse_selection(st.query_params, list(labels))
    trained = [run.id for run in runs if run.config.extract.weights == "trained"]
    run_id = selection.run or next(iter(trained), runs[0].id)
    if not embedded():
        with place:
            pick("run", "Run", list(labels), run_id, labels.__getitem__, short=lambda value: value[:12])
    try:
        run = load_run(run_id)
    except DamagedEntryError:
        load_run.clear()
        raise
    return run, _within(selection, run)


def _within(selection: Selection, run: Run) -> Selection:
    """Drop what this run does not have, and say so."""
    ignored = set(selection.ignored)
    atom, region = selection.atom, selection.region
    if atom is not None and atom >= run.dictionary.n_atoms:
        atom = None
        ignored.add("atom")
    if region is not None and region >= run.recording.n_locations:
        region = None
        ignored.add("region")
    if selection.network and network_index(selection.network, run.atlas.networks) is None:
        ignored.add("network")
    if ignored:
        st.caption(
            f":material/info: The link's {' and '.join(sorted(ignored))} could not be found here; "
            "showing the nearest sensible thing instead."
        )
    return Selection(selection.run, atom, selection.network, region)


def pick(
    field: str,
    label: str,
    options: Sequence[Any],
    chosen: Any,
    text: Callable[[Any], str],
    short: Callable[[Any], Any] = lambda value: value,
) -> None:
    """A select box that shows the address and writes to it."""
    key = f"{st.session_state.get('here')}-{field}"

    def write() -> None:
        select(**{field: short(st.session_state[key])})

    st.session_state[key] = chosen
    st.selectbox(label, options, format_func=text, key=key, on_change=write)


def pick_atom(run: Run, chosen: int, order: Sequence[int] | None = None) -> None:
    """Choose a sub-group."""
    names = charts.atom_names(run.correspondence, run.dictionary.names)
    pick("atom", "Sub-group", list(order or range(len(names))), chosen, names.__getitem__)


def pick_network(run: Run, chosen: int | None) -> None:
    """Choose a brain network, or none (-1: a select box has no other way to offer nothing)."""
    names = (*run.atlas.networks, "None")
    pick(
        "network", "Brain network", [-1, *range(len(names) - 1)], -1 if chosen is None else chosen,
        names.__getitem__, short=lambda f: slug(names[f]) if f >= 0 else None,
    )  # fmt: skip


def clicked(key: str) -> list[int] | None:
    """``customdata`` of the point just clicked in a chart, from inside its callback."""
    points = st.session_state[key].selection.points
    return [int(value) for value in points[0]["customdata"]] if points else None


def figure(chart: Any, caption: str, alt: str, key: str, on_select: Any = "ignore") -> None:
    """A chart with its caption."""
    st.plotly_chart(
        chart, key=key, theme=None, config=PLOT, alt=alt, on_select=on_select, selection_mode="points"
    )
    st.caption(caption)


def atom_chart(chart: Any, caption: str, alt: str, key: str) -> None:
    """A chart in which a click on a point selects its sub-group."""

    def write() -> None:
        point = clicked(key)
        if point:
            select(atom=point[0])

    figure(chart, caption, alt, key, write)


@st.cache_data(max_entries=200, show_spinner=False)
def words(run_id: str, atom: int) -> pd.DataFrame:
    """The story's words with the atom's activity."""
    return archive.word_activity(load_run(run_id), atom)


def passages(run: Run, atom: int, n: int = 6) -> None:
    """The passages in which a sub-group is most active."""
    st.html(charts.passages(archive.top_words(run, atom, n)))


def recovery_table(recovery: Recovery) -> None:
    """Planted patterns, their networks, and what was found."""
    table = recovery.table.assign(
        pattern=recovery.table["pattern"].str.replace("_", " "),
        planted=recovery.table["network"] + " " + recovery.table["sign"],
    )
    columns = {
        "pattern": st.column_config.TextColumn("Planted pattern"),
        "kind": st.column_config.TextColumn("Kind"),
        "planted": st.column_config.TextColumn("Planted in"),
        "recovered": st.column_config.CheckboxColumn("Recovered"),
        "n_subgroups": st.column_config.NumberColumn(
            "Sub-groups", help="that carry the pattern to the network"
        ),
        "atom": st.column_config.NumberColumn(
            "Atom", help="the best of them, or the one most like the pattern"
        ),
        "atom_r": st.column_config.NumberColumn("r with pattern", format="%.2f"),
        "dice": st.column_config.NumberColumn("Dice with network", format="%.2f"),
    }
    st.dataframe(table, column_order=list(columns), column_config=columns, hide_index=True, height="content")


def no_runs() -> None:
    """A friendly stop where nothing has been run."""
    st.info("Nothing has been run yet.", title="No finished run", icon=":material/play_circle:")
    st.page_link("app.py", label="Run the embedded recording", icon=":material/arrow_forward:")
    st.stop()


# -- start --------------------------------------------------------------------------


def headline(numbers: dict[str, Any]) -> None:
    """A run in five figures, each beside its null (``report.summary``)."""
    e, c = numbers["encoding"], numbers["correspondence"]
    figures = [
        ("Held-out r", f"{e['r_heldout_mean']:.3f}", f"p {e['r_heldout_mean_p']:.3f} · null {e['r_heldout_null_mean']:.3f}"),
        ("Noise ceiling", f"{e['group_ceiling_mean']:.3f}", f"one listener {e['noise_ceiling_mean']:.3f}"),
        ("Dictionary R²", f"{numbers['dictionary']['r2_median']:.2f}", f"λ {numbers['dictionary']['lambda']:g}, median"),
        ("Links, spin rule", f"{c['n_links']}", f"fake atoms {c['n_links_fake_mean']:.0f}"),
        ("Beat both nulls", f"{c['n_links_accepted']}", f"fake atoms {c['n_links_accepted_fake_mean']:.1f}"),
    ]  # fmt: skip
    if "recovery" in numbers:
        r = numbers["recovery"]
        figures.append(("Plant recovered", f"{r['score']:.0%}", f"chance {r['chance']:.0%} · p {r['p']:.4f}"))
    with st.grid(3, min_column_width=175, gap="small"):
        for label, value, beside in figures:
            st.metric(label, value, beside, delta_color="off", delta_arrow="off", border=True)


def next_pages() -> None:
    """Ways on from the result."""
    carried = {field: st.query_params[field] for field in FIELDS if field in st.query_params}
    for column, (path, label, icon, text) in zip(st.columns(3), PAGES[1:4], strict=True):
        with column.container(border=True, gap=None):
            st.page_link(path, label=f"**{label}**", icon=icon, query_params=carried, width="stretch")
            st.caption(text)


def run_table(finished: list[archive.RunSummary], shown: str) -> None:
    """Finished runs; a chosen row is opened."""

    def write() -> None:
        rows = st.session_state["runs-table"].selection.rows
        if rows:
            select(run=finished[rows[0]].id[:12], atom=None, region=None)

    table = pd.DataFrame(
        {
            "open": ["●" if run.id == shown else "" for run in finished],
            "model": [run.config.extract.model for run in finished],
            "weights": [run.config.extract.weights for run in finished],
            "recording": [run.config.recording.title for run in finished],
            "atlas": [run.config.match.title for run in finished],
            "atoms": [run.config.dictionary.n_atoms for run in finished],
            "finished (UTC)": [run.utc[:16].replace("T", " ") for run in finished],
            "id": [run.id[:12] for run in finished],
        }
    )
    st.dataframe(
        table, hide_index=True, key="runs-table", on_select=write, selection_mode="single-row",
        column_config={"open": st.column_config.TextColumn("", width=30)},
    )  # fmt: skip


def job_card(job: jobs.Status) -> None:
    """One run under way: what it does, how long still, and Cancel."""
    with st.container(border=True):
        text, button = st.columns([8, 1], vertical_alignment="center")
        if job.state not in ("queued", "running"):
            text.markdown(f"**{job.label}** · {job.state}. {job.message}")
            return
        left = "" if job.seconds_left is None else f" · about {_duration(job.seconds_left)} left"
        doing = job.step or "Waiting for its turn"
        text.progress(min(max(job.fraction, 0.0), 1.0), text=f"**{job.label}** · {doing}{left}")
        if button.button("Cancel", key=f"cancel-{job.run_id}", width="stretch"):
            jobs.cancel(job.run_id, CACHE)
        done = [
            f":green-badge[{title} · {seconds:.0f} s]"
            for title, state, seconds in job.steps
            if state == "done"
        ]
        if done:
            st.markdown(" ".join(done))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
