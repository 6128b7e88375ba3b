"""Sparse dictionary of neuron responses.

``min_{D,A} 1/2 ||X - D A||_F^2 + penalty ||A||_1`` with unit-norm atoms and
unit-norm neurons. Samples are neurons, features are TRs: each neuron is a
sparse sum of temporal atoms (arXiv 2410.19542).

Learning is online (Mairal et al. 2010, JMLR 11:19-60), with memory: a batch of
neurons gets new codes, its old share of the statistics is exchanged for the new
one, and the atoms follow at once (incremental majorisation-minimisation, Mairal
2015, SIAM J Optim 25:829). It begins with a random thousand neurons and takes
in four times as many whenever it stalls; the last passes are over all of them.
The statistics are exact for the codes at hand, so the true objective of atoms
and codes is known after each pass without another.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..config import DictionaryConfig
from ..errors import ConfigError, InputError
from ..values import Dictionary
from .code_holders import BATCH, Change, CodeHolder, code_losses, hold_codes

FIRST_PER_ATOM = 16  # neurons per atom to begin with
MOVE_ON = 3e-3  # learn from more neurons when a pass lowers the objective by less than this share
MAX_FIRST = 60  # passes over the same few neurons at most
RELAXATION = 1.5  # atoms go this much further than to their minimum


def learn_dictionary(
    responses: np.ndarray,
    config: DictionaryConfig,
    *,
    layers: tuple[int, ...],
    n_units: int,
    first_tr: int = 0,
    device: str = "cpu",
    progress: Callable[[float], None] = lambda fraction: None,
) -> Dictionary:
    """Learn K temporal atoms and every neuron's sparse loadings.

    Parameters
    ----------
    responses : float32 (n_trs, n_neurons)
        z-scored; a neuron that never moves is kept with zero loadings.
    config : DictionaryConfig
    layers, n_units, first_tr : passed on to the result
    device : str
        Of a sparse dictionary, as in `SparseDictionary`.
    progress : called with the fraction done

    Returns
    -------
    Dictionary

    Raises
    ------
    ConfigError
        When K is larger than the data allow.
    InputError
        A response that is not finite.
    """
    if config.method == "sparse":
        fields = _sparse(responses.T, config, device, progress)
    else:
        fields = _otherwise(responses.T, config)
    return Dictionary(layers=layers, n_units=n_units, first_tr=first_tr, **fields)


def _sparse(
    neurons: np.ndarray, config: DictionaryConfig, device: str, progress: Callable[[float], None]
) -> dict:
    model = SparseDictionary(
        config.n_atoms, config.penalty, config.n_iterations, config.tolerance, config.seed, progress, device
    )
    codes = model.fit_transform(neurons)
    return {
        "atoms": np.ascontiguousarray(model.components_.T),
        "r2": model.r2_,
        "penalty": config.penalty,
        "penalty_max": model.penalty_max_,
        "objective": model.objective_[-1],
        "n_iterations": model.n_iter_,
        "device": model.device_,
        **_loading_fields(codes),
    }


def _otherwise(neurons: np.ndarray, config: DictionaryConfig) -> dict:
    """The same fields by another factorization; its objective is half the squared error per neuron."""
    from .factorizations import factorize

    _refuse_too_many_atoms(config.n_atoms, neurons.shape[1], len(neurons))
    rows = _unit_rows(neurons, np.arange(len(neurons)))
    first = _first_atoms(rows, config.n_atoms, np.random.default_rng(config.seed))
    atoms, codes, n_iterations = factorize(rows, config, first)
    atoms, codes, target = _ordered(atoms, codes, atoms @ rows.T)
    moving = _moving(rows)
    loss = code_losses(atoms, codes, target)
    return {
        "atoms": np.ascontiguousarray(atoms.T),
        "r2": np.where(moving, -loss, 0).astype(np.float32),
        "penalty": config.penalty if config.method == "autoencoder" else 0.0,
        "penalty_max": float(np.median(np.abs(target).max(0)[moving])),
        "objective": float(0.5 * (moving + loss).mean()),
        "n_iterations": n_iterations,
        **_loading_fields(codes.T),
    }


def _loading_fields(codes: np.ndarray) -> dict[str, np.ndarray]:
    table = sparse.csr_matrix(codes)
    return {
        "loading_values": table.data.astype(np.float32),
        "loading_atoms": table.indices.astype(np.int32),
        "loading_starts": table.indptr.astype(np.int64),
    }


class SparseDictionary(TransformerMixin, BaseEstimator):
    """Sparse dictionary with scikit-learn's interface; samples are neurons, features are TRs.

    Each sample is scaled to norm 1 first; one that is all zeros gets no loading.

    Parameters
    ----------
    n_atoms : int
    penalty : float
        L1 penalty, between 0 and 1: the largest possible |correlation| of a
        neuron and an atom is 1, so at 1 every loading is 0.
    n_iterations : int
        Passes over all neurons at most.
    tolerance : float
        Stop when the objective falls by less than this share in one pass.
    seed : int
        One seed, one dictionary.
    progress : callable(fraction)
    device : str
        Where codes are computed: ``cpu`` (compiled), ``cuda``, or ``auto`` for
        CUDA where there is one. Without one, or without room on it: ``cpu``.

    Attributes
    ----------
    components_ : float32 (n_atoms, n_trs)
        Unit-norm atoms, by how much they carry.
    objective_ : list of float
        Mean objective per neuron after each pass; the last value is the
        result's, with exact codes.
    penalty_max_ : float
        Median over neurons of their largest |correlation| with an atom: above
        this penalty the median neuron loads on nothing.
    r2_ : float32 (n_neurons,)
        Share of each sample that its atoms explain.
    n_iter_ : int
        Passes made.
    device_ : str
        Where the codes were computed.

    Examples
    --------
    >>> neurons = np.random.default_rng(0).standard_normal((500, 40))
    >>> model = SparseDictionary(n_atoms=8, penalty=0.2).fit(neurons)
    >>> model.components_.shape, model.transform(neurons[:3]).shape
    ((8, 40), (3, 8))
    """

    def __init__(
        self,
        n_atoms: int = 64,
        penalty: float = 0.1,
        n_iterations: int = 60,
        tolerance: float = 1e-4,
        seed: int = 0,
        progress: Callable[[float], None] | None = None,
        device: str = "cpu",
    ) -> None:
        self.n_atoms = n_atoms
        self.penalty = penalty
        self.n_iterations = n_iterations
        self.tolerance = tolerance
        self.seed = seed
        self.progress = progress
        self.device = device

    def fit(self, X: np.ndarray, y: None = None) -> SparseDictionary:
        """Learn the atoms from ``X``, (n_neurons, n_trs)."""
        self._learn(X)
        return self

    def fit_transform(self, X: np.ndarray, y: None = None) -> np.ndarray:
        """Learn the atoms, and return the codes (n_neurons, n_atoms) that came with them."""
        return self._learn(X)

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Exact codes (n_neurons, n_atoms) of neurons (n_neurons, n_trs) scaled to norm 1."""
        check_is_fitted(self)
        rows = _unit_rows(np.asarray(X), np.arange(len(X)))
        return hold_codes(rows, len(self.components_), self.penalty, self.device).exact(self.components_)[0].T

    def _learn(self, X: np.ndarray) -> np.ndarray:
        n_neurons, self.n_features_in_ = X.shape
        _refuse_too_many_atoms(self.n_atoms, self.n_features_in_, n_neurons)
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(n_neurons)
        rows = _unit_rows(np.asarray(X), order)  # shuffled once: any stretch of rows is a random batch
        holder = hold_codes(rows, self.n_atoms, self.penalty, self.device)
        self.device_ = holder.device
        atoms, log = self._passes(rows, holder, _first_atoms(rows, self.n_atoms, rng))
        codes, target = holder.exact(atoms)
        self.components_, codes, target = _ordered(atoms, codes, target)
        in_order = np.argsort(order)
        moving = _moving(rows)
        loss = code_losses(self.components_, codes, target)
        fit = 0.5 * (moving + loss).sum(dtype=np.float64)
        total = fit + self.penalty * np.abs(codes).sum(dtype=np.float64)
        self.objective_ = [*log, float(total / n_neurons)]
        self.n_iter_ = len(log)
        self.penalty_max_ = float(np.median(np.abs(target).max(0)[moving]))
        self.r2_ = np.where(moving, -loss, 0).astype(np.float32)[in_order]
        return codes.T[in_order]

    def _passes(
        self, rows: np.ndarray, holder: CodeHolder, atoms: np.ndarray
    ) -> tuple[np.ndarray, list[float]]:
        """Best atoms, and the objective after each pass over all neurons; their codes stay with the holder."""
        sums = _Statistics(atoms)
        for size in _growing(len(atoms), len(rows)):
            everyone = size == len(rows)
            sums.admit(rows[sums.n_neurons : size])
            log: list[float] = []
            best = (np.inf, atoms)
            for number in range(self.n_iterations if everyone else MAX_FIRST):
                atoms = _one_pass(holder, size, atoms, sums)
                log.append(sums.objective(atoms, self.penalty))
                best = min(best, (log[-1], atoms), key=lambda one: one[0])
                if self.progress:
                    self.progress((number + 1) / self.n_iterations if everyone else 0.0)
                gain = log[-2] - log[-1] if number else np.inf
                if gain < log[-1] * (self.tolerance if everyone else max(self.tolerance, MOVE_ON)):
                    break
                atoms = sums.revive(atoms, holder, rows[:size])
        return best[1], log


