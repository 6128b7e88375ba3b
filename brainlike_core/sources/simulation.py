"""Simulated listeners of the embedded story, with the truth known: always there, offline.

Temporal patterns are made from the text alone (never from a model's
activations), each is planted on networks of one atlas, and realistic noise is
added. docs/simulation.md says how, and how close it comes to a real recording.

The haemodynamic response is Glover's (1999, doi:10.1006/nimg.1998.0419).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import fft, signal, sparse, stats

from ..errors import ConfigError, RecordingError
from ..values import PlantedTruth, Recording, Story, Surface
from .atlases import load_atlas
from .embedded_story import NAME, TITLE, embedded_scenes, embedded_story, word_features
from .gathering import Progress, silent
from .surfaces import load_surface

TR = 1.1
PASS_BAND = (0.01, 0.12)
ATLAS = "eg17"

# pattern, network, sign, gain: in-band signal over in-band noise, both as standard deviations.
EFFECTS = (
    ("word_rate", "Auditory", "+", 0.32),
    ("word_length", "Premotor", "+", 0.25),
    ("word_rarity", "Cingulo-opercular", "+", 0.23),
    ("sentence_build_up", "Language", "+", 0.29),
    ("dialogue", "Default", "+", 0.22),
    ("dialogue", "Dorsal attention", "-", 0.23),
    ("counting", "Frontoparietal", "+", 0.25),
    ("counting", "Default", "-", 0.18),
    ("place", "Lateral visual", "+", 0.25),
    ("hands", "Hand somatomotor", "+", 0.27),
    ("emotion", "Salience", "+", 0.27),
    ("memory", "Context", "+", 0.27),
)
KINDS = {"word_rate": "acoustic", "word_length": "lexical", "word_rarity": "lexical"}

_SILENT_END_S = 17.0
_LATENCY_SD_S = 0.3
_SUBJECT_GAIN_SD = 0.15
_PLACE_GAIN_SD = 0.3
_AR1_PER_S = 0.54  # correlation of the noise with itself one second later
_DRIFT_PER_S = 0.11  # step of the random walk over one second, in standard deviations of that noise
_GLOBAL = 0.35
_NOISE_STEPS = 3
_GAIN_STEPS = 8


# ---------------------------------------------------------------- patterns made from the text


def planted_patterns(
    story: Story, tr: float, n_trs: int, scenes: Mapping[str, np.ndarray] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Time courses that the text alone predicts, one per pattern of `EFFECTS`.

    A word's value goes to the TR in which the word begins (the count for
    ``word_rate``, else the mean of values centred over words, 0 in silence),
    is convolved with Glover's haemodynamic response and z-scored.

    Parameters
    ----------
    story : Story
    tr : seconds
    n_trs : int
    scenes : mapping of str to bool (n_words,), optional
        Which words belong to each scene; those of the embedded story
        when left out.

    Returns
    -------
    names, kinds : tuple of str, n_patterns
        Kinds are ``acoustic``, ``lexical`` or ``context``.
    patterns : float32 (n_patterns, n_trs)
        All 0 where the story never varies in that respect.

    Raises
    ------
    StoryError
        Scenes that do not cover the story's words.
    """
    names, events = _events(story, tr, n_trs, embedded_scenes() if scenes is None else scenes)
    patterns = _zscore(_convolve(events, tr)).astype(np.float32)
    return names, tuple(KINDS.get(name, "context") for name in names), patterns


