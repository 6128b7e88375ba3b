"""Which sub-group goes with which brain network, against two nulls.

First null: the networks moved elsewhere (`spins`, `parcel_nulls`). Second, ours: sign-randomised
atoms, which have the spectrum of real ones but nothing to do with the story.
Subjects share one response, so the group map of a fake atom is as
network-shaped as that of a real one and its Dice as large; what a fake lacks
is the size of its correlation with the network. That is what the second null
tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..config import EncodingConfig, MatchConfig
from ..errors import AtlasError
from ..values import Correspondence
from .encoding_maps import GATE_COPIES, AtomGate, fake_atoms, group_t, subject_weights
from .encoding_nulls import null_locations
from .folds import delayed
from .held_out import held_out
from .network_null import NetworkNull
from .statistics import fdr, unit_columns, z_to_t
from .story_rows import Rows, group_mean, row_stories

SPINS_OF_FAKES = 1000  # the paper's number; enough for p < .05
SURROGATE_COPIES = 1000


@dataclass(frozen=True)
class _Fakes:
    dice: np.ndarray  # (n_fakes, 2, n_atoms, n_networks)
    p_spin: np.ndarray  # same
    p_phase: np.ndarray  # same
    atom_p: np.ndarray  # (n_fakes, n_atoms)


def match(
    atoms: np.ndarray,
    bold: np.ndarray,
    rows: Rows,
    z_maps: np.ndarray,
    atom_q: np.ndarray,
    null: NetworkNull,
    networks: tuple[str, ...],
    config: MatchConfig,
    encoding_config: EncodingConfig,
    *,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Correspondence:
    """Agreement of each atom's group map with each network (signed Dice, or spatial r), against both nulls.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    bold : (n_subjects, n_trs, n_locations), z-scored
    rows : TR of the atoms' row 0, or the rows of several stories
    z_maps : (n_atoms, n_locations)
    atom_q : (n_atoms,), from `AtomGate`
    null : NetworkNull
        `spins.SpinNull` of labels, or `soft_matching.SpatialNull` of weights.
    networks : names
    config, encoding_config : settings of this step and of the maps

    Returns
    -------
    Correspondence
    """
    if z_maps.shape[1] != null.n_locations:
        raise AtlasError(
            "Maps and atlas do not share their locations",
            found=f"{z_maps.shape[1]} locations",
            needed=str(null.n_locations),
            do="match on the space of the recording",
        )
    level = config.level
    dice = null.scores(z_maps, config.z_threshold)
    p_spin = null.scores_p(z_maps, config.z_threshold)
    progress(0.1)
    stories = row_stories(rows)
    brains = delayed(group_mean(bold, rows), rows, len(atoms), encoding_config.delays)
    surrogate = SurrogateNull(
        atoms, [b @ null.share for b in brains], np.random.default_rng([config.seed, 1]), stories
    )
    p_phase = surrogate.p(atoms)
    progress(0.2)
    fakes = _fake_matches(atoms, bold, rows, brains, null, surrogate, config, encoding_config, progress)
    return Correspondence(
        atlas=config.atlas,
        networks=networks,
        dice=dice.astype(np.float32),
        p_spin=p_spin.astype(np.float32),
        q_spin=fdr(p_spin).astype(np.float32),
        p_phase=p_phase.astype(np.float32),
        q_phase=fdr(p_phase).astype(np.float32),
        atom_q=np.asarray(atom_q, np.float32),
        involvement_fake=((fakes.p_spin < level) & (fakes.dice > 0)).sum(2).mean(0).astype(np.float32),
        n_links_fake=((fakes.p_spin < level) & (fakes.dice > 0)).sum((1, 2, 3)).astype(np.int32),
        n_links_fake_accepted=_accepted_fakes(fakes, level),
        level=level,
        measure=null.measure,
    )


class SurrogateNull:
    """How strongly sign-randomised atoms correlate with each network's mean response.

    Parameters
    ----------
    atoms : (n_rows, n_atoms)
    series : one (n_rows, n_networks) array of network means per delay
    rng : numpy Generator
    stories : (n_rows,), optional
        Which of several stories each row belongs to.
    """

    def __init__(
        self,
        atoms: np.ndarray,
        series: list[np.ndarray],
        rng: np.random.Generator,
        stories: np.ndarray | None = None,
    ) -> None:
        self.series = [unit_columns(np.asarray(one, np.float32)) for one in series]
        atoms = np.asarray(atoms, np.float32)
        copies = np.stack([self.response(fake_atoms(atoms, rng, stories)) for _ in range(SURROGATE_COPIES)])
        self.mean, self.spread = copies.mean(0), np.maximum(copies.std(0), 1e-9)
        # Each atom is scaled by its own copies (slow atoms correlate more by
        # chance), then all atoms share one null per sign and network.
        scaled = ((copies - self.mean) / self.spread).transpose(1, 3, 0, 2)
        self.ordered = np.sort(scaled.reshape(*scaled.shape[:2], -1), axis=-1)

    def response(self, atoms: np.ndarray) -> np.ndarray:
        """Largest r over delays, and largest -r: (2, n_atoms, n_networks)."""
        unit = unit_columns(np.asarray(atoms, np.float32))
        r = np.stack([unit.T @ one for one in self.series])
        return np.stack([r.max(0), -r.min(0)])

    def p(self, atoms: np.ndarray) -> np.ndarray:
        """p of the atoms' responses; ``atoms`` have the spectra of those given at first."""
        scaled = (self.response(atoms) - self.mean) / self.spread
        p = np.empty(scaled.shape)
        n = self.ordered.shape[-1]
        for sign, network in np.ndindex(*self.ordered.shape[:2]):
            below = np.searchsorted(self.ordered[sign, network], scaled[sign, :, network], side="left")
            p[sign, :, network] = (n - below + 1) / (n + 1)
        return p


