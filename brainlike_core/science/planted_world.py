"""Listeners of a story that was never told, with the truth planted: fast worlds to ask how much data a claim needs.

A small brain of parcels in networks. What listeners share has one time course
per network; a model's atoms carry a known part of it, the rest is shared and
not the model's. Strength and spread of what is shared, and the colour of the
noise, are those of Pie Man (Nastase et al. 2021, doi:10.1038/s41597-021-01033-3);
docs/power.md has both side by side. Series are drawn as cosines of the band, so
n minutes hold ``120 n (high - low)`` free numbers at any TR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft
from scipy.spatial import ConvexHull

from .timing import glover_hrf, zscore

BAND = (0.01, 0.12)
N_NETWORKS = 17
PER_HEMISPHERE = 119  # parcels: seven in each network
N_UNRELATED = 15  # atoms that no network follows
OWN = 0.5  # share of a network's shared response that is its own; the rest it has from others
SHARE, SHARE_SPREAD = 0.035, 0.7  # of a listener's variance that all have in common: mean, SD of its log
GLOBAL, WITHIN = 0.19, 0.35  # shares of a listener's noise common to all parcels, and to a network
AR1_PER_S = 0.71  # correlation of the noise with itself one second later
EDGE_S = 60.0
SLOWNESS = 1.0  # exponent of the power law of what a story says
OVERLAP = 0.5  # correlation of the predictions of two models


@dataclass(frozen=True)
class PlantedBrain:
    """Parcels on two spheres, and what they have in common.

    Attributes
    ----------
    sphere : (n_locations, 3), left hemisphere first
    faces : int (n_faces, 3)
    labels : int (n_locations,)
        Network f + 1 of each parcel; every network is one patch in each hemisphere.
    share : (n_locations,)
        Share of a listener's variance that all listeners have in common.
    courses : (n_networks, n_networks)
        Row f: the independent courses that network f's shared response is made of, of unit norm.
    """

    sphere: np.ndarray
    faces: np.ndarray
    labels: np.ndarray
    share: np.ndarray
    courses: np.ndarray

    @property
    def n_locations(self) -> int:
        return len(self.labels)

    @cached_property
    def loadings(self) -> np.ndarray:
        """What each parcel's shared response is made of: (n_networks, n_locations), columns of unit norm."""
        return self.courses[self.labels - 1].T.astype(np.float32)


def planted_brain(seed: int = 0) -> PlantedBrain:
    """A brain of 17 networks and 238 parcels.

    Examples
    --------
    >>> brain = planted_brain()
    >>> brain.n_locations, np.unique(np.bincount(brain.labels)[1:]).tolist()
    (238, [14])
    """
    rng = np.random.default_rng([seed, 17])
    half = _even_points(PER_HEMISPHERE)
    labels = _patches(half)
    faces = ConvexHull(half).simplices
    spread = rng.normal(-(SHARE_SPREAD**2) / 2, SHARE_SPREAD, 2 * PER_HEMISPHERE)
    others = rng.standard_normal((N_NETWORKS, N_NETWORKS)) * (1 - np.eye(N_NETWORKS))
    others *= np.sqrt((1 - OWN) / (others**2).sum(1, keepdims=True))
    return PlantedBrain(
        sphere=np.concatenate([half, half * [-1, 1, 1]]),
        faces=np.concatenate([faces, faces + PER_HEMISPHERE]),
        labels=np.tile(labels, 2),
        share=np.minimum(SHARE * np.exp(spread), 0.3),
        courses=others + np.sqrt(OWN) * np.eye(N_NETWORKS),
    )


def _even_points(n: int) -> np.ndarray:
    """n nearly even points on the sphere, along a Fibonacci spiral: (n, 3)."""
    height = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(n)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], 1)


def _patches(points: np.ndarray) -> np.ndarray:
    """Compact patches of equal size, filled from the ends of the spiral inwards: int (n_points,)."""
    labels = np.zeros(len(points), int)
    size = len(points) // N_NETWORKS
    for network in range(N_NETWORKS):
        free = np.flatnonzero(labels == 0)
        # Begin where least is free nearby, so that no parcel is left alone.
        near = np.sort(points[free] @ points[free].T, axis=1)[:, -size:].sum(1)
        first = points[free[near.argmin()]]
        labels[free[np.argsort(-(points[free] @ first))[:size]]] = network + 1
    return labels


# -- time ---------------------------------------------------------------------------


def band_frequencies(n_rows: int, tr: float) -> tuple[int, np.ndarray]:
    """Which cosine of the type-II DCT of n_rows is the band's first, and the frequencies in Hz of all in the band."""
    frequency = np.arange(n_rows) / (2 * tr * n_rows)
    inside = np.flatnonzero((frequency >= BAND[0]) & (frequency <= BAND[1]))
    return int(inside[0]), frequency[inside]


def heard_power(frequency: np.ndarray) -> np.ndarray:
    """Power of a story's slowly changing events (a power law) after Glover's response."""
    step = 0.1
    response = glover_hrf(step)
    turn = np.exp(-2j * np.pi * frequency[:, None] * step * np.arange(len(response)))
    return np.abs(turn @ response) ** 2 * frequency**-SLOWNESS


