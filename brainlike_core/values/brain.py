"""Recordings, surfaces and network atlases, and whether a story fits a recording."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import AtlasError, RecordingError
from .frozen import Frozen, check


@dataclass(frozen=True, eq=False)
class Recording(Frozen):
    """Brains that listened to one story, or to several.

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
    stories : tuple of (name, n_trs)
        What was heard, one after the other; empty = one story. Each is z-scored
        and filtered by itself.
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
    stories: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        what = f"Recording '{self.name}'"
        check(
            self.bold.ndim == 3 and 0 not in self.bold.shape,
            RecordingError, f"{what} has the wrong shape", self.bold.shape,
            "(n_subjects, n_trs, n_locations), none of them 0", "check how it was read",
        )  # fmt: skip
        n_subjects, _, n_locations = self.bold.shape
        check(
            len(self.subjects) == n_subjects and self.constant.shape == (n_subjects, n_locations),
            RecordingError, f"{what} names {len(self.subjects)} subjects", f"{n_subjects} time series",
            "one name and one row of constant marks each", "check how it was read",
        )  # fmt: skip
        check(self.tr > 0, RecordingError, f"{what} has no TR", self.tr, "seconds > 0", "set the TR")
        check(
            self.vertex_location.max() < n_locations,
            RecordingError, f"{what} draws locations it lacks", self.vertex_location.max(),
            f"below {n_locations}", "check the label volume",
        )  # fmt: skip
        check(
            len(self.pass_band) in (0, 2), RecordingError, f"{what} has an odd filter", self.pass_band,
            "(low, high) in Hz", "set both edges",
        )  # fmt: skip
        held = sum(n_trs for _, n_trs in self.stories)
        check(
            not self.stories or held == self.n_trs, RecordingError, f"{what} does not hold its stories",
            f"{held} TRs of stories", f"{self.n_trs} TRs", "check how they were joined",
        )  # fmt: skip
        self.freeze()

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
class Surface(Frozen):
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
        check(
            same and self.sulc.shape == (n,) and int(self.faces.max()) < n,
            AtlasError, f"Surface '{self.name}' does not hang together", f"{n} pial vertices",
            "the same vertices in every geometry", "fetch the surface again",
        )  # fmt: skip
        self.freeze()

    @property
    def n_vertices(self) -> int:
        return len(self.pial)


@dataclass(frozen=True, eq=False)
class NetworkAtlas(Frozen):
    """Functional brain networks (or regions) on fsaverage5: labels, or weights that may overlap.

    Attributes
    ----------
    name, title, citation, licence : str
    labels : int16 (n_vertices,)
        0 = none, f + 1 = ``networks[f]``. Of weights: what is drawn.
    networks : tuple of str, n_networks
    weights : float32 (n_networks, n_vertices)
        How much each vertex belongs to each network, such as a probability or
        a component's z; NaN where nothing is known, as on the medial wall.
        No rows for an atlas of labels.
    """

    name: str
    title: str
    labels: np.ndarray
    networks: tuple[str, ...]
    citation: str
    licence: str
    weights: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def __post_init__(self) -> None:
        top = int(self.labels.max())
        check(
            self.labels.ndim == 1 and self.labels.min() >= 0 and 0 < top <= len(self.networks),
            AtlasError, f"Atlas '{self.name}' has labels without names", f"labels up to {top}",
            f"0 to {len(self.networks)}", "add the missing names",
        )  # fmt: skip
        check(
            not self.has_weights or self.weights.shape == (len(self.networks), len(self.labels)),
            AtlasError, f"Atlas '{self.name}' has weights that do not fit", self.weights.shape,
            "one weight per network and vertex", "check how it was read",
        )  # fmt: skip
        self.freeze()

    @property
    def has_weights(self) -> bool:
        """Are networks matched by their weights?"""
        return len(self.weights) > 0

    @property
    def n_networks(self) -> int:
        return len(self.networks)


@dataclass(frozen=True, eq=False)
class ParcelVolume(Frozen):
    """Where the parcels of a recording lie in a volume.

    Attributes
    ----------
    labels : int32 (n_x, n_y, n_z)
        0 = none, k + 1 = location k.
    affine : float64 (4, 4)
        Voxel to mm.
    space : str
        Such as ``MNI``.

    Examples
    --------
    >>> ParcelVolume(np.zeros((2, 2), np.int32), np.eye(4), "MNI")
    Traceback (most recent call last):
    brainlike_core.errors.RecordingError: The volume of parcels has the wrong shape: found (2, 2), needed three axes and an affine (4, 4); check how it was read.
    """

    labels: np.ndarray
    affine: np.ndarray
    space: str

    def __post_init__(self) -> None:
        check(
            self.labels.ndim == 3 and self.affine.shape == (4, 4),
            RecordingError, "The volume of parcels has the wrong shape", self.labels.shape,
            "three axes and an affine (4, 4)", "check how it was read",
        )  # fmt: skip
        self.freeze()


def _nothing() -> np.ndarray:
    return np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class FitCheck(Frozen):
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
        sign-randomised speech.
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
        95th percentile of the largest r at any lag for sign-randomised envelopes.
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
        self.freeze()

    @property
    def state(self) -> str:
        """The worst state of its facts."""
        return max(self.facts["state"], key=("good", "look", "bad").index)

    @property
    def has_audio(self) -> bool:
        return len(self.audio_r) > 0
