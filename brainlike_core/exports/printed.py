"""The figures of a run, each by its name, drawn for print when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from ..errors import ConfigError
from ..figures import captions, charts, comparison, matrix
from ..figures.brain_viewer import BrainView
from ..heard_words import word_activity
from ..values import NetworkAtlas, Run, Surface
from .names import Files, model_of, task_of
from .paper import FORMATS, print_files
from .print_brains import print_brain
from .print_charts import print_chart

Draw = Callable[[], Figure]
_SCORES = ("heldout-r", "heldout-r-significant", "noise-ceiling")


def brain_view(run: Run, surface: Surface, regions: NetworkAtlas, kind: str = "maps") -> BrainView:
    """The maps of all sub-groups of a run, or (``scores``) held-out r and noise ceiling."""
    r = run.recording
    if kind == "scores":
        maps, names = charts.score_maps(run)
        unit = "r"
    else:
        maps, unit = run.encoding.z_maps, "z"
        names = tuple(charts.atom_names(run.correspondence, run.dictionary.names))
    return BrainView(surface, run.atlas, regions, r.locations, r.vertex_location, maps, names, unit)


def run_figures(
    run: Run,
    surface: Surface,
    regions: NetworkAtlas,
    *,
    atom: int | None = None,
    network: int | None = None,
) -> dict[str, Draw]:
    """Every figure that the app shows of one run.

    Parameters
    ----------
    run : Run
    surface : Surface
    regions : NetworkAtlas
        Named regions: what has none is medial wall.
    atom : int, optional
        The sub-group; the leading one if omitted.
    network : int, optional
        The network that is outlined and ranked; that of the sub-group's best link if omitted.

    Returns
    -------
    dict of str to callable
        Name -> what draws it.

    Raises
    ------
    ConfigError
        An atom that the run does not have.
    """
    c, (k, f) = run.correspondence, view_of(run, atom, network)
    outline = run.atlas.networks[f]
    name = charts.atom_names(c, run.dictionary.names)[k]
    figures: dict[str, Draw] = {
        f"atom{k}-map": lambda: print_brain(
            brain_view(run, surface, regions), k, threshold=run.config.match.z_threshold, network=outline,  # type: ignore[attr-defined]
            title=name, caption=f"{captions.atom_map(run, k)} Outline: {outline}.",
        ),
        "matrix": lambda: print_chart(
            matrix.correspondence_matrix(c, matrix.atom_order(c), atom=k, network=f),
            f"Sub-groups of {charts.model_name(run)} against brain networks", captions.matrix(run),
        ),
        "fake-links": lambda: print_chart(matrix.fake_links(c), "Links of real and fake dictionaries", captions.fakes(run)),
        "ranking": lambda: print_chart(charts.network_ranking(c, f), f"{outline}: its sub-groups", captions.ranking(run)),
        f"atom{k}-time-course": lambda: print_chart(
            charts.time_course(run.dictionary, k, run.recording.tr, word_activity(run, k)),
            f"{name}: when it is active", captions.course(run),
        ),
    }  # fmt: skip
    figures |= {name: partial(_scores, run, surface, regions, i) for i, name in enumerate(_SCORES)}
    if not run.dictionary.names:  # features of the words have no layers
        figures[f"atom{k}-layers"] = lambda: print_chart(
            charts.layer_histogram(run.dictionary, k), f"{name}: neurons by layer", captions.layers(run, k)
        )
    return figures


def view_of(run: Run, atom: int | None, network: int | None) -> tuple[int, int]:
    """The sub-group and the network of a view; where they are not named, the leading one and its own.

    Raises
    ------
    ConfigError
        An atom that the run does not have.
    """
    k, n_atoms = charts.leading_atom(run.correspondence) if atom is None else atom, run.dictionary.n_atoms
    if not 0 <= k < n_atoms:
        raise ConfigError(
            "Unknown atom", found=str(k), needed=f"0 to {n_atoms - 1}", do="name one of this run's"
        )
    return k, best_network(run, k) if network is None else network


def _scores(run: Run, surface: Surface, regions: NetworkAtlas, i: int) -> Figure:
    view = brain_view(run, surface, regions, "scores")
    return print_brain(view, i, threshold=0.05, title=view.map_names[i], caption=captions.score_map(run))


def best_network(run: Run, atom: int) -> int:
    """The network of an atom's strongest link, or else the one that its map overlaps most."""
    c = run.correspondence
    strength = c.dice[:, atom] + c.paper_links[:, atom] + 2 * c.accepted_links[:, atom]  # (2, n_networks)
    return int(np.argmax(strength.max(0)))


def comparison_figures(runs: Sequence[Run]) -> dict[str, Draw]:
    """Every figure that the app shows of several runs side by side."""
    return {
        "heldout": lambda: print_chart(comparison.heldout_scores(runs), "Held-out prediction", captions.heldout(runs)),
        "delay": lambda: print_chart(comparison.lag_curves(runs), "Held-out r by delay", captions.lags(runs)),
        "diversity-consistency": lambda: print_chart(
            comparison.diversity_consistency(runs), "Diversity and consistency", captions.tradeoff(runs)
        ),
        "involvement": lambda: print_chart(
            comparison.involvement(runs), "Linked sub-groups of each network", captions.involvement(runs)
        ),
        "layer-profiles": lambda: print_chart(
            comparison.layer_profiles(runs), "Layers of each network's sub-groups", captions.profiles(runs)
        ),
    }  # fmt: skip


def figure_files(run: Run, figures: dict[str, Draw], formats: tuple[str, ...] = FORMATS) -> Files:
    """Draw figures, and name them after the run."""
    stem = f"task-{task_of(run)}_desc-{model_of(run)}"
    files: Files = {}
    for name, draw in figures.items():
        files |= print_files(draw(), f"{stem}_{name}", formats)
    return files
