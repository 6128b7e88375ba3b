"""Maps of a run as neuroimaging files: GIfTI and CIFTI on the surface, NIfTI where the recording is of parcels in a volume.

GIfTI: one file for each hemisphere, one data array for each map, NaN on the medial
wall. CIFTI: dense scalars without the medial wall, and parcellated scalars where the
recording is of parcels. Formats: nitrc.org/projects/gifti, nitrc.org/projects/cifti.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass

import nibabel
import numpy as np
from nibabel import cifti2, gifti

from ..errors import ConfigError
from ..values import ParcelVolume, Run, Surface
from .names import Files, bids_name, dataset_description, model_of, side_car, space_of, task_of

_SIDES = (
    ("L", "CortexLeft", "CIFTI_STRUCTURE_CORTEX_LEFT"),
    ("R", "CortexRight", "CIFTI_STRUCTURE_CORTEX_RIGHT"),
)
_GIFTI_INTENTS = {"z": "NIFTI_INTENT_ZSCORE", "r": "NIFTI_INTENT_CORREL", "q": "NIFTI_INTENT_PVAL"}


@dataclass(frozen=True, eq=False)
class MapSet:
    """Maps of one kind that go into one file.

    Attributes
    ----------
    values : float (n_maps, n_locations)
    names : tuple of str, n_maps
    stat : str
        ``z``, ``r`` or ``q``.
    desc : str
        Letters and digits, for the file name.
    facts : dict
        For the JSON beside it.
    """

    values: np.ndarray
    names: tuple[str, ...]
    stat: str
    desc: str
    facts: dict


def atom_maps(run: Run, atoms: Sequence[int] = ()) -> MapSet:
    """Group maps of sub-groups: all of them, or those named.

    Raises
    ------
    ConfigError
        An atom that the run does not have.
    """
    n_atoms, config, e = run.dictionary.n_atoms, run.config, run.encoding
    wrong = [k for k in atoms if not 0 <= k < n_atoms]
    if wrong:
        raise ConfigError(
            "Unknown atom", found=str(wrong[0]), needed=f"0 to {n_atoms - 1}", do="name one of this run's"
        )
    chosen = list(atoms) or list(range(n_atoms))
    which = f"Atom{chosen[0]}" if len(chosen) == 1 else "Atoms"
    facts = {
        "Description": "Group map of each sub-group: one-sample t of the encoding weights over listeners, as z",
        "Units": "z",
        "Threshold": config.match.z_threshold,  # type: ignore[attr-defined]
        "ThresholdNote": "|z| that counts as part of a map when it is matched; values in the file are not cut",
        "Correction": "none over locations",
        "FamilyWiseZ": float(e.z_flip),
        "Null": "sign flips of the listeners: the |z| that the largest of all maps passes in one of 20",
        "DelayTRs": int(e.map_delay),
        "AtomQ": {str(k): float(e.atom_q[k]) for k in chosen},
        "AtomNull": "sign-randomised copies of the atom",
        "Sources": ["atoms of the neurons' sparse dictionary", "encoding weights of each listener"],
    }
    names = tuple(f"Atom {k}" for k in chosen)
    return MapSet(e.z_maps[chosen], names, "z", model_of(run) + which, facts)


def score_maps(run: Run) -> list[MapSet]:
    """Held-out r with the noise ceiling of the group mean, and the false-discovery rate of the former."""
    e, config = run.encoding, run.config.encoding  # type: ignore[attr-defined]
    null = f"{config.n_surrogates} {config.null} surrogates of the recording, refitted through the same folds"
    scores = {
        "Description": "Held-out Pearson r of the group mean, and its noise ceiling",
        "Units": "r",
        "Threshold": None,
        "ThresholdNote": f"significant where stat-q is below {config.fdr:g}",
        "Null": null,
        "Folds": config.n_folds,
        "Sources": ["all atoms together", "mean recording over listeners"],
    }
    rates = {
        "Description": "False-discovery rate of the held-out r",
        "Units": "q",
        "Threshold": config.fdr,
        "Null": null,
        "Correction": "Benjamini-Hochberg over locations",
        "Sources": ["held-out r"],
    }
    values = np.stack([e.r_heldout, e.group_ceiling])
    return [
        MapSet(values, ("Held-out r", "Noise ceiling"), "r", f"{model_of(run)}Heldout", scores),
        MapSet(e.q[None], ("Held-out q",), "q", f"{model_of(run)}Heldout", rates),
    ]


def surface_files(run: Run, maps: MapSet, surface: Surface) -> Files:
    """GIfTI for both hemispheres and CIFTI, each with its JSON.

    Parameters
    ----------
    run : Run
    maps : MapSet
    surface : Surface
        The one that ``run.recording.vertex_location`` belongs to.
    """
    names = {"task": task_of(run), "desc": maps.desc, "stat": maps.stat} | space_of(surface.name)
    drawn = on_vertices(maps.values, run.recording.vertex_location)
    halves = (slice(0, surface.n_left), slice(surface.n_left, None))
    files = {
        bids_name("statmap", ".func.gii", hemi=hemi, **names): _gifti(drawn[:, half], maps, structure)
        for (hemi, structure, _), half in zip(_SIDES, halves, strict=True)
    }
    cortex = run.recording.vertex_location >= 0
    dense = cifti_dense(drawn[:, cortex], maps.names, cortex, surface.n_left)
    files[bids_name("statmap", ".dscalar.nii", **names)] = dense.to_bytes()
    if run.recording.locations:
        parcels = cifti_parcels(maps, run.recording.locations, run.recording.vertex_location, surface.n_left)
        files[bids_name("statmap", ".pscalar.nii", **names)] = parcels.to_bytes()
    return with_side_cars(run, files, maps, {"SpatialReference": surface.name})


def volume_files(run: Run, maps: MapSet, volume: ParcelVolume) -> Files:
    """NIfTI in the space of the parcels' label volume, one map after the other, with its JSON.

    Every voxel of a parcel has the parcel's value; voxels of no parcel have 0.
    """
    n_locations = maps.values.shape[1]
    table = np.concatenate([np.zeros((len(maps.values), 1)), np.nan_to_num(maps.values)], axis=1)
    voxels = np.where(volume.labels <= n_locations, volume.labels, 0)  # (n_x, n_y, n_z)
    image = nibabel.Nifti1Image(np.moveaxis(table.astype(np.float32)[:, voxels], 0, -1), volume.affine)
    image.header.set_xyzt_units("mm")
    names = {"task": task_of(run), "desc": maps.desc, "stat": maps.stat, "space": volume.space}
    name = bids_name("statmap", ".nii.gz", **names)
    files = {name: gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)}
    return with_side_cars(run, files, maps, {"SpatialReference": volume.space, "Volumes": list(maps.names)})


def geometry_files(surface: Surface) -> Files:
    """The surface itself, inflated and pial, so that the maps open without looking for one."""
    files = {}
    space = space_of(surface.name)
    template = "_".join(f"{'tpl' if key == 'space' else key}-{value}" for key, value in space.items())
    for shape in ("inflated", "pial"):
        points = getattr(surface, shape)
        for hemi, structure, _ in _SIDES:
            left = hemi == "L"
            part = slice(0, surface.n_left) if left else slice(surface.n_left, None)
            inside = (surface.faces < surface.n_left).all(1) == left
            faces = surface.faces[inside] - (0 if left else surface.n_left)
            head, _, tail = template.partition("_")
            name = "_".join(filter(None, [head, f"hemi-{hemi}", tail, shape])) + ".surf.gii"
            files[name] = _surface_gifti(points[part], faces, structure, shape)
    return files


def map_files(
    run: Run, surface: Surface, volume: ParcelVolume | None = None, atoms: Sequence[int] = ()
) -> Files:
    """Every map of a run in every format that fits its recording, with the surface and a description of the folder."""
    files: Files = {"dataset_description.json": dataset_description(run)} | geometry_files(surface)
    for maps in (atom_maps(run, atoms), *score_maps(run)):
        files |= surface_files(run, maps, surface)
        if volume is not None:
            files |= volume_files(run, maps, volume)
    return files


def with_side_cars(run: Run, files: Files, maps: MapSet, more: dict) -> Files:
    """The files with one JSON for each stem, which dense and parcellated scalars share."""
    body = side_car(run, **(maps.facts | more))
    return files | {name.split(".", 1)[0] + ".json": body for name in files}


def on_vertices(values: np.ndarray, vertex_location: np.ndarray) -> np.ndarray:
    """Values of locations on the vertices where they are drawn: float32 (n_maps, n_vertices), NaN where there are none."""
    padded = np.concatenate([values, np.full((len(values), 1), np.nan)], axis=1).astype(np.float32)
    return padded[:, vertex_location]  # -1 is the last column


def cifti_dense(
    values: np.ndarray, names: Sequence[str], kept: np.ndarray, n_left: int
) -> cifti2.Cifti2Image:
    """Dense scalars over the vertices that hold data, left then right.

    Parameters
    ----------
    values : float32 (n_maps, n_kept)
    names : sequence of str, n_maps
    kept : bool (n_vertices,)
        False on the medial wall.
    n_left : int
    """
    left, right = (
        cifti2.BrainModelAxis.from_mask(mask, structure)
        for (_, _, structure), mask in zip(_SIDES, (kept[:n_left], kept[n_left:]), strict=True)
    )
    return _cifti(values, names, left + right, "NIFTI_INTENT_CONNECTIVITY_DENSE_SCALARS")


def cifti_parcels(
    maps: MapSet, locations: Sequence[str], vertex_location: np.ndarray, n_left: int
) -> cifti2.Cifti2Image:
    """Parcellated scalars: one value for each parcel that has vertices; parcels below cortex are not part of it."""
    n_right = len(vertex_location) - n_left
    sizes = {_SIDES[0][2]: n_left, _SIDES[1][2]: n_right}
    shown = [k for k in range(len(locations)) if (vertex_location == k).any()]
    vertices = []
    for k in shown:
        inside = np.flatnonzero(vertex_location == k)
        halves = (inside[inside < n_left], inside[inside >= n_left] - n_left)
        vertices.append({name: part for name, part in zip(sizes, halves, strict=True) if len(part)})
    no_voxels = np.empty((len(shown), 0, 3), int)
    axis = cifti2.ParcelsAxis([locations[k] for k in shown], list(no_voxels), vertices, nvertices=sizes)
    return _cifti(maps.values[:, shown], maps.names, axis, "NIFTI_INTENT_CONNECTIVITY_PARCELLATED_SCALAR")


def _cifti(values: np.ndarray, names: Sequence[str], axis: object, intent: str) -> cifti2.Cifti2Image:
    image = cifti2.Cifti2Image(
        np.asarray(values, np.float32), header=(cifti2.ScalarAxis(list(names)), axis), dtype=np.float32
    )
    image.nifti_header.set_intent(intent)
    return image


def _gifti(values: np.ndarray, maps: MapSet, structure: str) -> bytes:
    arrays = [
        gifti.GiftiDataArray(
            row.astype(np.float32), intent=_GIFTI_INTENTS[maps.stat], datatype="NIFTI_TYPE_FLOAT32",
            meta=gifti.GiftiMetaData(Name=name),
        )
        for row, name in zip(values, maps.names, strict=True)
    ]  # fmt: skip
    meta = gifti.GiftiMetaData(AnatomicalStructurePrimary=structure)
    return gifti.GiftiImage(darrays=arrays, meta=meta).to_bytes()


def _surface_gifti(points: np.ndarray, faces: np.ndarray, structure: str, shape: str) -> bytes:
    kinds = {"inflated": "Inflated", "pial": "Anatomical"}
    meta = {"AnatomicalStructurePrimary": structure, "GeometricType": kinds[shape]}
    if shape == "pial":
        meta["AnatomicalStructureSecondary"] = "Pial"
    place = gifti.GiftiDataArray(
        points.astype(np.float32), intent="NIFTI_INTENT_POINTSET", datatype="NIFTI_TYPE_FLOAT32",
        meta=gifti.GiftiMetaData(meta), coordsys=gifti.GiftiCoordSystem("NIFTI_XFORM_TALAIRACH", "NIFTI_XFORM_TALAIRACH"),
    )  # fmt: skip
    corners = gifti.GiftiDataArray(
        faces.astype(np.int32), intent="NIFTI_INTENT_TRIANGLE", datatype="NIFTI_TYPE_INT32"
    )
    header = gifti.GiftiMetaData(AnatomicalStructurePrimary=structure)
    return gifti.GiftiImage(darrays=[place, corners], meta=header).to_bytes()
