"""Sparse dictionary of neuron responses.

``min_{D,A} 1/2 ||X - D A||_F^2 + penalty ||A||_1`` with unit-norm atoms and
unit-norm neurons. Samples are neurons, features are TRs: each neuron is a
sparse sum of temporal atoms (arXiv 2410.19542).

Online batches come first (Mairal et al. 2010, JMLR 11:19-60), then full passes
that alternate exact sparse codes (coordinate descent on the Gram matrix, warm
started) with block-coordinate atom updates. The best full pass is kept.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from scipy import sparse

from ..config import DictionaryConfig
from ..errors import ConfigError
from ..values import Dictionary


def learn_dictionary(
    responses: np.ndarray,
    config: DictionaryConfig,
    *,
    layers: tuple[int, ...],
    n_units: int,
    first_tr: int = 0,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Dictionary:
    """Learn K temporal atoms and every neuron's sparse loadings.

    Parameters
    ----------
    responses : float32 (n_trs, n_neurons)
        z-scored; a neuron that never moves is kept with zero loadings.
    config : DictionaryConfig
    layers, n_units, first_tr : passed on to the result
    progress : called with the fraction done

    Returns
    -------
    Dictionary

    Raises
    ------
    ConfigError
        When K is larger than the data allow.
    """
    n_trs, n_neurons = responses.shape
    limit = min(n_trs, n_neurons)
    if config.n_atoms > limit:
        raise ConfigError(
            "There are more atoms than the responses can carry",
            found=f"K = {config.n_atoms}",
            needed=f"K <= {limit} ({n_trs} TRs, {n_neurons} neurons)",
            do="lower --atoms",
        )
    neurons = _unit_rows(responses)  # (n_neurons, n_trs): neuron-major
    rng = np.random.default_rng(config.seed)
    atoms = _first_atoms(neurons, config.n_atoms, rng)
    atoms = _online(neurons, atoms, config.penalty, rng)
    best = _alternate(neurons, atoms, config, progress)
    atoms, codes, objective, n_passes = _ordered(*best)
    return Dictionary(
        atoms=np.ascontiguousarray(atoms.T),
        r2=_r2(neurons, atoms, codes),
        penalty=config.penalty,
        objective=objective,
        n_iterations=n_passes,
        layers=layers,
        n_units=n_units,
        first_tr=first_tr,
        **_sparse_fields(codes),  # type: ignore[arg-type]
    )


def sparse_codes(
    neurons: np.ndarray, atoms: np.ndarray, penalty: float, start: np.ndarray | None = None
) -> np.ndarray:
    """Exact lasso codes of each neuron on the atoms.

    Parameters
    ----------
    neurons : (n_neurons, n_trs)
    atoms : (n_atoms, n_trs)
    penalty : float
    start : (n_neurons, n_atoms), optional
        Warm start; it is not changed.

    Returns
    -------
    float32 (n_neurons, n_atoms)
    """
    gram = (atoms @ atoms.T).astype(np.float32)
    target = (neurons @ atoms.T).astype(np.float32)
    codes = np.zeros_like(target) if start is None else start.astype(np.float32, copy=True)
    _descend(gram, target, codes, np.float32(penalty), np.float32(1e-5), 1000)
    return codes


@numba.njit(parallel=True, cache=True, fastmath=False)
def _descend(gram, target, codes, penalty, tolerance, max_sweeps):  # pragma: no cover - compiled
    n_neurons, n_atoms = codes.shape
    for i in numba.prange(n_neurons):
        a = codes[i]
        # gradient of the smooth part: residual[k] = target[k] - gram[k] @ a
        residual = target[i].copy()
        for k in range(n_atoms):
            if a[k] != 0:
                for j in range(n_atoms):
                    residual[j] -= gram[k, j] * a[k]
        active_only = False
        for _ in range(max_sweeps):
            largest = np.float32(0)
            for k in range(n_atoms):
                old = a[k]
                if active_only and old == 0:
                    continue
                diagonal = gram[k, k]
                if diagonal <= 1e-12:
                    continue
                pull = residual[k] + diagonal * old
                if pull > penalty:
                    new = (pull - penalty) / diagonal
                elif pull < -penalty:
                    new = (pull + penalty) / diagonal
                else:
                    new = np.float32(0)
                change = new - old
                if change != 0:
                    a[k] = new
                    for j in range(n_atoms):
                        residual[j] -= gram[k, j] * change
                    if abs(change) > largest:
                        largest = abs(change)
            if largest < tolerance:
                if not active_only:
                    break
                active_only = False  # one full sweep must agree before we stop
            else:
                active_only = True


def objective(neurons: np.ndarray, atoms: np.ndarray, codes: np.ndarray, penalty: float) -> float:
    """Mean over neurons of ``1/2 ||x - D a||^2 + penalty ||a||_1``."""
    gram, target = atoms @ atoms.T, neurons @ atoms.T
    fit = (neurons * neurons).sum() - 2 * (target * codes).sum() + ((codes @ gram) * codes).sum()
    return float((0.5 * fit + penalty * np.abs(codes).sum()) / len(neurons))


def _unit_rows(responses: np.ndarray) -> np.ndarray:
    neurons = np.ascontiguousarray(responses.T, np.float32)
    norm = np.linalg.norm(neurons, axis=1, keepdims=True)
    return neurons / np.where(norm > 1e-12, norm, 1)


def _first_atoms(neurons: np.ndarray, n_atoms: int, rng: np.random.Generator) -> np.ndarray:
    """Moving neurons drawn far apart from each other (k-means++ on |cosine|)."""
    pool = neurons[rng.permutation(np.flatnonzero(np.abs(neurons).sum(1) > 0))[:4096]]
    if len(pool) < n_atoms:
        raise ConfigError(
            "Too few neurons move over the story",
            found=f"{len(pool)} neurons that vary",
            needed=f"at least {n_atoms}",
            do="lower --atoms, or check the story",
        )
    chosen = [int(rng.integers(len(pool)))]
    closest = np.abs(pool @ pool[chosen[0]])
    for _ in range(n_atoms - 1):
        distance = np.maximum(1 - closest**2, 0) + 1e-9
        chosen.append(int(rng.choice(len(pool), p=distance / distance.sum())))
        closest = np.maximum(closest, np.abs(pool @ pool[chosen[-1]]))
    return pool[chosen].copy()


def _online(
    neurons: np.ndarray, atoms: np.ndarray, penalty: float, rng: np.random.Generator, batch: int = 512
) -> np.ndarray:
    """Two epochs of online dictionary learning over shuffled batches."""
    n_atoms, n_trs = atoms.shape
    code_gram = np.zeros((n_atoms, n_atoms), np.float32)
    code_data = np.zeros((n_atoms, n_trs), np.float32)
    order = np.concatenate([rng.permutation(len(neurons)) for _ in range(2)])
    for step, first in enumerate(range(0, len(order), batch)):
        rows = neurons[order[first : first + batch]]
        codes = sparse_codes(rows, atoms, penalty)
        keep = 1 - 1 / (step + 2)  # recent batches count more: early atoms are poor
        code_gram = keep * code_gram + codes.T @ codes
        code_data = keep * code_data + codes.T @ rows
        atoms = _update_atoms(atoms, code_gram, code_data)
    return atoms


def _alternate(
    neurons: np.ndarray, atoms: np.ndarray, config: DictionaryConfig, progress: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Full passes until the objective stalls; returns the best atoms, codes, objective, passes."""
    codes, best, previous = None, None, np.inf
    for n_passes in range(1, config.n_iterations + 1):
        codes = sparse_codes(neurons, atoms, config.penalty, codes)
        value = objective(neurons, atoms, codes, config.penalty)
        if best is None or value < best[2]:
            best = (atoms, codes.copy(), value, n_passes)
        progress(n_passes / config.n_iterations)
        if previous - value < config.tolerance * abs(value):
            break
        previous = value
        atoms = _update_atoms(atoms, codes.T @ codes, codes.T @ neurons)
        atoms, codes = _revive(neurons, atoms, codes)
    assert best is not None
    return best