def _fake_matches(
    atoms: np.ndarray,
    bold: np.ndarray,
    rows: Rows,
    brains: list[np.ndarray],
    null: NetworkNull,
    surrogate: SurrogateNull,
    config: MatchConfig,
    encoding_config: EncodingConfig,
    progress: Callable[[float], None],
) -> _Fakes:
    """Whole sign-randomised dictionaries through the same maps, threshold and spins."""
    rng = np.random.default_rng([config.seed, 2])
    threshold = z_to_t(config.z_threshold, len(bold))
    sample = null_locations(bold.shape[2], encoding_config.max_null_locations)
    brains = [brain[:, sample] for brain in brains]
    stories = row_stories(rows)
    gate = AtomGate(atoms, brains, GATE_COPIES, rng, stories)
    found: list[tuple] = []
    for i in range(config.n_fakes):
        fake = fake_atoms(np.asarray(atoms, np.float32), rng, stories)
        scores = held_out(fake, brains, encoding_config.one_delay, stories=stories)
        delay = encoding_config.delays[int(scores.lag_r.mean(1).argmax())]
        maps = group_t(subject_weights(fake, bold, rows, delay))
        spun = null.scores_p(maps, threshold, SPINS_OF_FAKES)
        found.append((null.scores(maps, threshold), spun, surrogate.p(fake), gate.p(fake)))
        progress(0.2 + 0.8 * (i + 1) / config.n_fakes)
    return _Fakes(*(np.array(part) for part in zip(*found, strict=True)))


def _accepted_fakes(fakes: _Fakes, level: float) -> np.ndarray:
    """Links of each fake dictionary by the accepted rule.

    With few spins the spin part is p < level, not its FDR: a bound from above.
    """
    counts = []
    for dice, p_spin, p_phase, atom_p in zip(
        fakes.dice, fakes.p_spin, fakes.p_phase, fakes.atom_p, strict=True
    ):
        passes = (p_spin < level) & (fdr(p_phase) < level) & (dice > 0)
        counts.append(int((passes & (fdr(atom_p) < level)[None, :, None]).sum()))
    return np.array(counts, np.int32)
