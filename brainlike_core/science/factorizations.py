"""Other ways to sum neurons up in K time courses, to test the choice of a sparse dictionary.

All give unit-norm atoms and each neuron's loadings on them. Neurons are rows of
norm 1 with mean 0 over time. Method names are scikit-learn's.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF, FastICA, TruncatedSVD
from sklearn.exceptions import ConvergenceWarning

from ..config import DictionaryConfig

# Of the autoencoder: passes over all neurons, neurons per step, step size of Adam.
N_EPOCHS, BATCH, LEARNING_RATE = 60, 512, 3e-3


def factorize(
    rows: np.ndarray, config: DictionaryConfig, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Atoms and loadings by the config's method.

    Parameters
    ----------
    rows : float32 (n_neurons, n_trs)
        Of norm 1, or all zeros.
    config : DictionaryConfig
        Its method is not ``sparse``.
    first : float32 (n_atoms, n_trs)
        Neurons far apart from each other, with which the autoencoder begins.

    Returns
    -------
    atoms : float32 (n_atoms, n_trs)
        Of norm 1; all zeros where a method leaves an atom empty.
    codes : float32 (n_atoms, n_neurons)
    n_iterations : int
    """
    if config.method == "autoencoder":
        return _autoencoder(rows, config, first)
    method = {
        "pca": _components,
        "ica": _independent,
        "nmf": _nonnegative,
        "kmeans": _clusters,
    }[config.method]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the passes made are part of the result
        warnings.filterwarnings("ignore", message="There are some small singular values")  # band-limited rows
        atoms, codes, n_iterations = method(rows, config)
    norm = np.linalg.norm(atoms, axis=1, keepdims=True)
    atoms = atoms / np.where(norm > 1e-12, norm, 1)
    return atoms.astype(np.float32), (codes * norm).astype(np.float32), int(n_iterations)


def _components(rows: np.ndarray, config: DictionaryConfig) -> tuple[np.ndarray, np.ndarray, int]:
    """Principal components over time; each neuron has mean 0 over time already."""
    model = TruncatedSVD(config.n_atoms, n_iter=7, random_state=config.seed)
    codes = model.fit_transform(rows)
    return model.components_, codes.T, model.n_iter


def _independent(rows: np.ndarray, config: DictionaryConfig) -> tuple[np.ndarray, np.ndarray, int]:
    """Loadings that are independent over neurons; their least-squares values on the mixing time courses."""
    model = FastICA(
        config.n_atoms, whiten="unit-variance", whiten_solver="eigh", max_iter=400, random_state=config.seed
    )
    atoms = model.fit(rows).mixing_.T
    return atoms, np.linalg.lstsq(atoms.T, rows.T, rcond=None)[0], model.n_iter_


def _nonnegative(rows: np.ndarray, config: DictionaryConfig) -> tuple[np.ndarray, np.ndarray, int]:
    """Responses above each neuron's mean as non-negative sums; atoms are centred over time afterwards."""
    model = NMF(config.n_atoms, init="nndsvda", max_iter=200, random_state=config.seed)
    codes = model.fit_transform(np.maximum(rows, 0))
    atoms = model.components_
    return atoms - atoms.mean(1, keepdims=True), codes.T, model.n_iter_


def _clusters(rows: np.ndarray, config: DictionaryConfig) -> tuple[np.ndarray, np.ndarray, int]:
    """Each neuron is a multiple of the centre of its cluster."""
    model = KMeans(config.n_atoms, n_init=1, random_state=config.seed).fit(rows)
    centres = model.cluster_centers_
    own = np.zeros((config.n_atoms, len(rows)), np.float32)
    scale = np.einsum("nt,nt->n", rows, centres[model.labels_])
    power = np.einsum("kt,kt->k", centres, centres)[model.labels_]
    own[model.labels_, np.arange(len(rows))] = scale / np.maximum(power, 1e-12)
    return centres, own, model.n_iter_


def _autoencoder(
    rows: np.ndarray, config: DictionaryConfig, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Sparse autoencoder: ``a = relu(E x + b)``, ``x ~ D a``, ``1/2 ||x - D a||^2 + penalty |a|_1``.

    Adam over shuffled batches; atoms are kept at norm 1, since the penalty
    means nothing otherwise. Encoder and decoder both begin with the first atoms.
    """
    import torch

    rng = np.random.default_rng(config.seed)
    data = torch.from_numpy(rows)
    decoder, encoder = (torch.tensor(first, requires_grad=True) for _ in range(2))
    bias = torch.full((config.n_atoms,), -config.penalty, requires_grad=True)
    adam = torch.optim.Adam([encoder, decoder, bias], lr=LEARNING_RATE)
    for _ in range(N_EPOCHS):
        order = torch.from_numpy(rng.permutation(len(rows)))
        for batch in order.split(BATCH):
            codes = torch.relu(data[batch] @ encoder.T + bias)
            error = ((data[batch] - codes @ decoder) ** 2).sum()
            loss = (0.5 * error + config.penalty * codes.sum()) / len(batch)
            adam.zero_grad()
            loss.backward()
            adam.step()
            with torch.no_grad():
                decoder /= decoder.norm(dim=1, keepdim=True).clamp_min(1e-12)
    with torch.no_grad():
        codes = torch.relu(data @ encoder.T + bias)
    return decoder.detach().numpy(), codes.numpy().T, N_EPOCHS
