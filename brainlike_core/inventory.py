"""What there is, and how it is had: recordings, stories, atlases, surfaces, models, texts.

Nothing here computes or remembers; heavy libraries are not loaded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .config import RecordingConfig
from .errors import BrainlikeError, RecordingError
from .sources import atlases, drawing_meshes, model_cards, model_catalogue, recordings, surfaces
from .sources import catalogue as everything
from .values import NetworkAtlas, ParcelVolume, PowerTable, Surface


def catalogue(data: str | Path | None = None) -> dict[str, list[dict]]:
    """All there is, by kind: recordings, stories, atlases, surfaces, models, texts; plain dicts (see `catalogue.Entry`).

    Models also have the fields of `model_facts`.
    """
    found: dict[str, list[dict]] = {}
    for one in everything.entries(data=data):
        fields = {f.name: getattr(one, f.name) for f in dataclasses.fields(one) if f.name != "files"}
        found.setdefault(_PLURALS[one.kind], []).append(fields | _model_facts(one))
    return found


_PLURALS = {
    "recording": "recordings",
    "story": "stories",
    "atlas": "atlases",
    "surface": "surfaces",
    "model": "models",
    "texts": "texts",
}


def _model_facts(entry: everything.Entry) -> dict:
    if entry.kind != "model":
        return {}
    return model_facts(model_catalogue.model_card(entry.name))


_CARD_FIELDS = (
    "name", "title", "description", "licence", "citation", "here", "family", "group", "n_layers", "n_units",
    "n_neurons", "gated", "n_parameters", "size_bytes", "size_class", "note",
)  # fmt: skip


def model_facts(card: model_catalogue.ModelCard) -> dict:
    """A model's card as a plain dict, with the bytes it takes in float32 and bfloat16 (0 = not known)."""
    memory = {"memory_float32": card.memory_bytes(4), "memory_bfloat16": card.memory_bytes(2)}
    return {field: getattr(card, field) for field in _CARD_FIELDS} | memory


def model_citation(name: str) -> str:
    """What to cite for a model that has a name here; empty for any other."""
    try:
        return model_catalogue.model_card(name).citation
    except BrainlikeError:
        return ""


def find_model(name: str) -> dict | str:
    """The card of any model that a person names, or why there is none; asks the hub for at most some seconds."""
    card = model_cards.card_or_reason(name)
    return card if isinstance(card, str) else model_facts(card)


def fetch(
    name: str,
    folder: str | Path | None = None,
    *,
    mirror: str = "",
    subjects: tuple[int, ...] = (),
    progress: Callable[[int, int, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Bring an entry of the catalogue into the data folder (default ``data``): see `catalogue.fetch`."""
    return everything.fetch(
        name, folder or "data", mirror=mirror, subjects=subjects, progress=progress, cancelled=cancelled
    )


def data_folder(named: str | Path | None) -> str | None:
    """Where recordings lie: the folder that was named, else the first usual place that holds one."""
    if named:
        return str(named)
    for place in ("data", "../data", "../shared/data"):
        with contextlib.suppress(RecordingError):
            recordings.find_pieman(place)
            return str(Path(place).absolute())
    return None


def surface() -> Surface:
    """The fsaverage5 surface on which everything is drawn."""
    return surfaces.load_surface("fsaverage5")


def meshes(data: str | Path | None = None) -> dict[str, str]:
    """Meshes to draw on that are here, fsaverage5 first: name -> what it is called."""
    return {name: drawing_meshes.DRAWING_MESHES[name] for name in drawing_meshes.meshes_here(data)}


def mesh(name: str, data: str | Path | None = None) -> tuple[Surface, np.ndarray]:
    """A mesh to draw on, and the fsaverage5 vertex that each of its vertices shows; see `drawing_meshes`."""
    return drawing_meshes.drawing_mesh(name, data)


def regions() -> NetworkAtlas:
    """Named cortical regions for read-outs (Schaefer 400)."""
    return atlases.load_regions()


def atlas(
    name: str, data: str | Path | None = None, names: str = "", space: str = "fsaverage5"
) -> NetworkAtlas:
    """A network atlas by name, or from a file of your own.

    Parameters
    ----------
    name : str
        Of the catalogue; or a path, with a suffix or a slash in it.
    data : path, optional
        The data folder, for atlases that are downloaded.
    names : str
        A table with the names of the labels of your own atlas.
    space : str
        That of the recording: an atlas that exists in several is read in the nearest.
    """
    if "/" in name or Path(name).suffix:
        from .sources.own_atlases import read_atlas

        return read_atlas(name, names or None, data)
    return atlases.load_atlas(name, data, space)


def parcel_volume(config: RecordingConfig, data: str | Path | None = None) -> ParcelVolume | None:
    """Where the parcels of a recording lie in a volume; None for vertices, and where the label volume is not here."""
    from .sources.spaces import label_volume

    path: Path | None = Path(config.parcels) if config.parcels else None
    if config.name == "pieman":
        with contextlib.suppress(RecordingError):
            path = recordings.find_pieman(data) / recordings.LABEL_VOLUME
    if path is None or not path.is_file():
        return None
    image = label_volume(path)
    return ParcelVolume(np.asarray(image.dataobj, np.int32), image.affine, "MNI")


@functools.cache
def power_table() -> PowerTable:
    """How much data a claim needs: simulated once, part of the product."""
    from .sources.power_table import read_power_table

    return read_power_table()
