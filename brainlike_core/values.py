"""The values of the walk: frozen, read-only, checked at birth.

Names of axes never vary: ``n_trs, n_neurons, n_atoms, n_locations, n_vertices,
n_subjects, n_networks``. Locations are what a recording measures (vertices of
fsaverage5, or parcels); vertices are always those of fsaverage5, left then
right. Times are seconds, except in names that end in ``_trs``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from .errors import AtlasError, BrainlikeError, RecordingError, StoryError


@dataclass(frozen=True)
class Provenance:
    """Where a stored value came from.

    Attributes
    ----------
    step, step_version, config, inputs : the parts of its key
    code_version, packages, device, utc : what computed it, where and when
    seconds : float
        How long it took.
    """

    step: str
    step_version: int
    config: dict
    inputs: tuple[str, ...]
    code_version: str
    packages: dict
    device: str
    utc: str
    seconds: float


class _Frozen:
    """Make every array of a frozen dataclass read-only."""

    def _freeze(self) -> None:
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and value.flags.writeable:
                view = value.view()
                view.flags.writeable = False
                object.__setattr__(self, item.name, view)


def _check(
    condition: bool, kind: type[BrainlikeError], what: str, found: object, needed: str, do: str
) -> None:
    if not condition:
        raise kind(what, found=str(found), needed=needed, do=do)


@dataclass(frozen=True, eq=False)
class Story(_Frozen):
    """A transcript with its words on the scanner's clock.

    Attributes
    ----------
    name, title : str
    text : str
        What the language model reads.
    words : tuple of str, n_words
    spans : int64 (n_words, 2)
        First and last-plus-one character of each word in ``text``.
    onsets, offsets : float64 (n_words,)
        Seconds from the first volume.
    aligned : bool (n_words,)
        False where the time was interpolated, not measured.
    """

    name: str
    title: str
    text: str
    words: tuple[str, ...]
    spans: np.ndarray
    onsets: np.ndarray
    offsets: np.ndarray
    aligned: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.words)
        fix = "check the transcript"
        _check(n > 0, StoryError, f"Story '{self.name}' has no words", "0 words", "at least one word", fix)
        shapes = (self.spans.shape, self.onsets.shape, self.offsets.shape, self.aligned.shape)
        _check(
            shapes == ((n, 2), (n,), (n,), (n,)),
            StoryError, f"Story '{self.name}' has columns of different length", shapes, f"{n} rows each", fix,
        )  # fmt: skip
        finite = bool(np.isfinite(self.onsets).all() and np.isfinite(self.offsets).all())
        _check(
            finite, StoryError, f"Story '{self.name}' has untimed words", "NaN", "a time for each word", fix
        )
        ordered = bool((np.diff(self.onsets) >= 0).all() and (self.offsets >= self.onsets).all())
        _check(
            ordered, StoryError, f"Story '{self.name}' runs backwards", "onsets out of order",
            "onsets that never fall and offsets after them", "sort the words by onset",
        )  # fmt: skip
        self._freeze()

    @property
    def n_words(self) -> int:
        return len(self.words)


@dataclass(frozen=True, eq=False)
class Audio(_Frozen):
    """How loud a story's sound is, on the scanner's clock.

    Attributes
    ----------
    name : str
    envelope : float32 (n_steps,)
        Mean rectified amplitude in each step; full scale = 1.
    step_s : float
        Seconds per step.
    onset_s : float
        Seconds from the first volume to the first sample.
    seconds : float
        How long the sound lasts.
    """

    name: str
    envelope: np.ndarray
    step_s: float
    onset_s: float
    seconds: float

    def __post_init__(self) -> None:
        self._freeze()


@dataclass(frozen=True, eq=False)
class Recording(_Frozen):
    """Brains that listened to one story.

    Attributes
    ----------
    name, title : str
    bold : float32 (n_subjects, n_trs, n_locations)
        z-scored over time; zero where constant. May be memory-mapped.
    tr : float
        Repetition time in seconds.
    subjects : tuple of str
    space : str
        ``fsaverage5``, ``shen268`` or ``parcels``.
    locations : tuple of str, n_locations
        Names of parcels; empty for vertices.
    vertex_location : int32 (n_vertices,)
        Location drawn at each fsaverage5 vertex, -1 for none.
    constant : bool (n_subjects, n_locations)
        True where the time series never moves (kept and marked).
    pass_band : tuple of float
        Temporal filter of the data in Hz, (low, high); empty = none.
    """

    name: str
    title: str
    bold: np.ndarray
    tr: float
    subjects: tuple[str, ...]
    space: str
    locations: tuple[str, ...]
    vertex_location: np.ndarray
    constant: np.ndarray
    pass_band: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        what = f"Recording '{self.name}'"
        _check(
            self.bold.ndim == 3 and 0 not in self.bold.shape,
            RecordingError, f"{what} has the wrong shape", self.bold.shape,
            "(n_subjects, n_trs, n_locations), none of them 0", "check how it was read",
        )  # fmt: skip
        n_subjects, _, n_locations = self.bold.shape
        _check(
            len(self.subjects) == n_subjects and self.constant.shape == (n_subjects, n_locations),
            RecordingError, f"{what} names {len(self.subjects)} subjects", f"{n_subjects} time series",
            "one name and one row of constant marks each", "check how it was read",
        )  # fmt: skip
        _check(self.tr > 0, RecordingError, f"{what} has no TR", self.tr, "seconds > 0", "set the TR")
        _check(
            self.vertex_location.max() < n_locations,
            RecordingError, f"{what} draws locations it lacks", self.vertex_location.max(),
            f"below {n_locations}", "check the label volume",
        )  # fmt: skip
        _check(
            len(self.pass_band) in (0, 2), RecordingError, f"{what} has an odd filter", self.pass_band,
            "(low, high) in Hz", "set both edges",
        )  # fmt: skip
        self._freeze()

    @property
    def n_subjects(self) -> int:
        return self.bold.shape[0]

    @property
    def n_trs(self) -> int:
        return self.bold.shape[1]

    @property
    def n_locations(self) -> int:
        return self.bold.shape[2]


@dataclass(frozen=True, eq=False)
class Surface(_Frozen):
    """A cortical surface, both hemispheres in one list of vertices.

    Attributes
    ----------
    name : str
    n_left : int
        Vertices of the left hemisphere; they come first.
    faces : int32 (n_faces, 3)
        Triangles, right-hemisphere indices already shifted by ``n_left``.
    pial, inflated, flat, sphere : float32 (n_vertices, 3)
        Geometries in millimetres; the sphere has radius 100.
    sulc : float32 (n_vertices,)
        Sulcal depth: positive in sulci.
    """

    name: str
    n_left: int
    faces: np.ndarray
    pial: np.ndarray
    inflated: np.ndarray
    flat: np.ndarray
    sphere: np.ndarray
    sulc: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.pial)
        same = all(getattr(self, g).shape == (n, 3) for g in ("inflated", "flat", "sphere"))
        _check(
            same and self.sulc.shape == (n,) and int(self.faces.max()) < n,
            AtlasError, f"Surface '{self.name}' does not hang together", f"{n} pial vertices",
            "the same vertices in every geometry", "fetch the surface again",
        )  # fmt: skip
        self._freeze()

    @property
    def n_vertices(self) -> int:
        return len(self.pial)


@dataclass(frozen=True, eq=False)
class NetworkAtlas(_Frozen):
    """Functional brain networks (or regions) as labels on fsaverage5.

    Attributes
    ----------
    name, title, citation, licence : str
    labels : int16 (n_vertices,)
        0 = none, f + 1 = ``networks[f]``.
    networks : tuple of str, n_networks
    """

    name: str
    title: str
    labels: np.ndarray
    networks: tuple[str, ...]
    citation: str
    licence: str

    def __post_init__(self) -> None:
        top = int(self.labels.max())
        _check(
            self.labels.ndim == 1 and self.labels.min() >= 0 and 0 < top <= len(self.networks),
            AtlasError, f"Atlas '{self.name}' has labels without names", f"labels up to {top}",
            f"0 to {len(self.networks)}", "add the missing names",
        )  # fmt: skip
        self._freeze()

    @property
    def n_networks(self) -> int:
        return len(self.networks)


def neuron_name(layers: tuple[int, ...], n_units: int, neuron: int) -> str:
    """What a column of responses, or a row of loadings, is called; both numbers from 0.

    Parameters
    ----------
    layers : tuple of int
        Transformer block of each group of ``n_units`` neurons.
    n_units : int
    neuron : int
        0 to ``len(layers) * n_units - 1``.

    Raises
    ------
    IndexError
        No such neuron.

    Examples
    --------
    >>> neuron_name((2, 3), 24, 41)
    'layer 3, unit 17'
    """
    if not 0 <= neuron < len(layers) * n_units:
        raise IndexError(f"neuron {neuron} of {len(layers) * n_units}")
    return f"layer {layers[neuron // n_units]}, unit {neuron % n_units}"


@dataclass(frozen=True, eq=False)
class NeuronResponses(_Frozen):
    """Responses of artificial neurons, one row per word or per TR.

    Attributes
    ----------
    model : str
        Name, and revision or file digest, of the model.
    clock : str
        ``word``; ``tr mean``: mean over the words of each TR; or ``tr``.
    values : float32 (n_rows, n_neurons)
        Neuron ``layer * n_units + unit``; on the TR clock z-scored over rows.
    layers : tuple of int
        Transformer block of each group of ``n_units`` neurons.
    n_units : int
    first_tr : int
        TR of row 0 (TR clocks only).
    reading : dict
        How the model was run: device, precision, windows (see `placement.place`, `windows.describe`).
    """

    model: str
    clock: str
    values: np.ndarray
    layers: tuple[int, ...]
    n_units: int
    first_tr: int = 0
    reading: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        need = len(self.layers) * self.n_units
        _check(
            self.values.ndim == 2 and self.values.shape[1] == need,
            BrainlikeError, "Neuron responses have the wrong shape", self.values.shape,
            f"(n_rows, {need})", "extract again",
        )  # fmt: skip
        self._freeze()

    @property
    def n_neurons(self) -> int:
        return self.values.shape[1]


@dataclass(frozen=True, eq=False)
class Dictionary(_Frozen):
    """Sparse dictionary of neuron responses: X ~ atoms @ loadings.

    Attributes
    ----------
    atoms : float32 (n_trs, n_atoms)
        Temporal atoms of unit norm.
    loading_values : float32 (n_nonzero,), loading_atoms : int32 (n_nonzero,),
    loading_starts : int64 (n_neurons + 1,)
        Loadings, neuron by neuron (compressed sparse rows).
    r2 : float32 (n_neurons,)
        Share of each neuron's variance that the atoms explain.
    penalty, objective : float
        The L1 penalty (0 for methods without one) and the objective reached per neuron.
    n_iterations : int
    layers : tuple of int
    n_units : int
    first_tr : int
        TR of the atoms' row 0.
    names : tuple of str
        What each atom is, where atoms are features with names; empty where they were learned.
    penalty_max : float
        Median over neurons of their largest |correlation| with an atom: at a
        penalty above it, the median neuron loads on nothing.
    """

    atoms: np.ndarray
    loading_values: np.ndarray
    loading_atoms: np.ndarray
    loading_starts: np.ndarray
    r2: np.ndarray
    penalty: float
    objective: float
    n_iterations: int
    layers: tuple[int, ...]
    n_units: int
    first_tr: int
    names: tuple[str, ...] = ()
    penalty_max: float = 1.0

    def __post_init__(self) -> None:
        n = len(self.layers) * self.n_units
        _check(
            self.r2.shape == (n,) and self.loading_starts.shape == (n + 1,),
            BrainlikeError, "Dictionary does not cover its neurons", self.r2.shape, f"{n} neurons", "learn it again",
        )  # fmt: skip
        self._freeze()

    @property
    def n_trs(self) -> int:
        return self.atoms.shape[0]

    @property
    def n_atoms(self) -> int:
        return self.atoms.shape[1]

    @property
    def n_neurons(self) -> int:
        return len(self.r2)

    @property
    def loadings(self) -> sparse.csr_matrix:
        """Loadings A transposed, (n_neurons, n_atoms)."""
        parts = (self.loading_values, self.loading_atoms, self.loading_starts)
        return sparse.csr_matrix(parts, shape=(self.n_neurons, self.n_atoms))

    @property
    def subgroups(self) -> np.ndarray:
        """Strongest atom of each neuron, int32 (n_neurons,); -1 where all loadings are 0."""
        loadings = self.loadings
        best = np.asarray(abs(loadings).argmax(axis=1)).ravel().astype(np.int32)
        best[np.diff(loadings.indptr) == 0] = -1
        return best

    @property
    def layer_histogram(self) -> np.ndarray:
        """Neurons of each sub-group by layer, int64 (n_atoms, n_layers)."""
        groups = self.subgroups
        layer = np.arange(self.n_neurons) // self.n_units
        table = np.zeros((self.n_atoms, len(self.layers)), np.int64)
        np.add.at(table, (groups[groups >= 0], layer[groups >= 0]), 1)
        return table


@dataclass(frozen=True, eq=False)
class EncodingResult(_Frozen):
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
        phase-randomised atoms.
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
        phase-randomised copies: is the atom brain-related at all?
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
        phase-randomised copies, and p.
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
        self._freeze()

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
class Correspondence(_Frozen):
    """Sub-groups against brain networks. Axis 0 of each array is the sign: 0 = activation, 1 = deactivation.

    Attributes
    ----------
    atlas : str
    networks : tuple of str, n_networks
    dice : float32 (2, n_atoms, n_networks)
    p_spin, q_spin : float32 (2, n_atoms, n_networks)
        Against rotations of the sphere (the paper's null).
    p_phase, q_phase : float32 (2, n_atoms, n_networks)
        The atom's correlation with the network's mean response, best delay,
        against that of phase-randomised atoms.
    atom_q : float32 (n_atoms,)
        Is the atom brain-related at all (see `EncodingResult`)?
    involvement_fake : float32 (2, n_networks)
        Links of a phase-randomised dictionary with each network by the
        paper's rule, mean over fakes.
    n_links_fake : int32 (n_fakes,)
        Links that each phase-randomised dictionary gets by the paper's rule.
    n_links_fake_accepted : int32 (n_fakes,)
        Links that each of them gets by the accepted rule.
    level : float
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

    def __post_init__(self) -> None:
        self._freeze()

    @property
    def paper_links(self) -> np.ndarray:
        """Links by the paper's rule, spin p < level: bool (2, n_atoms, n_networks)."""
        return (self.p_spin < self.level) & (self.dice > 0)

    @property
    def accepted_links(self) -> np.ndarray:
        """Links that pass spin FDR, phase FDR and the atom gate: bool (2, n_atoms, n_networks)."""
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
class Organization(_Frozen):
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
        self._freeze()

    def value(self, metric: str) -> float:
        """The value of one metric."""
        return float(self.metrics.set_index("metric")["value"][metric])


@dataclass(frozen=True, eq=False)
class EqualSize(_Frozen):
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
class DictionaryChoice(_Frozen):
    """Settings of the dictionary compared on held-out neurons, and on time that their codes did not see.

    Attributes
    ----------
    table : DataFrame
        One row per setting. ``n_atoms, penalty``; mean R2 of the neurons that
        atoms were learned from (``r2_learned``), of held-out neurons
        (``r2_neurons``), and of these with codes fitted on the other half of
        the story (``r2_time``) with its standard error over stretches of the
        story (``r2_time_se``); ``behind``: how far below the best ``r2_time``,
        and the standard error of that, stretches paired (``behind_se``); ``loadings``: atoms that a held-out neuron loads on, mean;
        ``stability``: mean matched |r| of the atoms of two seeds, beside the
        mean and 95th percentile of phase-randomised ones (``stability_null,
        stability_null_high``); ``within`` one ``r2_time_se`` of the best;
        ``recommended``, ``used``: true in one row each.
    n_learned, n_held_out : int
        Neurons that atoms were learned from, and held-out ones.
    n_seeds : int
    consensus : float32 (n_trs, n_atoms)
        Atoms of all seeds averaged, with the setting in use.
    consensus_stability : float32 (n_atoms,)
        Mean |r| over pairs of seeds of the atoms that were averaged.
    atom_stability : float32 (n_atoms,)
        Mean matched |r| of each of the run's own atoms with those of every seed.
    atom_null : float
        95th percentile of that for phase-randomised copies of the run's atoms.
    """

    table: pd.DataFrame
    n_learned: int
    n_held_out: int
    n_seeds: int
    consensus: np.ndarray
    consensus_stability: np.ndarray
    atom_stability: np.ndarray
    atom_null: float

    def __post_init__(self) -> None:
        self._freeze()

    def row(self, which: str) -> pd.Series:
        """The ``recommended``, the ``used`` or the ``best`` setting (that of the largest ``r2_time``)."""
        chosen = self.table["r2_time"].idxmax() if which == "best" else self.table[which].idxmax()
        return self.table.loc[chosen]

    @property
    def at_edge(self) -> bool:
        """Whether the best setting has the most atoms, or the largest or smallest penalty, that were tried."""
        best = self.row("best")
        ends = (self.table["penalty"].min(), self.table["penalty"].max())
        return bool(best["n_atoms"] == self.table["n_atoms"].max() or best["penalty"] in ends)


@dataclass(frozen=True, eq=False)
class PlantedTruth(_Frozen):
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
        self._freeze()


@dataclass(frozen=True, eq=False)
class Recovery(_Frozen):
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
        self._freeze()


@dataclass(frozen=True, eq=False)
class Run:
    """A finished walk: everything a page or a report shows.

    Attributes
    ----------
    id, config : the run's id and its settings (see ``config.RunConfig``)
    seconds : dict
        Seconds each step took when it was computed.
    """

    id: str
    config: object
    story: Story
    recording: Recording
    atlas: NetworkAtlas
    dictionary: Dictionary
    encoding: EncodingResult
    correspondence: Correspondence
    organization: Organization
    equal_size: EqualSize
    recovery: Recovery | None = None
    seconds: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What the store keeps of a finished run.

    Attributes
    ----------
    id, label : str
    config : dict
        ``dataclasses.asdict`` of the `RunConfig`.
    entries : dict
        Step name -> key of its result.
    seconds : dict
        Step name -> seconds it took when it was computed.
    utc : str
    """

    id: str
    label: str
    config: dict
    entries: dict
    seconds: dict
    utc: str


def _nothing() -> np.ndarray:
    return np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class FitCheck(_Frozen):
    """Does a story fit a recording, and its sound both? Read before anything is computed.

    Attributes
    ----------
    facts : DataFrame
        ``fact, value, state, note``; state is ``good``, ``look`` or ``bad``.
    lags_s : float64 (n_lags,)
        Seconds by which the brain follows the haemodynamic response to speech.
    best_r : float32 (n_lags,)
        Largest Pearson r over locations between the speech regressor and the
        group mean.
    null_r : float
        95th percentile of the largest r at any lag and location for
        phase-randomised speech.
    peak_lag_s : float
        Lag of the largest r.
    isc : float32 (n_locations,)
        Leave-one-out inter-subject correlation, mean over subjects; NaN with
        fewer than 3 subjects.
    audio_r : float32 (n_lags,)
        As ``best_r``, for the sound's envelope; empty without a sound.
    audio_null_r, audio_peak_lag_s : float
        As ``null_r`` and ``peak_lag_s``; NaN without a sound.
    sound_lags_s : float64 (n_sound_lags,)
        Seconds by which the sound follows its words; empty without a sound.
    sound_r : float32 (n_sound_lags,)
        Pearson r of the envelope with "a word is being spoken".
    sound_null_r : float
        95th percentile of the largest r at any lag for phase-randomised envelopes.
    sound_lag_s : float
        Lag of the largest r.
    """

    facts: pd.DataFrame
    lags_s: np.ndarray
    best_r: np.ndarray
    null_r: float
    peak_lag_s: float
    isc: np.ndarray
    audio_r: np.ndarray = field(default_factory=_nothing)
    audio_null_r: float = float("nan")
    audio_peak_lag_s: float = float("nan")
    sound_lags_s: np.ndarray = field(default_factory=_nothing)
    sound_r: np.ndarray = field(default_factory=_nothing)
    sound_null_r: float = float("nan")
    sound_lag_s: float = float("nan")

    def __post_init__(self) -> None:
        self._freeze()

    @property
    def state(self) -> str:
        """The worst state of its facts."""
        return max(self.facts["state"], key=("good", "look", "bad").index)

    @property
    def has_audio(self) -> bool:
        return len(self.audio_r) > 0
