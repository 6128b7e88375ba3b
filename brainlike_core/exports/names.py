"""File names by the rules of BIDS derivatives, and the JSON that goes beside each map.

Entities come in the order of the specification (task, hemi, space, den, desc; BIDS
appendix "Entities"), ``stat-<letter>_statmap`` at the end is how nilearn and FitLins
name group maps. Group maps have no ``sub``.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from .. import __version__
from ..config import RunConfig
from ..values import Run

Files = dict[str, bytes]

BIDS_VERSION = "1.9.0"
_ORDER = ("task", "hemi", "space", "den", "desc", "stat")


def zipped(files: Files) -> bytes:
    """Files in one ZIP archive; equal files make equal archives.

    Examples
    --------
    >>> zipped({"a.txt": b"1"}) == zipped({"a.txt": b"1"})
    True
    """
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def label(text: str) -> str:
    """Letters and digits alone, words run together: what may stand in a BIDS name.

    Examples
    --------
    >>> label("smollm2-135m"), label("lpp-en 1 + lpp-en 2"), label("Qwen/Qwen2.5-0.5B")
    ('Smollm2135m', 'LppEn1LppEn2', 'QwenQwen2505B')
    """
    words = re.findall(r"[A-Za-z0-9]+", text)
    return "".join(word[0].upper() + word[1:] for word in words) or "X"


def bids_name(suffix: str, extension: str, **entities: str) -> str:
    """A file name with its entities in the order of the specification; empty ones are left out.

    Examples
    --------
    >>> bids_name("statmap", ".func.gii", stat="z", desc="MinilmL6Atoms", space="fsaverage5", hemi="L", task="simulated")
    'task-simulated_hemi-L_space-fsaverage5_desc-MinilmL6Atoms_stat-z_statmap.func.gii'
    """
    parts = [f"{name}-{entities[name]}" for name in _ORDER if entities.get(name)]
    return "_".join([*parts, suffix]) + extension


def task_of(run: Run) -> str:
    """The story of a run as a BIDS task."""
    config: RunConfig = run.config  # type: ignore[assignment]
    title = label(config.recording.title)
    return title[0].lower() + title[1:]


def model_of(run: Run) -> str:
    """The model of a run, and whether its weights are random, as part of a BIDS ``desc``."""
    extract = run.config.extract  # type: ignore[attr-defined]
    return label(extract.model) + ("" if extract.weights == "trained" else f"Random{extract.seed}")


def space_of(surface: str) -> dict[str, str]:
    """The ``space`` (and ``den``) of a surface.

    Examples
    --------
    >>> space_of("fsaverage5"), space_of("fsLR 32k")
    ({'space': 'fsaverage5'}, {'space': 'fsLR', 'den': '32k'})
    """
    name, _, density = surface.partition(" ")
    return {"space": name} | ({"den": density} if density else {})


def side_car(run: Run, **fields: Any) -> bytes:
    """What a map is made of: JSON for the file of the same name.

    Parameters
    ----------
    run : Run
    **fields
        What is known of this map alone, such as ``Units`` and ``Null``.
    """
    config: RunConfig = run.config  # type: ignore[assignment]
    body = {
        "RunID": run.id,
        "Model": config.extract.model,
        "Weights": config.extract.weights,
        "Recording": run.recording.title,
        "NumberOfListeners": run.recording.n_subjects,
        "RepetitionTime": run.recording.tr,
        "GeneratedBy": [{"Name": "Brainlike", "Version": __version__}],
    }
    return json.dumps(fields | body, indent=2, ensure_ascii=False).encode()


def dataset_description(run: Run) -> bytes:
    """``dataset_description.json`` of a folder of derivatives."""
    body = {
        "Name": f"Brainlike maps: {run.config.label}",  # type: ignore[attr-defined]
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Brainlike", "Version": __version__}],
    }
    return json.dumps(body, indent=2, ensure_ascii=False).encode()