def _events(
    story: Story, tr: float, n_trs: int, scenes: Mapping[str, np.ndarray]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names, and values on the TR grid before the haemodynamic response: (n_patterns, n_trs)."""
    features = word_features(story, scenes)
    names = tuple(dict.fromkeys(effect[0] for effect in EFFECTS))
    tr_of_word = np.floor(story.onsets / tr).astype(int)
    inside = (tr_of_word >= 0) & (tr_of_word < n_trs)
    counts = np.bincount(tr_of_word[inside], minlength=n_trs).astype(float)
    rows = []
    for name in names:
        if name == "word_rate":
            rows.append(counts)
            continue
        sums = np.bincount(tr_of_word[inside], weights=features[name][inside], minlength=n_trs)
        rows.append(sums / np.maximum(counts, 1))
    return names, np.stack(rows)


def _hrf(tr: float, latency_s: float = 0.0, duration_s: float = 32.0) -> np.ndarray:
    """Glover's response, later by ``latency_s``, averaged within each TR, unit sum."""
    fine = tr / 50
    t = np.arange(round(duration_s / fine)) * fine - latency_s
    rise, fall = (stats.gamma.pdf(t, a / 0.9, loc=fine, scale=0.9) for a in (6, 12))
    n_samples = len(t) // 50
    sampled = (rise - 0.48 * fall)[: n_samples * 50].reshape(n_samples, 50).mean(1)
    return sampled / sampled.sum()


def _convolve(rows: np.ndarray, tr: float, latency_s: float = 0.0) -> np.ndarray:
    return signal.oaconvolve(rows, _hrf(tr, latency_s)[None], axes=1)[:, : rows.shape[1]]


def _zscore(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(1, keepdims=True)
    scale = centred.std(1, keepdims=True)
    return np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 1e-9)


# ---------------------------------------------------------------- listeners


def simulate(
    seed: int = 0,
    n_subjects: int = 8,
    subjects: tuple[int, ...] = (),
    gain_scale: float = 1.0,
    progress: Progress = silent,
) -> tuple[Recording, Story, PlantedTruth]:
    """Simulate listeners to the embedded story.

    Parameters
    ----------
    seed : int
        Seed of noise, latencies and gains; the planted truth does not depend on it.
    n_subjects : int
        Listeners there are.
    subjects : tuple of int
        One-based positions of those wanted; empty = all. A listener is the
        same whoever else is asked for.
    gain_scale : float
        Factor on every planted gain; 0 plants nothing.
    progress : callable(fraction)
        Called before each listener; may raise to stop.

    Returns
    -------
    recording : Recording
        float32 (n_subjects, n_trs, 20484) on fsaverage5, TR 1.1 s, band-pass
        0.01-0.12 Hz, z-scored. The medial wall has noise like any place, and
        is not drawn (``vertex_location`` -1).
    story : Story
    truth : PlantedTruth

    Raises
    ------
    RecordingError
        A subject that there is not.
    ConfigError
        A negative seed or gain scale, or fewer than one listener.
    """
    chosen = _chosen(seed, n_subjects, subjects, gain_scale)
    story, truth = embedded_story(), _truth(gain_scale)
    n_trs = truth.patterns.shape[1]
    basis = _band_basis(n_trs)
    colour = _noise_root(basis)
    _, events = _events(story, TR, n_trs, embedded_scenes())
    gains = _gain_maps(truth)
    once = _neighbour_average(load_surface())
    smooth, wide = _unit_rows(once, _NOISE_STEPS), _unit_rows(once, _GAIN_STEPS)
    bold = np.empty((len(chosen), n_trs, gains.shape[1]), np.float32)
    for row, subject in enumerate(chosen):
        progress(row / len(chosen))
        rng = np.random.default_rng([seed, subject])
        bold[row] = basis @ _listener(events, gains, basis, colour, smooth, wide, rng)
    return _recording(bold, chosen), story, truth


def _chosen(seed: int, n_subjects: int, subjects: tuple[int, ...], gain_scale: float) -> tuple[int, ...]:
    for name, value, low in (("seed", seed, 0), ("n_subjects", n_subjects, 1), ("gain_scale", gain_scale, 0)):
        if not value >= low:
            needed = f"{low} or more"
            raise ConfigError(
                f"Invalid value for {name}", found=repr(value), needed=needed, do=f"change {name}"
            )
    chosen = tuple(subjects) or tuple(range(1, n_subjects + 1))
    odd = [s for s in chosen if not 1 <= s <= n_subjects]
    if odd:
        raise RecordingError(
            "The simulated recording has no such subject",
            found=f"subjects {odd}",
            needed=f"positions 1 to {n_subjects}",
            do="change the subjects",
        )
    return chosen


def _truth(gain_scale: float) -> PlantedTruth:
    story = embedded_story()
    n_trs = int(np.ceil((story.offsets[-1] + _SILENT_END_S) / TR))
    names, _, patterns = planted_patterns(story, TR, n_trs)
    table = pd.DataFrame(EFFECTS, columns=["pattern", "network", "sign", "gain"])
    table["gain"] *= gain_scale
    table["kind"] = [KINDS.get(pattern, "context") for pattern in table["pattern"]]
    return PlantedTruth(table=table, patterns=patterns, names=names, atlas=ATLAS)


def _gain_maps(truth: PlantedTruth) -> np.ndarray:
    """Signed gain of each pattern at each vertex: float32 (n_patterns, n_vertices)."""
    atlas = load_atlas(truth.atlas)
    maps = np.zeros((len(truth.names), len(atlas.labels)), np.float32)
    for effect in truth.table.itertuples():
        inside = atlas.labels == 1 + atlas.networks.index(str(effect.network))
        gain = effect.gain if effect.sign == "+" else -effect.gain
        maps[truth.names.index(str(effect.pattern)), inside] += gain
    return maps


def _recording(bold: np.ndarray, chosen: tuple[int, ...]) -> Recording:
    nameless = (load_atlas(ATLAS).labels == 0) & (load_atlas("yeo7").labels == 0)
    locations = np.arange(bold.shape[2], dtype=np.int32)
    return Recording(
        name=NAME,
        title=TITLE,
        bold=bold,
        tr=TR,
        subjects=tuple(f"sim-{subject:02d}" for subject in chosen),
        space="fsaverage5",
        locations=(),
        vertex_location=np.where(nameless, -1, locations).astype(np.int32),
        constant=np.zeros((len(chosen), bold.shape[2]), bool),
        pass_band=PASS_BAND,
    )


def _listener(
    events: np.ndarray,
    gains: np.ndarray,
    basis: np.ndarray,
    colour: np.ndarray,
    smooth: sparse.csr_matrix,
    wide: sparse.csr_matrix,
    rng: np.random.Generator,
) -> np.ndarray:
    """One listener's z-scored data as coefficients of the band's cosines: (n_cosines, n_vertices)."""
    n_trs, n_cosines = basis.shape
    heard = basis.T @ _convolve(events, TR, rng.normal(0, _LATENCY_SD_S)).T  # (n_cosines, n_patterns)
    heard *= np.sqrt(n_cosines) / np.maximum(np.linalg.norm(heard, axis=0), 1e-9)
    here = 1 + _PLACE_GAIN_SD * (wide @ rng.standard_normal(gains.shape[1]))
    strength = np.exp(rng.normal(0, _SUBJECT_GAIN_SD)) * np.maximum(here, 0)
    planted = (heard.astype(np.float32) @ gains) * strength.astype(np.float32)
    coefficients = planted + _noise(colour, smooth, here, rng)
    scale = np.sqrt(n_trs) / np.linalg.norm(coefficients, axis=0)
    return coefficients * scale.astype(np.float32)


def _noise(
    colour: np.ndarray, smooth: sparse.csr_matrix, here: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Noise of unit power per cosine: (n_cosines, n_vertices)."""
    n_cosines, n_vertices = len(colour), smooth.shape[0]
    local = (smooth @ rng.standard_normal((n_vertices, n_cosines), np.float32)) @ colour.T
    shared = colour @ rng.standard_normal((n_cosines, 1), np.float32)
    local /= np.sqrt((local**2).mean())
    shared /= np.sqrt((shared**2).mean())
    noise = np.sqrt(1 - _GLOBAL**2) * local.T + _GLOBAL * shared * here.astype(np.float32)
    return noise.astype(np.float32)


def _noise_root(basis: np.ndarray) -> np.ndarray:
    """What turns white coefficients into those of the noise: float32 (n_cosines, n_cosines).

    The noise is first-order autoregressive plus a random walk. Both are
    Gaussian, so their covariance within the band is all there is to know.
    """
    row = np.arange(len(basis))
    covariance = _AR1_PER_S ** (TR * np.abs(row[:, None] - row))  # (n_trs, n_trs)
    covariance += _DRIFT_PER_S**2 * TR * (1 + np.minimum(row[:, None], row))
    wide = basis.astype(np.float64)
    return np.linalg.cholesky(wide.T @ covariance @ wide).astype(np.float32)


def _band_basis(n_trs: int) -> np.ndarray:
    """Orthonormal cosines (type-II DCT) whose frequency lies in the band: float32 (n_trs, n_cosines)."""
    frequencies = np.arange(n_trs) / (2 * TR * n_trs)
    kept = (frequencies >= PASS_BAND[0]) & (frequencies <= PASS_BAND[1])
    return fft.idct(np.eye(n_trs), axis=0, norm="ortho")[:, kept].astype(np.float32)


def _neighbour_average(surface: Surface) -> sparse.csr_matrix:
    """Mean of a vertex and its neighbours on the mesh: float32 (n_vertices, n_vertices)."""
    a, b, c = surface.faces.T
    rows, columns = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
    n = surface.n_vertices
    joined = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(n, n))
    joined.data[:] = 1  # an edge belongs to two triangles and was counted twice
    joined = joined + sparse.identity(n, np.float32, "csr")
    return sparse.csr_matrix(
        sparse.diags_array(1 / np.asarray(joined.sum(1)).ravel().astype(np.float32)) @ joined
    )


def _unit_rows(once: sparse.csr_matrix, n_steps: int) -> sparse.csr_matrix:
    """``once`` applied n_steps times, scaled so that white noise keeps variance 1."""
    steps = once
    for _ in range(n_steps - 1):
        steps = steps @ once
    norms = np.sqrt(np.asarray(steps.multiply(steps).sum(1)).ravel()).astype(np.float32)
    return sparse.csr_matrix(sparse.diags_array(1 / norms) @ steps)
