"""How atoms predict the brain, and how maps are matched and compared."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from .identity import need

REGRESSIONS, CRITERIA, NULLS = ("ridge", "lasso"), ("r", "r2"), ("sign", "phase", "block", "shift")
MOVES = {
    "spin": "rotations",
    "cortex-spin": "rotations, networks at their whole size",
    "centroid": "rotations of the parcels' centres",
    "variogram": "variogram-matched surrogates of each network",
}


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
        Surrogate recordings: ``sign`` (random signs of the cosines), ``phase``
        (random phases; too generous for short, slow runs), ``block`` (blocks of
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
    null: str = "sign"
    block_trs: int = 20
    n_surrogates: int = 200
    max_null_locations: int = 400
    nuisance: tuple[str, ...] = ("word rate", "word length", "word duration", "audio envelope")
    band_ratios: tuple[float, ...] = (0.1, 1.0, 10.0)
    n_flips: int = 1000
    fdr: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        need(self.n_folds >= 2, "n_folds", self.n_folds, "at least 2")
        need(self.n_inner_folds >= 2, "n_inner_folds", self.n_inner_folds, "at least 2")
        need(self.gap_trs >= 0, "gap_trs", self.gap_trs, "0 or more")
        need(
            bool(self.delays) and all(0 <= d <= 20 for d in self.delays), "delays", self.delays, "0 to 20 TRs"
        )
        need(bool(self.penalties) and all(p > 0 for p in self.penalties), "penalties", self.penalties, "> 0")
        need(
            self.regression in REGRESSIONS, "regression", self.regression, f"one of {', '.join(REGRESSIONS)}"
        )
        shares = bool(self.lasso_shares) and all(0 < s < 1 for s in self.lasso_shares)
        need(shares, "lasso_shares", self.lasso_shares, "between 0 and 1")
        need(self.criterion in CRITERIA, "criterion", self.criterion, f"one of {', '.join(CRITERIA)}")
        need(self.null in NULLS, "null", self.null, f"one of {', '.join(NULLS)}")
        need(self.block_trs >= 1, "block_trs", self.block_trs, "at least 1 TR")
        need(set(self.nuisance) <= set(NUISANCE), "nuisance", self.nuisance, f"some of {', '.join(NUISANCE)}")
        ratios = bool(self.band_ratios) and all(r > 0 for r in self.band_ratios)
        need(ratios, "band_ratios", self.band_ratios, "> 0")
        need(self.n_flips >= 20, "n_flips", self.n_flips, "at least 20")
        need(self.n_surrogates >= 19, "n_surrogates", self.n_surrogates, "at least 19 (p = .05)")
        need(0 < self.fdr < 1, "fdr", self.fdr, "between 0 and 1")

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
    null : str
        How networks are moved: ``cortex-spin`` (the sphere turns, what turned onto
        the medial wall made up for: ours, as ``spin`` alone, the paper's, lets
        7 to 8 % of null maps through at .05 where maps spare the wall); for parcels also ``centroid`` (their centres turn) or ``variogram`` (surrogates).
    n_spins : int
        Rotations of the sphere, or surrogates (paper: at least 1,000).
    n_fakes : int
        Sign-randomised dictionaries for the second null (ours).
    level : float
        Level of the spin test and of the false-discovery rates.
    seed : int
    """

    atlas: str = "eg17"
    atlas_names: str = ""
    z_threshold: float = 2.3
    null: str = "cortex-spin"
    n_spins: int = 10_000
    n_fakes: int = 100
    level: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        need(self.z_threshold > 0, "z_threshold", self.z_threshold, "> 0")
        need(self.null in MOVES, "null", self.null, f"one of {', '.join(MOVES)}")
        need(self.n_spins >= 19, "n_spins", self.n_spins, "at least 19")
        need(self.n_fakes >= 5, "n_fakes", self.n_fakes, "at least 5")
        need(0 < self.level < 1, "level", self.level, "between 0 and 1")

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
        need(self.n_bootstraps >= 20, "n_bootstraps", self.n_bootstraps, "at least 20")
        need(self.n_null >= 20, "n_null", self.n_null, "at least 20")
        need(self.block_s > 0, "block_s", self.block_s, "> 0 seconds")


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
    tolerance : float
        Of each draw's dictionary: looser than the whole model's, as a draw
        differs from the next by more than another pass would change.
    seed : int
    """

    n_neurons: int = 2000
    n_draws: int = 30
    n_spins: int = 200
    tolerance: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        need(self.n_neurons >= 2, "n_neurons", self.n_neurons, "at least 2")
        need(self.n_draws >= 20, "n_draws", self.n_draws, "at least 20")
        need(0 < self.tolerance < 1, "tolerance", self.tolerance, "between 0 and 1")
        need(self.n_spins >= 19, "n_spins", self.n_spins, "at least 19")
