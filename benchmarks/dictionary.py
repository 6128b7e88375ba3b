"""Sparse dictionary and sparse codes against scikit-learn and SPAMS.

Same problem for all: unit-norm neurons, unit-norm atoms,
``1/2 ||x - D a||^2 + penalty ||a||_1``, K = 64. Dictionaries are judged by that
objective, with exact codes for both sides. SPAMS: Mairal et al. 2010, JMLR
11:19-60.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from brainlike_core.config import DictionaryConfig
from brainlike_core.science.dictionary import SparseDictionary, learn_dictionary
from brainlike_core.science.sparse_codes import objective, sparse_codes
from brainlike_core.science.timing import band_pass, convolve_hrf, zscore

from .measure import N_THREADS, Comparison, DisagreementError, within

N_TRS, N_NEURONS, N_CODED = 400, 9216, 8192
N_TRS_LARGE, N_NEURONS_LARGE = 1000, 131_072
LOADINGS_PER_NEURON = 18  # what two real models have at this penalty
TR, BAND = 1.5, (0.01, 0.12)
CONFIG = DictionaryConfig()
# scikit-learn warns of many small duality gaps; the checks look at the answers themselves.
warnings.filterwarnings("ignore", category=ConvergenceWarning)
SPAMS_BATCH, SPAMS_PASSES, SPAMS_PASSES_LARGE = 512, 10, 2  # more take longer and gain less than 0.02 %
# As soon as the neurons at hand explain little more in a pass, one pass over all of them.
QUICK = {"n_iterations": 1, "tolerance": 0.05}


@dataclass(frozen=True)
class Neurons:
    """Responses as the walk has them, and as rows of unit norm."""

    responses: np.ndarray  # float32 (n_trs, n_neurons), z-scored
    rows: np.ndarray  # float32 (n_neurons, n_trs)


@dataclass(frozen=True)
class CodingCase:
    """Neurons, and the atoms to code them with."""

    rows: np.ndarray  # float32 (n_neurons, n_trs)
    atoms: np.ndarray  # float32 (n_atoms, n_trs)


def neurons() -> Neurons:
    """Sums of a few slow time courses and noise, shaped like BERT-base's neurons over ten minutes."""
    return _neurons(N_TRS, N_NEURONS)


def many_neurons() -> Neurons:
    """The same, shaped like those of a model with seven billion weights over 25 minutes."""
    return _neurons(N_TRS_LARGE, N_NEURONS_LARGE)


def _neurons(n_trs: int, n_neurons: int) -> Neurons:
    rng = np.random.default_rng(0)
    courses = _slow(rng.standard_normal((n_trs, CONFIG.n_atoms)))
    rows = np.empty((n_neurons, n_trs), np.float32)
    for first in range(0, n_neurons, N_NEURONS):
        some = rows[first : first + N_NEURONS]
        loadings = rng.laplace(size=(CONFIG.n_atoms, len(some)))
        loadings *= rng.random(loadings.shape) < LOADINGS_PER_NEURON / CONFIG.n_atoms
        noise = _slow(rng.standard_normal((n_trs, len(some))))
        some[:] = zscore(zscore(courses @ loadings) + 0.7 * noise).T / np.sqrt(n_trs)
    return Neurons(rows.T * np.float32(np.sqrt(n_trs)), rows)


def _slow(white: np.ndarray) -> np.ndarray:
    return zscore(band_pass(convolve_hrf(white, TR), TR, BAND))


# -- dictionary --------------------------------------------------------------------


def learn(case: Neurons) -> np.ndarray:
    """Atoms by ours until they stop by themselves: (n_atoms, n_trs). Loadings and R^2 are computed as well."""
    return learn_dictionary(case.responses, CONFIG, layers=(0,), n_units=len(case.rows)).atoms.T


def learn_quickly(case: Neurons) -> np.ndarray:
    """Atoms by ours, until they are better than scikit-learn's; with exact loadings."""
    return SparseDictionary(CONFIG.n_atoms, CONFIG.penalty, **QUICK).fit(case.rows).components_


def learn_in_one_pass(case: Neurons) -> np.ndarray:
    """Atoms by ours with one pass over all neurons after those over some of them; with exact loadings."""
    return SparseDictionary(CONFIG.n_atoms, CONFIG.penalty, n_iterations=1).fit(case.rows).components_


def learn_sklearn(case: Neurons, algorithm: str = "cd") -> np.ndarray:
    """Atoms by scikit-learn's coordinate descent or least angles, until it stops by itself; no loadings."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    model = MiniBatchDictionaryLearning(
        n_components=CONFIG.n_atoms, alpha=CONFIG.penalty, fit_algorithm=algorithm, random_state=0
    )
    return model.fit(case.rows).components_


def learn_sklearn_lars(case: Neurons) -> np.ndarray:
    """The same by its default, least-angle regression."""
    return learn_sklearn(case, "lars")


def learn_spams(case: Neurons, n_passes: int = SPAMS_PASSES) -> np.ndarray:
    """Atoms by SPAMS' online learning; no loadings."""
    import spams

    atoms = spams.trainDL(
        case.rows.T,  # column after column already
        K=CONFIG.n_atoms,
        lambda1=CONFIG.penalty,
        mode=2,
        batchsize=SPAMS_BATCH,
        iter=n_passes * len(case.rows) // SPAMS_BATCH,
        numThreads=N_THREADS,
        verbose=False,
    )
    return atoms.T


