"""One frozen config per step, and their digest.

Every field says what it is, its unit, and whether the default is the paper's
(arXiv 2410.19542), or our choice where the paper is silent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import ConfigError


def _need(condition: bool, what: str, found: object, needed: str) -> None:
    if not condition:
        name = what.split(" ")[0]
        raise ConfigError(f"Invalid value for {what}", found=repr(found), needed=needed, do=f"change {name}")


def digest(value: Any) -> str:
    """SHA-256 (64 hex characters) of a config's canonical JSON.

    Two configs have one digest exactly when every field is equal.

    Examples
    --------
    >>> digest(DictionaryConfig()) == digest(DictionaryConfig(n_atoms=64))
    True
    >>> digest(DictionaryConfig()) == digest(DictionaryConfig(seed=1))
    False
    """
    body = {"kind": type(value).__name__, "fields": dataclasses.asdict(value)}
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


NEURON_KINDS = ("ffn_out", "ffn_mid", "block_out", "attn_out")
LOW_LEVEL = "low-level"  # the pseudo-model: features of the words alone
PRECISIONS = ("auto", "float32", "bfloat16", "int8", "nf4")
CONFOUNDS = ("none", "simple", "scrubbing", "compcor")


@dataclass(frozen=True)
class RecordingConfig:
    """Which brains, listening to which story.

    Attributes
    ----------
    name : str
        A recording of the catalogue (``simulated``, ``pieman``,
        ``narratives-<story>``, ``lpp-en-<section>``), or a folder of your own:
        fMRIPrep derivatives, or one table of parcels per subject.
    subjects : tuple of int
        One-based positions in the recording's list of subjects; empty = all.
    seed : int
        Seed of the simulation; ignored by real recordings.
    story : str
        Transcript with word times of your own recording.
    story_onset_s : float
        Where the transcript's zero lies on the scan clock, seconds.
    words_per_minute : float
        For a transcript without times; 0 = it has times.
    section : int
        Of Le Petit Prince, 1 to 9.
    task, space : str
        Which runs of a derivatives folder; empty = the only one there is.
    tr : float
        Repetition time in seconds; 0 = as the files say.
    audio : str
        Sound of the story (WAV) that begins at ``story_onset_s``: used by the
        low-level baseline alone.
    parcels : str
        Label volume in MNI space: column k of the tables is label k + 1.
    confounds : str
        nilearn's strategy: ``none``, ``simple``, ``scrubbing`` or ``compcor``.
    detrend : bool
    high_pass, low_pass : float
        Temporal filter in Hz; 0 = none. Neurons get the same one.
    """

    name: str = "simulated"
    subjects: tuple[int, ...] = ()
    seed: int = 0
    story: str = ""
    story_onset_s: float = 0.0
    words_per_minute: float = 0.0
    section: int = 1
    task: str = ""
    space: str = ""
    tr: float = 0.0
    audio: str = ""
    parcels: str = ""
    confounds: str = "simple"
    detrend: bool = True
    high_pass: float = 0.01
    low_pass: float = 0.0

    def __post_init__(self) -> None:
        _need(all(s >= 1 for s in self.subjects), "subjects", self.subjects, "positions from 1")
        _need(len(set(self.subjects)) == len(self.subjects), "subjects", self.subjects, "each once")
        _need(self.confounds in CONFOUNDS, "confounds", self.confounds, f"one of {', '.join(CONFOUNDS)}")
        _need(abs(self.story_onset_s) < 86_400, "story_onset_s", self.story_onset_s, "seconds within a day")
        _need(0 <= self.words_per_minute <= 1000, "words_per_minute", self.words_per_minute, "0 to 1000")
        _need(1 <= self.section <= 9, "section", self.section, "1 to 9")
        _need(self.tr == 0 or 0.1 <= self.tr <= 20, "tr", self.tr, "0.1 to 20 seconds, or 0 as the files say")
        _need(0 <= self.high_pass < 1, "high_pass", self.high_pass, "0 to 1 Hz")
        top = self.low_pass == 0 or self.high_pass < self.low_pass <= 5
        _need(top, "low_pass", self.low_pass, "0, or above high_pass and at most 5 Hz")

    @property
    def title(self) -> str:
        """The name, or the last part of a path; with the section where there are several."""
        if self.name == "lpp-en":
            return f"lpp-en {self.section}"
        return self.name.rstrip("/").rsplit("/", 1)[-1]


@dataclass(frozen=True)
class CheckConfig:
    """Does a story fit a recording? Its digest is the check's id.

    Attributes
    ----------
    recording : RecordingConfig
    audio : str
        A WAV file of the story, or empty.
    audio_onset_s : float or None
        Where the sound begins on the scan clock, seconds; None = where the
        transcript's zero lies.
    """

    recording: RecordingConfig = field(default_factory=RecordingConfig)
    audio: str = ""
    audio_onset_s: float | None = None

    def __post_init__(self) -> None:
        _need(abs(self.sound_onset_s) < 86_400, "audio_onset_s", self.audio_onset_s, "seconds within a day")

    @property
    def sound_onset_s(self) -> float:
        """Seconds from the first volume to the first sample of the sound."""
        return self.recording.story_onset_s if self.audio_onset_s is None else self.audio_onset_s

    @property
    def id(self) -> str:
        """The check's id: 64 hex characters."""
        return digest(self)

    @property
    def label(self) -> str:
        """A short name for people, such as ``fmriprep · story.TextGrid · story.wav``."""
        files = (self.recording.story, self.audio)
        return " · ".join([self.recording.title, *(f.rstrip("/").rsplit("/", 1)[-1] for f in files if f)])


