"""Which brain networks the sub-groups of each third of the depth go with: the walk's own match, three times.

Each third gets a dictionary of its own neurons, group maps at the delay that
suits them best, the atom gate, and the match of the whole run against both nulls
with as many sign-randomised dictionaries. It costs what three matches cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..config import DictionaryConfig, EncodingConfig, MatchConfig
from ..values import Correspondence, NeuronResponses, ThirdLinks
from .dictionary import learn_dictionary
from .encoding_maps import GATE_COPIES, AtomGate, group_t, subject_weights
from .folds import delayed
from .held_out import held_out
from .layer_curve import THIRDS, atoms_carried, layer_groups
from .matching import match
from .network_null import NetworkNull
from .statistics import fdr, p_from_null, t_to_z
from .story_rows import Rows, group_mean, row_stories


def third_links(
    responses: NeuronResponses,
    bold: np.ndarray,
    null: NetworkNull,
    networks: Sequence[str],
    dictionary: DictionaryConfig,
    encoding: EncodingConfig,
    config: MatchConfig,
    progress: Callable[[float], None] = lambda fraction: None,
) -> ThirdLinks:
    """Links of the sub-groups of the early, middle and late third of the layers.

    Parameters
    ----------
    responses : NeuronResponses
        On the recording's clock.
    bold : (n_subjects, n_trs, n_locations), z-scored
    null : NetworkNull
    networks : names
    dictionary, encoding, config : settings of the run
        K is lowered where a third has too few neurons.

    Returns
    -------
    ThirdLinks

    Raises
    ------
    ConfigError
        Fewer than three layers, or too few neurons of a third move.
    """
    rows, links, counts = [], [], []
    for i, group in enumerate(layer_groups(len(responses.layers), "third")):
        progress(i / 3)
        n_units = responses.n_units
        columns = (group[:, None] * n_units + np.arange(n_units)).ravel()
        layers = tuple(responses.layers[j] for j in group)
        values = responses.values[:, columns]
        used = replace(dictionary, n_atoms=atoms_carried(values, dictionary.n_atoms))
        atoms = learn_dictionary(values, used, layers=layers, n_units=n_units).atoms
        z_maps, atom_q, delay = maps_and_gate(atoms, bold, responses.rows, encoding)
        found = match(
            atoms, bold, responses.rows, z_maps, atom_q, null, tuple(networks), config, encoding,
            progress=lambda f, i=i: progress((i + 0.2 + 0.8 * f) / 3),  # type: ignore[misc]
        )  # fmt: skip
        about = {"third": THIRDS[i], "first_layer": layers[0], "last_layer": layers[-1]}
        size = {"n_neurons": len(columns), "n_atoms": atoms.shape[1], "map_delay": delay}
        rows.append(about | size | _counted(found))
        links.append(found.links().assign(third=THIRDS[i]))
        counts.append(_by_network(found).assign(third=THIRDS[i]))
    progress(1.0)
    return ThirdLinks(
        atlas=config.atlas,
        measure=null.measure,
        networks=tuple(networks),
        thirds=pd.DataFrame(rows),
        links=_stacked(links),
        counts=_stacked(counts),
        n_fakes=config.n_fakes,
        level=config.level,
    )


def maps_and_gate(
    atoms: np.ndarray, bold: np.ndarray, rows: Rows, config: EncodingConfig
) -> tuple[np.ndarray, np.ndarray, int]:
    """Group maps (n_atoms, n_locations) as z, q of the atoms, and the maps' delay: those of `encoding.encode`."""
    atoms, stories = np.asarray(atoms, np.float32), row_stories(rows)
    brains = delayed(group_mean(bold, rows), rows, len(atoms), config.delays)
    scores = held_out(atoms, brains, config.one_delay, stories=stories)
    delay = config.delays[int(scores.lag_r.mean(1).argmax())]
    gate = AtomGate(atoms, brains, GATE_COPIES, np.random.default_rng(config.seed).spawn(5)[2], stories)
    z_maps = t_to_z(group_t(subject_weights(atoms, bold, rows, delay)), len(bold))
    return z_maps, fdr(gate.p(atoms)).astype(np.float32), delay


def _counted(found: Correspondence) -> dict[str, float]:
    """Links by both rules beside those of sign-randomised dictionaries, and p of each count."""
    spin, accepted = int(found.paper_links.sum()), int(found.accepted_links.sum())
    low, high = np.percentile(found.n_links_fake, [2.5, 97.5])
    return {
        "n_brain_related": int((found.atom_q < found.level).sum()),
        "n_links": spin,
        "n_links_fake": float(found.n_links_fake.mean()),
        "n_links_fake_low": float(low),
        "n_links_fake_high": float(high),
        "n_links_p": float(p_from_null(np.array(spin), found.n_links_fake)),
        "n_accepted": accepted,
        "n_accepted_fake": float(found.n_links_fake_accepted.mean()),
        "n_accepted_p": float(p_from_null(np.array(accepted), found.n_links_fake_accepted)),
    }


def _by_network(found: Correspondence) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": list(found.networks),
            "n_links": found.paper_links.sum((0, 1)),
            "n_links_fake": found.involvement_fake.sum(0),
            "n_accepted": found.accepted_links.sum((0, 1)),
        }
    )


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One table, the third first."""
    whole = pd.concat(tables, ignore_index=True)
    return whole[["third", *(name for name in whole if name != "third")]]