def _update_atoms(atoms: np.ndarray, code_gram: np.ndarray, code_data: np.ndarray) -> np.ndarray:
    """One round of block-coordinate updates, each atom kept at unit norm."""
    atoms = atoms.copy()
    for k in range(len(atoms)):
        if code_gram[k, k] < 1e-10:
            continue
        atom = atoms[k] + (code_data[k] - code_gram[k] @ atoms) / code_gram[k, k]
        atoms[k] = atom / max(np.linalg.norm(atom), 1e-12)
    return atoms


def _revive(neurons: np.ndarray, atoms: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give atoms that no neuron uses to the worst explained neurons."""
    unused = np.flatnonzero(np.abs(codes).sum(0) == 0)
    if len(unused):
        left = 1 - _r2(neurons, atoms, codes)
        atoms[unused] = neurons[np.argsort(-left)[: len(unused)]]
    return atoms, codes


def _r2(neurons: np.ndarray, atoms: np.ndarray, codes: np.ndarray) -> np.ndarray:
    out = np.zeros(len(neurons), np.float32)
    for start in range(0, len(neurons), 8192):
        rows = neurons[start : start + 8192]
        left = ((rows - codes[start : start + 8192] @ atoms) ** 2).sum(1)
        moves = (rows**2).sum(1) > 0.5  # unit norm, or never moves
        out[start : start + 8192] = np.where(moves, 1 - left, 0)
    return out


def _ordered(
    atoms: np.ndarray, codes: np.ndarray, value: float, n_passes: int
) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Atoms by how much they carry, signed so that their loadings are mostly positive."""
    order = np.argsort(-np.abs(codes).sum(0), kind="stable")
    atoms, codes = atoms[order], codes[:, order]
    sign = np.where(codes.sum(0) < 0, -1, 1).astype(np.float32)
    return atoms * sign[:, None], codes * sign, value, n_passes


def _sparse_fields(codes: np.ndarray) -> dict[str, np.ndarray]:
    table = sparse.csr_matrix(codes)
    return {
        "loading_values": table.data.astype(np.float32),
        "loading_atoms": table.indices.astype(np.int32),
        "loading_starts": table.indptr.astype(np.int64),
    }