def noise_power(frequency: np.ndarray, tr: float = 1.5) -> np.ndarray:
    """Power of first-order autoregressive noise, sampled every ``tr`` seconds."""
    phi = AR1_PER_S**tr
    return 1 / (1 + phi**2 - 2 * phi * np.cos(2 * np.pi * frequency * tr))


def series(
    rng: np.random.Generator,
    power: Callable[[np.ndarray], np.ndarray],
    n_trs: int,
    n_columns: int,
    tr: float,
) -> np.ndarray:
    """Gaussian series of a given spectrum in the band, of expected variance 1: float32 (n_trs, n_columns).

    Drawn a minute longer at both ends, which are cut off: cosines of random
    sizes all peak at the ends of a run, what is heard does not.

    Parameters
    ----------
    rng : numpy Generator
    power : callable(frequency in Hz)
    n_trs, n_columns : int
    tr : seconds
    """
    edge = round(EDGE_S / tr)
    first, frequency = band_frequencies(n_trs + 2 * edge, tr)
    shape = power(frequency)
    spectrum = np.zeros((n_trs + 2 * edge, n_columns), np.float32)
    scale = np.sqrt(len(spectrum) * shape / shape.sum()).astype(np.float32)[:, None]
    drawn = rng.standard_normal((len(shape), n_columns), np.float32)
    np.multiply(drawn, scale, out=spectrum[first : first + len(shape)])
    return fft.idct(spectrum, axis=0, norm="ortho", overwrite_x=True)[edge : edge + n_trs]


# -- worlds -------------------------------------------------------------------------


class PlantedWorld:
    """One story with two models' atoms, and what any number of listeners share of it.

    Parameters
    ----------
    brain : PlantedBrain
    minutes : float
    tr : float
        Seconds.
    rng : numpy Generator

    Attributes
    ----------
    atoms : float32 (n_trs, n_atoms)
        Atom f is the model's part of network f's own course; the last 15 are unrelated.
    others : float32 (n_trs, n_atoms)
        The same of a second model, whose predictions correlate `OVERLAP` with the first's.
    """

    def __init__(self, brain: PlantedBrain, minutes: float, tr: float, rng: np.random.Generator) -> None:
        self.brain, self.tr, self.rng = brain, tr, rng
        self.n_trs = round(60 * minutes / tr)
        n_atoms = N_NETWORKS + N_UNRELATED
        self.atoms, own = self.courses(n_atoms), self.courses(n_atoms)
        self.others = OVERLAP * self.atoms + np.float32(np.sqrt(1 - OVERLAP**2)) * own
        self._rest = self.courses(N_NETWORKS)

    def courses(self, n: int) -> np.ndarray:
        """Independent courses as a story drives them: float32 (n_trs, n)."""
        return series(self.rng, heard_power, self.n_trs, n, self.tr)

    def shared(self, r: float, r_other: float = 0.0) -> np.ndarray:
        """What listeners share, of unit variance: float32 (n_trs, n_locations).

        Parameters
        ----------
        r, r_other : float
            Correlation with the best prediction from the atoms of the first
            and of the second model.
        """
        first = (r - OVERLAP * r_other) / (1 - OVERLAP**2)
        second = (r_other - OVERLAP * r) / (1 - OVERLAP**2)
        rest = np.sqrt(1 - first * r - second * r_other)
        own = first * self.atoms[:, :N_NETWORKS] + second * self.others[:, :N_NETWORKS] + rest * self._rest
        return own.astype(np.float32) @ self.brain.loadings

    def noise(self, n_draws: int) -> np.ndarray:
        """Noise of independent listeners, of unit variance: float32 (n_draws, n_trs, n_locations)."""
        n_locations = self.brain.n_locations
        n = 1 + N_NETWORKS + n_locations
        drawn = series(self.rng, noise_power, self.n_trs, n_draws * n, self.tr).reshape(self.n_trs, -1, n)
        networks = drawn[:, :, 1 : 1 + N_NETWORKS][:, :, self.brain.labels - 1]
        out = np.sqrt(1 - GLOBAL - WITHIN) * drawn[:, :, 1 + N_NETWORKS :]
        out += np.sqrt(WITHIN) * networks + np.sqrt(GLOBAL) * drawn[:, :, :1]
        return out.astype(np.float32).transpose(1, 0, 2)

    def group_noise(self, n_subjects: tuple[int, ...]) -> list[np.ndarray]:
        """Mean noise of the first 5, 10, ... listeners: one (n_trs, n_locations) array per number, ascending.

        The mean of n independent Gaussian noises is drawn as what it is: one
        noise with an n-th of the variance. Larger groups hold the smaller ones.
        """
        steps = np.diff(n_subjects, prepend=0)
        sums = np.cumsum(np.sqrt(steps, dtype=np.float32)[:, None, None] * self.noise(len(steps)), axis=0)
        return [total / np.float32(n) for total, n in zip(sums, n_subjects, strict=True)]

    def group_mean(self, shared: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The z-scored mean recording of a group: (n_trs, n_locations)."""
        share = self.brain.share.astype(np.float32)
        return zscore(np.sqrt(share) * shared + np.sqrt(1 - share) * noise)

    def listeners(self, shared: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """z-scored recordings of single listeners, ``noise`` as `noise` draws it: (n, n_trs, n_locations)."""
        return np.stack([self.group_mean(shared, one) for one in noise])
