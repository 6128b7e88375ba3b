"""A study of one's own, small enough to check in seconds: tables of parcels, a transcript, its sound.

Five of twenty parcels hear speech, with the haemodynamic response and nothing
else; the others hold noise. All three are on one clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy.io import wavfile
from scipy.spatial import cKDTree

from brainlike_core.science.fit_check import speech_regressor, spoken_share
from brainlike_core.sources.stories import read_story
from brainlike_core.sources.surfaces import load_surface
from tests.small_world import SENTENCES

N_SUBJECTS, N_TRS, N_PARCELS, TR, RATE = 4, 150, 20, 1.5, 2000


@dataclass(frozen=True)
class Study:
    """Paths of a folder of tables, a transcript, a WAV file and a label volume."""

    tables: Path
    story: Path
    sound: Path
    labels: Path


def write_study(folder: Path) -> Study:
    """Write the study below ``folder``."""
    study = Study(folder / "listeners", folder / "tale.tsv", folder / "tale.wav", folder / "labels.nii.gz")
    study.tables.mkdir(parents=True)
    rng = np.random.default_rng(0)
    study.story.write_text(_transcript(rng))
    story = read_story(study.story)
    heard = speech_regressor(story, N_TRS, TR, ())[:, 0]
    for subject in range(1, N_SUBJECTS + 1):
        table = rng.standard_normal((N_TRS, N_PARCELS))
        table[:, :5] += ((heard - heard.mean()) / heard.std())[:, None]
        np.save(study.tables / f"sub-{subject:02d}.npy", table)
    loud = np.repeat(spoken_share(story, np.arange(round(N_TRS * TR * 100) + 1) / 100), RATE // 100)
    samples = (0.05 + 0.6 * loud) * rng.uniform(-1, 1, len(loud))
    wavfile.write(study.sound, RATE, (samples * 2**15).astype(np.int16))
    _write_labels(study.labels)
    return study


def _transcript(rng: np.random.Generator) -> str:
    """A word every 0.4 s from 6 s on, with a pause of 0.5 to 6 s after every seven."""
    words = [word for word in (SENTENCES * 6).split() if word != "."]
    lines, at = ["onset\toffset\tword"], 6.0
    for i, word in enumerate(words):
        at += rng.uniform(0.5, 6) if i and i % 7 == 0 else 0
        if at > N_TRS * TR - 12:
            break
        lines.append(f"{at:.3f}\t{at + 0.35:.3f}\t{word}")
        at += 0.4
    return "\n".join(lines)


def _write_labels(path: Path) -> None:
    """Each voxel of 8 mm near the cortex takes the nearest of 20 vertices, left and right."""
    pial = load_surface().pial
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    affine[:3, 3] = (-84, -120, -72)
    shape = (22, 28, 25)
    voxels = np.indices(shape).reshape(3, -1).T * 8.0 + affine[:3, 3]  # (n_voxels, 3) mm
    distance, _ = cKDTree(pial).query(voxels)
    _, nearest = cKDTree(pial[np.linspace(0, len(pial) - 1, N_PARCELS).astype(int)]).query(voxels)
    labels = np.where(distance < 12, nearest + 1, 0).astype(np.int16).reshape(shape)
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)
