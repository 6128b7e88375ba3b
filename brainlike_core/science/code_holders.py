"""Where the codes of all neurons live while a dictionary is learned: on the processor, or on a GPU.

Both hold the neurons and their codes, and hand out only what the atoms need: the
change of the codes' products (small), losses, and at the end the codes. The GPU's
coordinate descent visits the atoms one after the other, for all neurons of a
batch at once; neurons that no longer move leave it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from .sparse_codes import MAX_SWEEPS, RELAXATION, TOLERANCE, descend

LOOSE = 1e-2  # tolerance of codes while the atoms still move
BATCH = 1024  # neurons between two updates of the atoms
GPU_BATCH = 16_384  # a GPU is idle below that


class Change(NamedTuple):
    """What a batch's new codes change: sums over its neurons.

    ``gram`` (n_atoms, n_atoms) and ``data`` (n_atoms, n_trs) are those of codes
    with codes and of codes with neurons; ``l1`` that of absolute codes.
    """

    gram: np.ndarray
    data: np.ndarray
    l1: float


class CodeHolder(Protocol):
    """Neurons and their codes, which begin at zero."""

    batch: int
    device: str

    def recode(self, atoms: np.ndarray, which: slice) -> Change:
        """Improve the codes of some neurons for these atoms (n_atoms, n_trs), float32."""
        ...

    def losses(self, atoms: np.ndarray, which: slice) -> np.ndarray:
        """``||x - D a||^2`` of some neurons with their present codes."""
        ...

    def exact(self, atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exact codes from the present ones, and products of atoms and neurons: both (n_atoms, n_neurons)."""
        ...


def hold_codes(rows: np.ndarray, n_atoms: int, penalty: float, device: str) -> CodeHolder:
    """On the device that was asked for, where there is one and it has room; else on the processor.

    Parameters
    ----------
    rows : float32 (n_neurons, n_trs)
    n_atoms : int
    penalty : float
    device : str
        ``cpu``, ``cuda``, or ``auto`` for CUDA where it is.
    """
    if device in ("auto", "cuda") and _has_cuda():
        import torch

        try:
            return DeviceCodes(rows, n_atoms, penalty, "cuda")
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    return ProcessorCodes(rows, n_atoms, penalty)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


class ProcessorCodes:
    """On the processor, compiled: see `sparse_codes.descend`."""

    batch, device = BATCH, "cpu"

    def __init__(self, rows: np.ndarray, n_atoms: int, penalty: float) -> None:
        self.rows, self.penalty = rows, penalty
        self.codes = np.zeros((n_atoms, len(rows)), np.float32)

    def recode(self, atoms: np.ndarray, which: slice) -> Change:
        rows, old = self.rows[which], self.codes[:, which].copy()
        new = old.copy()
        descend(atoms @ atoms.T, atoms @ rows.T, new, self.penalty, LOOSE)
        self.codes[:, which] = new
        l1 = float(np.abs(new).sum() - np.abs(old).sum())
        return Change(new @ new.T - old @ old.T, (new - old) @ rows, l1)

    def losses(self, atoms: np.ndarray, which: slice) -> np.ndarray:
        rows = self.rows[which]
        return code_losses(atoms, self.codes[:, which], atoms @ rows.T) + (rows**2).sum(1)

    def exact(self, atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        target = atoms @ self.rows.T
        descend(atoms @ atoms.T, target, self.codes, self.penalty, TOLERANCE)
        return self.codes, target


class DeviceCodes:
    """With torch, on any of its devices.

    Parameters
    ----------
    rows : float32 (n_neurons, n_trs)
    n_atoms : int
    penalty : float
    device : str
        As torch names it.
    batch : int
        Neurons between two updates of the atoms.
    """

    def __init__(
        self, rows: np.ndarray, n_atoms: int, penalty: float, device: str, batch: int = GPU_BATCH
    ) -> None:
        import torch

        self.device, self.penalty, self.batch = device, penalty, batch
        self.rows = torch.from_numpy(rows).to(device)
        self.codes = torch.zeros((n_atoms, len(rows)), device=device)

    def recode(self, atoms: np.ndarray, which: slice) -> Change:
        rows, old, there = self.rows[which], self.codes[:, which].clone(), self._send(atoms)
        new = _descend(there @ there.T, there @ rows.T, old, self.penalty, LOOSE)
        self.codes[:, which] = new
        gram, data = new @ new.T - old @ old.T, (new - old) @ rows
        return Change(gram.cpu().numpy(), data.cpu().numpy(), float(new.abs().sum() - old.abs().sum()))

    def losses(self, atoms: np.ndarray, which: slice) -> np.ndarray:
        left = self.rows[which] - self.codes[:, which].T @ self._send(atoms)
        return (left**2).sum(1).cpu().numpy()

    def exact(self, atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        there = self._send(atoms)
        target = there @ self.rows.T
        self.codes = _descend(there @ there.T, target, self.codes, self.penalty, TOLERANCE)
        return self.codes.cpu().numpy(), target.cpu().numpy()

    def _send(self, atoms: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(np.ascontiguousarray(atoms)).to(self.device)


def _descend(gram: Any, target: Any, start: Any, penalty: float, tolerance: float) -> Any:
    """`sparse_codes.descend` with torch: new codes (n_atoms, n_neurons); ``start`` is not changed."""
    import torch

    diagonal = gram.diagonal()
    steps = torch.where(diagonal > 1e-12, 1 / diagonal.clamp(min=1e-12), 0)
    found, codes = start.clone(), start.clone()
    where = torch.arange(codes.shape[1], device=codes.device)
    for _ in range(MAX_SWEEPS):
        moved = _sweep(gram, target, codes, steps, penalty)
        still = moved >= tolerance
        n_still = int(still.sum())
        if n_still <= codes.shape[1] // 2:  # those at rest are written back, the others go on
            found[:, where] = codes
            if n_still == 0:
                break
            codes, target, where = codes[:, still], target[:, still], where[still]
    found[:, where] = codes
    return found


def _sweep(gram: Any, target: Any, codes: Any, steps: Any, penalty: float) -> Any:
    """One relaxed step on each atom, in place, for all neurons; the largest move of each neuron."""
    import torch

    moved = torch.zeros_like(codes[0])
    for k in range(len(codes)):
        wish = target[k] - gram[k] @ codes + gram[k, k] * codes[k]
        new = steps[k] * (wish - wish.clamp(-penalty, penalty))
        beyond = codes[k] + RELAXATION * (new - codes[k])
        new = torch.where(beyond * new > 0, beyond, new)  # never beyond zero
        moved = torch.maximum(moved, (new - codes[k]).abs())
        codes[k] = new
    return moved


def code_losses(atoms: np.ndarray, codes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """``||x - D a||^2 - ||x||^2`` of each neuron."""
    return np.einsum("kn,kn->n", codes, (atoms @ atoms.T) @ codes - 2 * target)
