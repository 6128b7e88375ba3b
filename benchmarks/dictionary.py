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
from brainlike_core.science.dictionary import learn_dictionary, objective, sparse_codes
from brainlike_core.science.timing import band_pass, convolve_hrf, zscore

from .measure import N_THREADS, Comparison, DisagreementError, within

N_TRS, N_NEURONS, N_CODED = 400, 9216, 8192
LOADINGS_PER_NEURON = 18  # what two real models have at this penalty
TR, BAND = 1.5, (0.01, 0.12)
CONFIG = DictionaryConfig()
# scikit-learn warns of many small duality gaps; the checks look at the answers themselves.
warnings.filterwarnings("ignore", category=ConvergenceWarning)
SPAMS_BATCH, SPAMS_PASSES = 512, 10  # more passes take longer and gain less than 0.02 %


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
    rng = np.random.default_rng(0)
    courses = _slow(rng.standard_normal((N_TRS, CONFIG.n_atoms)))
    loadings = rng.laplace(size=(CONFIG.n_atoms, N_NEURONS))
    loadings *= rng.random(loadings.shape) < LOADINGS_PER_NEURON / CONFIG.n_atoms
    noise = _slow(rng.standard_normal((N_TRS, N_NEURONS)))
    responses = zscore(zscore(courses @ loadings) + 0.7 * noise).astype(np.float32)
    return Neurons(responses, np.ascontiguousarray(responses.T) / np.float32(np.sqrt(N_TRS)))


def _slow(white: np.ndarray) -> np.ndarray:
    return zscore(band_pass(convolve_hrf(white, TR), TR, BAND))


# -- dictionary --------------------------------------------------------------------


def learn(case: Neurons) -> np.ndarray:
    """Atoms by ours: (n_atoms, n_trs). Loadings and R^2 are computed as well."""
    return learn_dictionary(case.responses, CONFIG, layers=(0,), n_units=N_NEURONS).atoms.T


def learn_sklearn(case: Neurons) -> np.ndarray:
    """Atoms by scikit-learn's coordinate descent, until it stops by itself; no loadings."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    model = MiniBatchDictionaryLearning(
        n_components=CONFIG.n_atoms, alpha=CONFIG.penalty, fit_algorithm="cd", random_state=0
    )
    return model.fit(case.rows).components_


def learn_spams(case: Neurons) -> np.ndarray:
    """Atoms by SPAMS' online learning; no loadings."""
    import spams

    atoms = spams.trainDL(
        np.asfortranarray(case.rows.T),
        K=CONFIG.n_atoms,
        lambda1=CONFIG.penalty,
        mode=2,
        batchsize=SPAMS_BATCH,
        iter=SPAMS_PASSES * N_NEURONS // SPAMS_BATCH,
        numThreads=N_THREADS,
        verbose=False,
    )
    return atoms.T


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

COMPARISONS = (
    Comparison(
        "dictionary", "scikit-learn MiniBatchDictionaryLearning (cd)", _LEARNED, *SKLEARN,
        neurons, learn, learn_sklearn, same_objective, n_repeats=3,
    ),
    Comparison(
        "dictionary", f"SPAMS trainDL, {SPAMS_PASSES} passes", _LEARNED, *SPAMS,
        neurons, learn, learn_spams, same_objective,
    ),
    Comparison(
        "sparse codes", "scikit-learn sparse_encode (lasso_cd)", _CODED, *SKLEARN,
        coding_case, code, code_sklearn, same_codes, n_repeats=3,
    ),
    Comparison(
        "sparse codes", "SPAMS lasso (LARS)", _CODED, *SPAMS,
        coding_case, code, code_spams, same_codes,
    ),
)  # fmt: skip