def check_config_from_dict(fields: dict[str, Any]) -> CheckConfig:
    """Rebuild a `CheckConfig` from ``dataclasses.asdict`` (as stored in JSON)."""
    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in fields["recording"].items()
    }
    recording = RecordingConfig(**values)
    return CheckConfig(**{**fields, "recording": recording})


@dataclass(frozen=True)
class ExtractConfig:
    """Which artificial neurons.

    Attributes
    ----------
    model : str
        A model of the catalogue, a hub id ``org/name[@revision]``, or a folder; or
        ``low-level``: no model, features of the words alone.
    layers : tuple of int
        Zero-based transformer blocks; empty = all (paper).
    neurons : str
        ``ffn_out``: output of the second linear layer of the feed-forward
        part, before the residual is added (paper); ``ffn_mid``: its input,
        after the activation; ``block_out``: the residual stream after the
        block; ``attn_out``: self-attention's output before the residual.
    weights : str
        ``trained``, or ``random``: the same architecture freshly initialised.
    seed : int
        Seed of the random weights; ignored when trained.
    window, stride : int
        Tokens per window and step between windows for bidirectional models
        (ours); causal models read the story once with a cache.
    precision : str
        ``auto``: float32, but bfloat16 on a GPU where the neurons survive it
        (see `placement.place`); ``float32``; ``bfloat16``; ``int8`` and
        ``nf4``: weights quantised by bitsandbytes. Averages are always float32.
    """

    model: str = "smollm2-135m"
    layers: tuple[int, ...] = ()
    neurons: str = "ffn_out"
    weights: str = "trained"
    seed: int = 0
    window: int = 512
    stride: int = 256
    precision: str = "auto"

    def __post_init__(self) -> None:
        _need(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        kinds = f"one of {', '.join(NEURON_KINDS)}"
        _need(self.neurons in NEURON_KINDS, "neurons", self.neurons, kinds)
        _need(self.weights in ("trained", "random"), "weights", self.weights, "'trained' or 'random'")
        _need(all(layer >= 0 for layer in self.layers), "layers", self.layers, "numbers from 0")
        _need(self.window >= 8, "window", self.window, "at least 8 tokens")
        _need(1 <= self.stride <= self.window, "stride", self.stride, "1 to window")


def extract_configs(
    models: Sequence[str], weights: Sequence[str], seeds: Sequence[int], layers: tuple[int, ...], neurons: str
) -> list[ExtractConfig]:
    """Every model with every kind of weights: trained once, random once per seed, the baseline once.

    Examples
    --------
    >>> made = extract_configs(["minilm-l6", "low-level"], ["trained", "random"], [0, 1], (), "ffn_out")
    >>> [(one.model, one.weights, one.seed) for one in made]
    [('minilm-l6', 'trained', 0), ('minilm-l6', 'random', 0), ('minilm-l6', 'random', 1), ('low-level', 'trained', 0)]
    """
    made = []
    for model in models:
        if model == LOW_LEVEL:  # no layers and no weights; random alone is refused where it is walked
            kind = "trained" if "trained" in weights else weights[0]
            made.append(ExtractConfig(model=LOW_LEVEL, weights=kind, seed=seeds[0]))
            continue
        for kind in weights:
            for seed in seeds if kind == "random" else seeds[:1]:
                made.append(
                    ExtractConfig(model=model, layers=layers, neurons=neurons, weights=kind, seed=seed)
                )
    return made


@dataclass(frozen=True)
class ResponseConfig:
    """From words to the recording's clock (ours).

    Attributes
    ----------
    centre_words : bool
        Centre each neuron over words first, or word rate leaks in.
    hrf : str
        ``glover``: nilearn's canonical haemodynamic response.
    match_filter : bool
        Give the responses the temporal filter that the recording had.
    edge_s : float
        Seconds kept after the first word (dropped before it) and after the
        last word: the haemodynamic response needs about six.
    """

    centre_words: bool = True
    hrf: str = "glover"
    match_filter: bool = True
    edge_s: float = 6.0

    def __post_init__(self) -> None:
        _need(self.hrf == "glover", "hrf", self.hrf, "'glover'")
        _need(0 <= self.edge_s <= 60, "edge_s", self.edge_s, "0 to 60 seconds")


METHODS = ("sparse", "pca", "ica", "nmf", "kmeans", "autoencoder")


@dataclass(frozen=True)
class DictionaryConfig:
    """The sparse dictionary of neuron responses, or another factorization in its place.

    Attributes
    ----------
    n_atoms : int
        K = 64 (paper).
    penalty : float
        L1 penalty on unit-norm neurons, between 0 and 1 (ours, gated by
        recovery of planted atoms): about a quarter of the median
        neuron's largest correlation with an atom. ``sparse`` and
        ``autoencoder`` have one.
    n_iterations : int
        Passes over all neurons at most.
    tolerance : float
        Stop when the objective falls by less than this share in one pass.
    seed : int
    method : str
        ``sparse`` (paper), or to test that choice ``pca``, ``ica``, ``nmf``,
        ``kmeans`` or ``autoencoder``.
    """

    n_atoms: int = 64
    penalty: float = 0.1
    n_iterations: int = 60
    tolerance: float = 1e-4
    seed: int = 0
    method: str = "sparse"

    def __post_init__(self) -> None:
        _need(self.method in METHODS, "method (--method)", self.method, f"one of {', '.join(METHODS)}")
        _need(2 <= self.n_atoms <= 4096, "n_atoms (--atoms)", self.n_atoms, "2 to 4096")
        _need(0 < self.penalty < 1, "penalty", self.penalty, "between 0 and 1 (unit-norm neurons)")
        _need(self.n_iterations >= 1, "n_iterations", self.n_iterations, "at least 1")
        _need(0 < self.tolerance < 1, "tolerance", self.tolerance, "between 0 and 1")


REGRESSIONS, CRITERIA, NULLS = ("ridge", "lasso"), ("r", "r2"), ("phase", "block", "shift")
NUISANCE = (
    "word rate",
    "word length",
    "word duration",
    "log frequency",
    "sentence end",
    "phrase end",
    "audio envelope",
)


@dataclass(frozen=True)
class EncodingConfig:
    """Atoms as regressors of the brain; every claim on held-out time.

    Attributes
    ----------
    n_folds, n_inner_folds : int
        Contiguous outer and inner folds.
    gap_trs : int
        TRs dropped on both sides of a test fold.
    delays : tuple of int
        Delays beyond the HRF in TRs, one chosen per location inside the
        training folds.
    penalties : tuple of float
        Ridge penalties as multiples of trace(D'D) / K.
    regression : str
        ``ridge`` (ours), or ``lasso`` (the paper's kind).
    lasso_shares : tuple of float
        Lasso penalties as shares of the one from which all weights are 0.
    criterion : str
        What chooses penalty and delay: ``r``, or ``r2``.
    fir : bool
        Atoms at all delays together (finite impulse response), instead of one
        delay chosen per location.
    null : str
        Surrogate recordings: ``phase`` (randomised phases), ``block`` (blocks of
        time shuffled) or ``shift`` (circular shifts; p not below 1 / n_trs).
    block_trs : int
        Length of a block, and the shortest shift.
    n_surrogates : int
        Surrogate recordings, each refitted through the whole cross-validation.
    max_null_locations : int
        Above this many locations the null is computed on an even subset of
        them and pooled.
    nuisance : tuple of str
        Low-level features that the atoms' unique variance is beyond; those that
        the story has (sound, where it is given). Empty = not computed.
    band_ratios : tuple of float
        Penalty of the nuisance band over that of the atoms, chosen per location.
    n_flips : int
        Sign flips of the group maps.
    fdr : float
        Benjamini-Hochberg level.
    seed : int
    """

    n_folds: int = 5
    n_inner_folds: int = 4
    gap_trs: int = 7
    delays: tuple[int, ...] = (0, 1, 2, 3, 4)
    penalties: tuple[float, ...] = (1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4)
    regression: str = "ridge"
    lasso_shares: tuple[float, ...] = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
    criterion: str = "r"
    fir: bool = False
    null: str = "phase"
    block_trs: int = 20
    n_surrogates: int = 200
    max_null_locations: int = 400
    nuisance: tuple[str, ...] = ("word rate", "word length", "word duration", "audio envelope")
    band_ratios: tuple[float, ...] = (0.1, 1.0, 10.0)
    n_flips: int = 1000
    fdr: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        _need(self.n_folds >= 2, "n_folds", self.n_folds, "at least 2")
        _need(self.n_inner_folds >= 2, "n_inner_folds", self.n_inner_folds, "at least 2")
        _need(self.gap_trs >= 0, "gap_trs", self.gap_trs, "0 or more")
        _need(
            bool(self.delays) and all(0 <= d <= 20 for d in self.delays), "delays", self.delays, "0 to 20 TRs"
        )
        _need(bool(self.penalties) and all(p > 0 for p in self.penalties), "penalties", self.penalties, "> 0")
        _need(
            self.regression in REGRESSIONS, "regression", self.regression, f"one of {', '.join(REGRESSIONS)}"
        )
        shares = bool(self.lasso_shares) and all(0 < s < 1 for s in self.lasso_shares)
        _need(shares, "lasso_shares", self.lasso_shares, "between 0 and 1")
        _need(self.criterion in CRITERIA, "criterion", self.criterion, f"one of {', '.join(CRITERIA)}")
        _need(self.null in NULLS, "null", self.null, f"one of {', '.join(NULLS)}")
        _need(self.block_trs >= 1, "block_trs", self.block_trs, "at least 1 TR")
        _need(
            set(self.nuisance) <= set(NUISANCE), "nuisance", self.nuisance, f"some of {', '.join(NUISANCE)}"
        )
        ratios = bool(self.band_ratios) and all(r > 0 for r in self.band_ratios)
        _need(ratios, "band_ratios", self.band_ratios, "> 0")
        _need(self.n_flips >= 20, "n_flips", self.n_flips, "at least 20")
        _need(self.n_surrogates >= 19, "n_surrogates", self.n_surrogates, "at least 19 (p = .05)")
        _need(0 < self.fdr < 1, "fdr", self.fdr, "between 0 and 1")

    @property
    def one_delay(self) -> EncodingConfig:
        """The same with ridge and one delay per location: what maps are made with."""
        return dataclasses.replace(self, regression="ridge", fir=False)


@dataclass(frozen=True)
class MatchConfig:
    """Which sub-group goes with which brain network.

    Attributes
    ----------
    atlas : str
        ``eg17`` (Gordon 2017; most likely the paper's) or another of the
        catalogue; or the path of an atlas of your own.
    atlas_names : str
        A table with the names of its labels, where the file has none.
    z_threshold : float
        |z| above which a group map counts (ours).
    n_spins : int
        Rotations of the sphere (paper: at least 1,000).
    n_fakes : int
        Phase-randomised dictionaries for the second null (ours).
    level : float
        Level of the spin test and of the false-discovery rates.
    seed : int
    """

    atlas: str = "eg17"
    atlas_names: str = ""
    z_threshold: float = 2.3
    n_spins: int = 10_000
    n_fakes: int = 100
    level: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        _need(self.z_threshold > 0, "z_threshold", self.z_threshold, "> 0")
        _need(self.n_spins >= 19, "n_spins", self.n_spins, "at least 19")
        _need(self.n_fakes >= 5, "n_fakes", self.n_fakes, "at least 5")
        _need(0 < self.level < 1, "level", self.level, "between 0 and 1")

    @property
    def title(self) -> str:
        """The atlas's name, or the last part of its path."""
        return self.atlas.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class OrganizationConfig:
    """How a model's sub-groups are organised, with intervals.

    Attributes
    ----------
    n_bootstraps : int
        Resamples of subjects and of blocks of time.
    n_null : int
        Random sets of atoms of the same size.
    block_s : float
        Length of a bootstrap block in seconds.
    seed : int
    """

    n_bootstraps: int = 200
    n_null: int = 500
    block_s: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        _need(self.n_bootstraps >= 20, "n_bootstraps", self.n_bootstraps, "at least 20")
        _need(self.n_null >= 20, "n_null", self.n_null, "at least 20")
        _need(self.block_s > 0, "block_s", self.block_s, "> 0 seconds")


@dataclass(frozen=True)
class EqualSizeConfig:
    """Models compared at one number of neurons (ours).

    Attributes
    ----------
    n_neurons : int
        Neurons in each draw: fewer than the smallest model of interest has.
    n_draws : int
        Random sub-samples, each walked again from the dictionary on.
    n_spins : int
        Rotations of the sphere in each draw.
    seed : int
    """

    n_neurons: int = 2000
    n_draws: int = 30
    n_spins: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _need(self.n_neurons >= 2, "n_neurons", self.n_neurons, "at least 2")
        _need(self.n_draws >= 20, "n_draws", self.n_draws, "at least 20")
        _need(self.n_spins >= 19, "n_spins", self.n_spins, "at least 19")


@dataclass(frozen=True)
class ChoiceConfig:
    """How many atoms, and how sparse? Its digest is the comparison's id (all ours).

    Attributes
    ----------
    run : str
        Id of a finished run: its neurons are summed up with other settings.
    n_atoms : tuple of int
        Numbers of atoms; those that the neurons or TRs cannot carry are left out.
    penalties : tuple of float
        L1 penalties. Every number of atoms meets every penalty, and the run's
        own setting is added.
    n_seeds : int
        Dictionaries with the run's own setting: their consensus, and the
        stability of each atom.
    n_grid_seeds : int
        Dictionaries with every other setting.
    n_neurons : int
        Neurons drawn at random, at most. Fewer neurons carry fewer atoms.
    held_out : float
        Share of them that no atom is learned from.
    gap_trs : int
        TRs dropped where the story is cut in half.
    block_s : float
        Seconds of the stretches over which the standard error is taken.
    seed : int
    """

    run: str = ""
    n_atoms: tuple[int, ...] = (8, 16, 32, 64, 128)
    penalties: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2)
    n_seeds: int = 10
    n_grid_seeds: int = 3
    n_neurons: int = 20_000
    held_out: float = 0.2
    gap_trs: int = 7
    block_s: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        atoms = bool(self.n_atoms) and all(2 <= k <= 4096 for k in self.n_atoms)
        _need(atoms, "n_atoms (--atoms)", self.n_atoms, "numbers from 2 to 4096")
        penalties = bool(self.penalties) and all(0 < p < 1 for p in self.penalties)
        _need(penalties, "penalties (--penalty)", self.penalties, "numbers between 0 and 1")
        _need(2 <= self.n_seeds <= 100, "n_seeds (--seeds)", self.n_seeds, "2 to 100")
        _need(2 <= self.n_grid_seeds <= 100, "n_grid_seeds", self.n_grid_seeds, "2 to 100")
        _need(self.n_neurons >= 10, "n_neurons (--neurons)", self.n_neurons, "at least 10")
        _need(0 < self.held_out < 1, "held_out", self.held_out, "between 0 and 1")
        _need(0 <= self.gap_trs <= 1000, "gap_trs", self.gap_trs, "0 to 1000")
        _need(self.block_s > 0, "block_s", self.block_s, "> 0 seconds")

    @property
    def id(self) -> str:
        """The comparison's id: 64 hex characters."""
        return digest(self)

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"Settings of the dictionary · {self.run[:12]}"