def _one_pass(holder: CodeHolder, size: int, atoms: np.ndarray, sums: _Statistics) -> np.ndarray:
    """New codes for one batch of the first neurons after the other; returns the atoms after the last."""
    for batch in _batches(size, holder.batch):
        sums.exchange(holder.recode(atoms, batch))
        atoms = sums.better_atoms(atoms)
    return atoms


class _Statistics:
    """What the objective needs to know of all codes: their products with each other and with the neurons."""

    def __init__(self, atoms: np.ndarray) -> None:
        n_atoms, n_trs = atoms.shape
        self.n_neurons = 0
        self.energy = 0.0
        self.code_gram = np.zeros((n_atoms, n_atoms))
        self.code_data = np.zeros((n_atoms, n_trs))
        self.l1 = 0.0

    def admit(self, rows: np.ndarray) -> None:
        """Count more neurons, all of whose codes are zero."""
        self.n_neurons += len(rows)
        self.energy += float(np.einsum("nt,nt->n", rows, rows).sum(dtype=np.float64))

    def exchange(self, change: Change) -> None:
        """Put a batch's new codes in place of its old ones."""
        self.code_gram += change.gram
        self.code_data += change.data
        self.l1 += change.l1

    def objective(self, atoms: np.ndarray, penalty: float) -> float:
        """Mean objective per neuron of these atoms with the present codes."""
        fit = self.energy - 2 * np.vdot(self.code_data, atoms) + np.vdot(self.code_gram, atoms @ atoms.T)
        return float((0.5 * fit + penalty * self.l1) / self.n_neurons)

    def better_atoms(self, atoms: np.ndarray) -> np.ndarray:
        """One round of block-coordinate updates, each atom kept at unit norm."""
        atoms = atoms.copy()
        _update_atoms(
            atoms,
            self.code_gram.astype(np.float32),
            self.code_data.astype(np.float32),
            np.float32(RELAXATION),
        )
        return atoms

    def revive(self, atoms: np.ndarray, holder: CodeHolder, rows: np.ndarray) -> np.ndarray:
        """Give atoms that no neuron uses to the worst explained of the last neurons."""
        unused = np.flatnonzero(self.code_gram.diagonal() < 1e-10)
        if len(unused):
            last = slice(max(0, len(rows) - max(BATCH, len(unused))), len(rows))
            left = holder.losses(atoms, last)
            atoms[unused] = rows[last][np.argsort(-left, kind="stable")[: len(unused)]]
        return atoms