def learn_spams_large(case: Neurons) -> np.ndarray:
    """The same with fewer passes."""
    return learn_spams(case, SPAMS_PASSES_LARGE)


def same_objective(case: Neurons, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Ours may be lower, or higher by at most 0.2 %."""
    a, b = (_objective(case.rows, atoms) for atoms in (ours, theirs))
    if not a <= b * 1.002:
        raise DisagreementError(f"objective: ours {a:.5f}, the peer's {b:.5f}")
    return f"objective {a:.4f}, the peer's {b:.4f} (lower is better)"


def _objective(rows: np.ndarray, atoms: np.ndarray) -> float:
    unit = (atoms / np.linalg.norm(atoms, axis=1, keepdims=True)).astype(np.float32)
    return objective(rows, unit, sparse_codes(rows, unit, CONFIG.penalty), CONFIG.penalty)


# -- codes -------------------------------------------------------------------------


def coding_case() -> CodingCase:
    """Neurons with a dictionary that was learned from them."""
    made = neurons()
    atoms = learn_dictionary(
        made.responses, DictionaryConfig(n_iterations=5), layers=(0,), n_units=N_NEURONS
    ).atoms.T
    return CodingCase(made.rows[:N_CODED], np.ascontiguousarray(atoms))


def code(case: CodingCase) -> np.ndarray:
    """Loadings by ours: (n_neurons, n_atoms)."""
    return sparse_codes(case.rows, case.atoms, CONFIG.penalty)


def code_sklearn(case: CodingCase) -> np.ndarray:
    """Loadings by scikit-learn's coordinate descent: (n_neurons, n_atoms)."""
    from sklearn.decomposition import sparse_encode

    return sparse_encode(case.rows, case.atoms, algorithm="lasso_cd", alpha=CONFIG.penalty)


def code_spams(case: CodingCase) -> np.ndarray:
    """Loadings by SPAMS' least-angle regression: (n_neurons, n_atoms)."""
    import spams

    rows, atoms = (np.asfortranarray(part.T) for part in (case.rows, case.atoms))
    return spams.lasso(rows, atoms, lambda1=CONFIG.penalty, mode=2, numThreads=N_THREADS).T.toarray()


def same_codes(case: CodingCase, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Loadings of neurons with norm 1 agree; so does the objective."""
    a, b = (objective(case.rows, case.atoms, codes, CONFIG.penalty) for codes in (ours, theirs))
    sentence = within("largest difference of a loading", float(np.abs(ours - theirs).max()), 1e-3)
    return f"{sentence}; {within('difference of the objective', abs(a - b) / b, 1e-4)}"


_LEARNED = f"{N_TRS} TRs x {N_NEURONS:,} neurons, K {CONFIG.n_atoms}"
_CODED = f"{N_TRS} TRs x {N_CODED:,} neurons, K {CONFIG.n_atoms}"
SKLEARN, SPAMS = ("sklearn", "scikit-learn"), ("spams", "spams-bin")

_LARGE = f"{N_TRS_LARGE:,} TRs x {N_NEURONS_LARGE:,} neurons, K {CONFIG.n_atoms}"

COMPARISONS = (
    Comparison(
        "dictionary", "scikit-learn MiniBatchDictionaryLearning (cd)", _LEARNED, *SKLEARN,
        neurons, learn_quickly, learn_sklearn, same_objective, row="dictionary-small", goal=">= 30",
    ),
    Comparison(
        "dictionary", "scikit-learn MiniBatchDictionaryLearning (lars)", _LEARNED, *SKLEARN,
        neurons, learn_quickly, learn_sklearn_lars, same_objective, row="dictionary-small", goal=">= 30",
    ),
    Comparison(
        "dictionary", f"SPAMS trainDL, {SPAMS_PASSES} passes", _LEARNED, *SPAMS,
        neurons, learn, learn_spams, same_objective, row="dictionary-small",
    ),
    Comparison(
        "dictionary", f"SPAMS trainDL, {SPAMS_PASSES_LARGE} passes", _LARGE, *SPAMS,
        many_neurons, learn_in_one_pass, learn_spams_large, same_objective, row="dictionary-large", goal=">= 1",
    ),
    Comparison(
        "sparse codes", "scikit-learn sparse_encode (lasso_cd)", _CODED, *SKLEARN,
        coding_case, code, code_sklearn, same_codes, row="codes", goal=">= 90",
    ),
    Comparison(
        "sparse codes", "SPAMS lasso (LARS)", _CODED, *SPAMS,
        coding_case, code, code_spams, same_codes, row="codes", goal=">= 3",
    ),
)  # fmt: skip