def choice_config_from_dict(fields: dict[str, Any]) -> ChoiceConfig:
    """Rebuild a `ChoiceConfig` from ``dataclasses.asdict`` (as stored in JSON)."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return ChoiceConfig(**values)


@dataclass(frozen=True)
class RunConfig:
    """One walk: a recording, a model, and every setting. Its digest is its id."""

    recording: RecordingConfig = field(default_factory=RecordingConfig)
    extract: ExtractConfig = field(default_factory=ExtractConfig)
    responses: ResponseConfig = field(default_factory=ResponseConfig)
    dictionary: DictionaryConfig = field(default_factory=DictionaryConfig)
    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    match: MatchConfig = field(default_factory=MatchConfig)
    organization: OrganizationConfig = field(default_factory=OrganizationConfig)
    equal_size: EqualSizeConfig = field(default_factory=EqualSizeConfig)

    @property
    def id(self) -> str:
        """The run's id: 64 hex characters."""
        return digest(self)

    @property
    def label(self) -> str:
        """A short name for people, such as ``smollm2-135m · random 0 · pieman``."""
        weights = "" if self.extract.weights == "trained" else f" · random {self.extract.seed}"
        neurons = "" if self.extract.neurons == "ffn_out" else f" · {self.extract.neurons}"
        exact = "" if self.extract.precision in ("auto", "float32") else f" · {self.extract.precision}"
        return f"{self.extract.model}{weights}{neurons}{exact} · {self.recording.title}"