@numba.njit(cache=True, fastmath=True)
def _update_atoms(atoms, code_gram, code_data, relaxation):  # pragma: no cover - compiled
    for k in range(len(atoms)):
        if code_gram[k, k] < 1e-10:
            continue
        atom = atoms[k] + relaxation * (code_data[k] - np.dot(code_gram[k], atoms)) / code_gram[k, k]
        norm = np.sqrt(np.dot(atom, atom))
        if norm > 1e-12:
            atoms[k] = atom / norm


def _refuse_too_many_atoms(n_atoms: int, n_trs: int, n_neurons: int) -> None:
    limit = min(n_trs, n_neurons)
    if n_atoms > limit:
        raise ConfigError(
            "There are more atoms than the responses can carry",
            found=f"K = {n_atoms}",
            needed=f"K <= {limit} ({n_trs} TRs, {n_neurons} neurons)",
            do="lower --atoms",
        )


def _unit_rows(neurons: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Neurons (n_neurons, n_trs) in this order, each of norm 1 or all zeros; float32, row after row."""
    rows = np.empty(neurons.shape, np.float32)
    for first in range(0, len(rows), BATCH):  # a stretch at a time stays in the processor's cache
        some = neurons[order[first : first + BATCH]].astype(np.float32)
        norm = np.sqrt(np.einsum("nt,nt->n", some, some))
        if not np.isfinite(norm).all():
            raise InputError(
                "Neuron responses are not numbers",
                found=f"{int((~np.isfinite(norm)).sum())} of {len(norm)} neurons with NaN or infinity",
                needed="finite values",
                do="check the model and its responses",
            )
        rows[first : first + BATCH] = some / np.where(norm > 1e-12, norm, 1)[:, None]
    return rows


def _moving(rows: np.ndarray) -> np.ndarray:
    """Which rows have norm 1; the others are all zeros."""
    return np.einsum("nt,nt->n", rows, rows) > 0.5


def _first_atoms(rows: np.ndarray, n_atoms: int, rng: np.random.Generator) -> np.ndarray:
    """Moving neurons drawn far apart from each other (k-means++ on |cosine|)."""
    moving = np.flatnonzero(_moving(rows))
    if len(moving) < n_atoms:
        raise ConfigError(
            "Too few neurons move over the story",
            found=f"{len(moving)} neurons that vary",
            needed=f"at least {n_atoms}",
            do="lower --atoms, or check the story",
        )
    pool = rows[moving[: max(1024, 4 * n_atoms)]]
    chosen = [int(rng.integers(len(pool)))]
    closest = np.abs(pool @ pool[chosen[0]])
    for _ in range(n_atoms - 1):
        distance = np.maximum(1 - closest**2, 0) + 1e-9
        chosen.append(int(rng.choice(len(pool), p=distance / distance.sum())))
        closest = np.maximum(closest, np.abs(pool @ pool[chosen[-1]]))
    return pool[chosen].copy()


def _growing(n_atoms: int, n_neurons: int) -> list[int]:
    """How many neurons to learn from, step by step: the first stretch, four times as many each time, then all."""
    sizes = [FIRST_PER_ATOM * n_atoms]
    while 4 * sizes[-1] <= n_neurons // 2:
        sizes.append(4 * sizes[-1])
    return [size for size in sizes if size <= n_neurons // 2] + [n_neurons]


def _batches(n_neurons: int, most: int) -> list[slice]:
    """Stretches of neurons between two updates of the atoms."""
    size = min(max(n_neurons // 4, 64), most)
    return [slice(first, min(first + size, n_neurons)) for first in range(0, n_neurons, size)]


def _ordered(
    atoms: np.ndarray, codes: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atoms by how much they carry, signed so that their loadings are mostly positive."""
    order = np.argsort(-np.abs(codes).sum(1), kind="stable")
    sign = np.where(codes[order].sum(1) < 0, -1, 1).astype(np.float32)[:, None]
    return atoms[order] * sign, codes[order] * sign, target[order] * sign
