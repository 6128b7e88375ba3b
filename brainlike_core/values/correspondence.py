"""What a walk finds in the brain: prediction, correspondence with networks, organization."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .frozen import Frozen


@dataclass(frozen=True, eq=False)
class EncodingResult(Frozen):
    """How well the atoms predict each location, and each atom's brain map.

    Attributes
    ----------
    r_heldout, p, q : float32 (n_locations,)
        Held-out Pearson r of the group mean, its p against surrogate recordings
        (one-sided, never 0) and its false-discovery rate.
    p_max : float32 (n_locations,)
        Family-wise p: against the best location of each surrogate. NaN where
        the null was computed on a subset of the locations.
    r2_heldout : float32 (n_locations,)
        Held-out 1 - residual / total sum of squares; below 0 where the mean
        would have predicted better.
    delay : int16 (n_locations,)
        Delay beyond the HRF in TRs, the one most folds chose.
    noise_ceiling : float32 (n_locations,)
        Leave-one-subject-out inter-subject correlation, mean over subjects.
    r2_insample, r2_insample_null : float32 (n_locations,)
        Ordinary regression on all TRs (paper-like), and its mean under
        sign-randomised atoms.
    r_mean, r_mean_p : float
        Mean of ``r_heldout`` and its p.
    null_means : float32 (n_surrogates,)
    r_subjects : float32 (n_subjects,)
        Mean held-out r of each subject.
    lag_delays : int16 (n_delays,), lag_curve : float32 (n_delays,)
        Mean held-out r with one delay for all locations.
    map_delay : int
        The delay of the maps: best of ``lag_curve``.
    z_maps : float32 (n_atoms, n_locations)
        Group map of each atom: one-sample t over subjects as z.
    weights : float32 (n_subjects, n_atoms, n_locations)
        Per-subject encoding weights, standardised over locations.
    atom_r2, atom_p, atom_q : float32 (n_atoms,)
        Mean squared r over locations (best delay), and its p and q against
        sign-randomised copies: is the atom brain-related at all?
    r2_nuisance, r2_unique : float32 (n_locations,)
        Held-out R^2 of word rate and the like alone, and what the atoms add to
        it; NaN where no nuisance was given, and outside the even subset of
        ``max_null_locations``.
    atom_unique : float32 (n_atoms, n_locations)
        Held-out R^2 lost without each atom.
    z_flip : float
        |z| that the largest of all group maps passes in one of 20 sign flips of
        the subjects: family-wise .05. All subjects share one response, so this
        says that a map is consistent, not that its atom is right.
    half_r : float32 (n_atoms,), half_r_null : float32 (n_copies,), half_r_p : float
        Replication: each atom's map of the first half of the story against that
        of the second (over that subset); the mean over atoms for
        sign-randomised copies, and p.
    subject_half_r : float32 (n_atoms,), subject_half_r_null : float32 (n_copies,)
        The same between odd and even subjects. No evidence: made-up atoms agree
        as well.
    """

    r_heldout: np.ndarray
    r2_heldout: np.ndarray
    p: np.ndarray
    q: np.ndarray
    p_max: np.ndarray
    delay: np.ndarray
    noise_ceiling: np.ndarray
    r2_insample: np.ndarray
    r2_insample_null: np.ndarray
    r_mean: float
    r_mean_p: float
    null_means: np.ndarray
    r_subjects: np.ndarray
    lag_delays: np.ndarray
    lag_curve: np.ndarray
    map_delay: int
    z_maps: np.ndarray
    weights: np.ndarray
    atom_r2: np.ndarray
    atom_p: np.ndarray
    atom_q: np.ndarray
    r2_nuisance: np.ndarray
    r2_unique: np.ndarray
    atom_unique: np.ndarray
    z_flip: float
    half_r: np.ndarray
    half_r_null: np.ndarray
    half_r_p: float
    subject_half_r: np.ndarray
    subject_half_r_null: np.ndarray

    def __post_init__(self) -> None:
        self.freeze()

    @property
    def n_locations(self) -> int:
        return len(self.r_heldout)

    @property
    def group_ceiling(self) -> np.ndarray:
        """The r that the shared response itself would have with the mean of these listeners: float32 (n_locations,).

        With a share s of each listener's variance common to all of n listeners,
        the leave-one-out correlation is s / sqrt(s + (1 - s) / (n - 1)); solved for
        s, the mean of n listeners correlates sqrt(n s / (1 + (n - 1) s)) with what
        they share. 0 where listeners do not agree.
        """
        n, c2 = len(self.r_subjects), np.maximum(self.noise_ceiling, 0) ** 2
        half = c2 * (n - 2) / (n - 1) / 2
        shared = half + np.sqrt(half**2 + c2 / (n - 1))
        return np.sqrt(n * shared / (1 + (n - 1) * shared)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Correspondence(Frozen):
    """Sub-groups against brain networks. Axis 0 of each array is the sign: 0 = activation, 1 = deactivation.

    Attributes
    ----------
    atlas : str
    networks : tuple of str, n_networks
    dice : float32 (2, n_atoms, n_networks)
        How well map and network agree: Dice, or what ``measure`` says.
    p_spin, q_spin : float32 (2, n_atoms, n_networks)
        Against rotations of the sphere (the paper's null).
    p_phase, q_phase : float32 (2, n_atoms, n_networks)
        The atom's correlation with the network's mean response, best delay,
        against that of sign-randomised atoms (cosines of phase 0 or half a turn).
    atom_q : float32 (n_atoms,)
        Is the atom brain-related at all (see `EncodingResult`)?
    involvement_fake : float32 (2, n_networks)
        Links of a sign-randomised dictionary with each network by the
        paper's rule, mean over fakes.
    n_links_fake : int32 (n_fakes,)
        Links that each sign-randomised dictionary gets by the paper's rule.
    n_links_fake_accepted : int32 (n_fakes,)
        Links that each of them gets by the accepted rule.
    level : float
    measure : str
        ``Dice`` with networks that are labels, ``spatial r`` (Pearson over
        cortex) with networks that are weights.
    """

    atlas: str
    networks: tuple[str, ...]
    dice: np.ndarray
    p_spin: np.ndarray
    q_spin: np.ndarray
    p_phase: np.ndarray
    q_phase: np.ndarray
    atom_q: np.ndarray
    involvement_fake: np.ndarray
    n_links_fake: np.ndarray
    n_links_fake_accepted: np.ndarray
    level: float
    measure: str = "Dice"

    def __post_init__(self) -> None:
        self.freeze()

    @property
    def paper_links(self) -> np.ndarray:
        """Links by the paper's rule, spin p < level: bool (2, n_atoms, n_networks)."""
        return (self.p_spin < self.level) & (self.dice > 0)

    @property
    def accepted_links(self) -> np.ndarray:
        """Links that pass spin FDR, surrogate FDR and the atom gate: bool (2, n_atoms, n_networks)."""
        passes = (self.q_spin < self.level) & (self.q_phase < self.level) & (self.dice > 0)
        return passes & (self.atom_q < self.level)[None, :, None]

    def links(self, rule: str = "paper") -> pd.DataFrame:
        """Linked pairs, strongest first: atom, network, sign, dice, p, q, p_phase, q_phase, accepted."""
        accepted = self.accepted_links
        sign, atom, network = np.nonzero(self.paper_links if rule == "paper" else accepted)
        at = (sign, atom, network)
        table = pd.DataFrame(
            {
                "atom": atom,
                "network": np.array(self.networks)[network],
                "sign": np.where(sign == 0, "+", "-"),
                "dice": self.dice[at],
                "p": self.p_spin[at],
                "q": self.q_spin[at],
                "p_phase": self.p_phase[at],
                "q_phase": self.q_phase[at],
                "accepted": accepted[at],
            }
        )
        return table.sort_values(["dice", "atom"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Organization(Frozen):
    """How the sub-groups of one model are organised.

    Attributes
    ----------
    metrics : DataFrame
        One row per quantity: ``metric, value, low, high, null, null_low,
        null_high`` (bootstrap 95 % interval; size-matched null and its 95 %
        range; NaN where a quantity has none).
    networks : DataFrame
        One row per network: ``network, involvement_pos, involvement_neg,
        involvement_fake, consistency, consistency_low, consistency_high,
        consistency_null, consistency_null_low, consistency_null_high,
        centre_of_mass`` (layer depth 0-1).
    layer_profiles : float32 (n_networks, n_layers)
        Mean layer histogram of the atoms linked to each network (rows sum to
        1, or are 0 where no atom is linked).
    """

    metrics: pd.DataFrame
    networks: pd.DataFrame
    layer_profiles: np.ndarray

    def __post_init__(self) -> None:
        self.freeze()

    def value(self, metric: str) -> float:
        """The value of one metric."""
        return float(self.metrics.set_index("metric")["value"][metric])


@dataclass(frozen=True, eq=False)
class EqualSize(Frozen):
    """Metrics of one model at a fixed number of neurons.

    Attributes
    ----------
    n_neurons : int
        Neurons in each draw.
    draws : DataFrame
        One row per random sub-sample: ``diversity, consistency,
        consistency_spatial, effective_rank, compactness, n_links, r_heldout``.
        No rows where the model has too few neurons.
    resampled : DataFrame
        The same draws after a bootstrap of subjects and of blocks of time;
        row i of two models on one recording was resampled alike.
    """

    n_neurons: int
    draws: pd.DataFrame
    resampled: pd.DataFrame

    def difference(self, other: EqualSize, metric: str) -> tuple[float, float, float]:
        """This model minus another: the difference, and its 95 % interval over paired draws.

        The interval is moved by the bootstrap's bias; NaN where either has no draws.
        """
        pairs = self.resampled[metric].to_numpy()[: len(other.resampled)]
        pairs = pairs - other.resampled[metric].to_numpy()[: len(pairs)]
        if self.n_neurons != other.n_neurons or np.isfinite(pairs).sum() < 20:
            return (float("nan"),) * 3
        value = float(np.nanmean(self.draws[metric]) - np.nanmean(other.draws[metric]))
        low, high = np.nanpercentile(pairs, [2.5, 97.5]) - np.nanmean(pairs)
        return value, value + float(low), value + float(high)


@dataclass(frozen=True, eq=False)
class PlantedTruth(Frozen):
    """What a simulated recording was made of.

    Attributes
    ----------
    table : DataFrame
        One row per planted effect: ``pattern, network, sign, gain, kind``;
        ``kind`` is ``acoustic``, ``lexical`` or ``context``.
    patterns : float32 (n_patterns, n_trs)
        Planted time courses after the HRF, z-scored, in order of first
        appearance in ``table``.
    names : tuple of str, n_patterns
    atlas : str
        The atlas whose networks carry the plant.
    """

    table: pd.DataFrame
    patterns: np.ndarray
    names: tuple[str, ...]
    atlas: str

    def __post_init__(self) -> None:
        self.freeze()


@dataclass(frozen=True, eq=False)
class Recovery(Frozen):
    """How much of the plant came back.

    Attributes
    ----------
    table : DataFrame
        One row per planted effect: ``pattern, kind, network, sign``; the
        sub-group that carries it, or else the one most like the pattern
        (``atom, atom_r, atom_q, dice`` with the planted network);
        ``n_subgroups`` that carry it; ``recovered``.
    score : float
        Share of planted effects that an accepted link found, through a
        sub-group that expresses the pattern.
    chance, p : float
        The mean score when planted networks are shuffled among patterns, and
        the share of shuffles that reach ``score``.
    n_links, n_links_planted : int
        Accepted links, and those of them that a planted effect explains.
    """

    table: pd.DataFrame
    score: float
    chance: float
    p: float
    n_links: int
    n_links_planted: int

    def __post_init__(self) -> None:
        self.freeze()