def run_config_from_dict(fields: dict[str, Any]) -> RunConfig:
    """Rebuild a `RunConfig` from ``dataclasses.asdict`` (as stored in JSON)."""
    parts = {}
    for part in dataclasses.fields(RunConfig):
        kind = type(getattr(RunConfig(), part.name))
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in fields[part.name].items()}
        parts[part.name] = kind(**values)
    return RunConfig(**parts)


def with_settings(config: Any, settings: list[str]) -> Any:
    """A config with some fields given as text, as on the command line.

    Parameters
    ----------
    config : a config of this file
    settings : list of str
        ``name=value``; several values with commas, ``true`` or ``false`` for a switch.

    Examples
    --------
    >>> changed = with_settings(EncodingConfig(), ["fir=true", "delays=0,1,2", "null=block"])
    >>> changed.fir, changed.delays, changed.null
    (True, (0, 1, 2), 'block')

    Raises
    ------
    ConfigError
        An unknown name, or a value of the wrong kind.
    """
    known = {one.name: getattr(config, one.name) for one in dataclasses.fields(config)}
    changed = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            raise ConfigError(
                "Unknown setting",
                found=repr(setting[:60]),
                needed="NAME=VALUE",
                do=f"name one of {', '.join(known)}",
            )
        try:
            changed[name] = _read(text, known[name])
        except ValueError as error:
            raise ConfigError(
                f"Invalid value for {name}",
                found=repr(text[:60]),
                needed=f"such as {known[name]}",
                do=f"change {name}",
            ) from error
    return dataclasses.replace(config, **changed)


def _read(text: str, like: Any) -> Any:
    if isinstance(like, tuple):
        return tuple(_read(part, like[0]) for part in text.split(",") if part)
    if isinstance(like, bool):
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    return type(like)(text)
