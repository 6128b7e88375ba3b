"""fMRI of one's own: a folder of fMRIPrep derivatives, or one table of parcels per subject.

Names follow BIDS Derivatives (bids-specification.readthedocs.io; Gorgolewski et
al. 2016, doi:10.1038/sdata.2016.44) as fMRIPrep writes them (Esteban et al. 2019,
doi:10.1038/s41592-018-0235-4).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from ..config import CONFOUNDS
from ..errors import RecordingError, UnknownNameError
from ..values import Recording
from .bids_layout import BidsRun, choose, find_bids_runs, one_per_subject, sidecar_tr, wrong_bids_run
from .fmri_files import MESH_NAMES, Series, Volumes, read_cifti, read_gifti, read_nifti, read_table
from .gathering import Progress, Run, check_alike, gather, silent
from .spaces import (
    N_VERTICES,
    average,
    cortex_vertices,
    fslr_weights,
    mesh_weights,
    parcel_weights,
    project_labels,
    volume_weights,
)
from .surfaces import surface_is_here

__all__ = ["BidsRun", "WayToCortex", "find_bids_runs", "load_bids", "load_table_folder"]

MAX_CONFOUNDS_BYTES = 64 * 1024**2


def load_bids(
    folder: str | Path,
    *,
    task: str = "",
    space: str = "",
    subjects: Sequence[int | str] = (),
    confounds: str = "simple",
    detrend: bool = True,
    high_pass: float = 0.0,
    low_pass: float = 0.0,
    tr: float = 0.0,
    parcels: str | Path | None = None,
    meshes: str | Path | None = None,
    progress: Progress = silent,
) -> Recording:
    """Load fMRIPrep derivatives: one run of each subject, cleaned, on fsaverage5 or as parcels.

    Parameters
    ----------
    folder, task, space : see `find_bids_runs`
        Empty task or space = the only one there is.
    subjects : sequence of str or int
        Names, or positions among the sorted subjects that have such a run; empty = all.
    confounds : {'none', 'simple', 'scrubbing', 'compcor'}
        Strategies of nilearn's ``load_confounds_strategy``, without fMRIPrep's
        cosines: ``high_pass`` is the one filter, so that regressors can have the
        same. No TR is dropped, or the story would shift: each volume that a
        strategy censors (motion outliers, non-steady-state volumes) gets a
        confound of its own, which leaves 0 there (Lemieux et al. 2007,
        doi:10.1016/j.mri.2007.02.009). With ``none`` every volume stays as it is.
    detrend, high_pass, low_pass : see `cleaning.clean`
    tr : seconds
        0 = as the sidecar or the header says.
    parcels : path, optional
        Label volume: volumes are averaged per label instead of projected.
    meshes : path, optional
        Folder with finer surfaces and the fsLR spheres: see `spaces`.
    progress : see `gather`

    Returns
    -------
    Recording
        bold float32 (n_subjects, n_trs, 20484 or n_labels); above 4 GiB mapped
        from an unnamed temporary file. ``pass_band`` is the filter.

    Raises
    ------
    RecordingError
        Several tasks, spaces or runs to choose from, a missing hemisphere, a
        subject of another TR or length (by name), missing confounds, a damaged file.
    """
    if confounds not in CONFOUNDS:
        raise UnknownNameError.nearest("confounds strategy", confounds, CONFOUNDS)
    found = find_bids_runs(folder, task=task, space=space)
    chosen = choose(sorted({run.subject for run in found}), subjects)
    runs = one_per_subject([run for run in found if run.subject in chosen], task, space)
    runs.sort(key=lambda run: chosen.index(run.subject))
    way = WayToCortex(parcels, meshes)
    _check_headers(runs)

    def read(i: int) -> Run:
        values, seconds = way.read(runs[i])
        return Run(
            values, sidecar_tr(runs[i].files[0]) or seconds, _confounds(runs[i], confounds, len(values))
        )

    return gather(
        Path(folder).resolve().name, [run.subject for run in runs], read,
        space="parcels" if parcels else "fsaverage5",
        vertex_location=project_labels(parcels) if parcels else cortex_vertices(),
        tr=tr, detrend=detrend, high_pass=high_pass, low_pass=low_pass, progress=progress,
    )  # fmt: skip


def load_table_folder(
    folder: str | Path,
    *,
    tr: float,
    labels: str | Path | None = None,
    subjects: Sequence[int | str] = (),
    detrend: bool = True,
    high_pass: float = 0.0,
    low_pass: float = 0.0,
    progress: Progress = silent,
) -> Recording:
    """Load a folder of tables, one ``.npy``, ``.csv`` or ``.tsv`` per subject: TRs x parcels.

    Parameters
    ----------
    folder : path
        A subject's name is the ``sub-...`` of its file, or the file's stem.
    tr : seconds
    labels : path, optional
        Label volume in MNI space: column k lies where label k + 1 is. Without it
        no parcel is drawn.
    subjects, detrend, high_pass, low_pass, progress : see `load_bids`

    Returns
    -------
    Recording
        bold float32 (n_subjects, n_trs, n_parcels), z-scored.

    Raises
    ------
    RecordingError
        No table, two of one subject, a damaged one, or one of another shape.
    """
    folder = Path(folder)
    files = [
        p
        for ending in ("npy", "csv", "tsv")
        for p in folder.glob(f"*.{ending}")
        if p.name != "participants.tsv"
    ]
    names = {path: _table_subject(path) for path in sorted(files)}
    if not names or len(set(names.values())) < len(names) or not tr > 0:
        twice = sorted({n for n in names.values() if list(names.values()).count(n) > 1})
        raise RecordingError(
            f"The folder {folder.name} does not hold one table per subject",
            found=f"TR {tr:g} s and {len(names)} tables" + (f", two of {', '.join(twice[:5])}" if twice else ""),
            needed="a TR, and one .npy, .csv or .tsv for each subject", do="set the TR, and keep one table of each",
        )  # fmt: skip
    path_of = {name: path for path, name in names.items()}
    chosen = choose(sorted(path_of), subjects)
    return gather(
        folder.resolve().name, chosen, lambda i: Run(read_table(path_of[chosen[i]]).values, 0.0),
        space="parcels",
        vertex_location=project_labels(labels) if labels else np.full(N_VERTICES, -1, np.int32),
        tr=tr, detrend=detrend, high_pass=high_pass, low_pass=low_pass, progress=progress,
    )  # fmt: skip


class WayToCortex:
    """Reads runs of any kind and brings them to fsaverage5 or to parcels; remembers the weights.

    Parameters
    ----------
    parcels : path, optional
        Label volume for volumes.
    meshes : path, optional
        Folder with finer surfaces and the fsLR spheres.
    """

    def __init__(self, parcels: str | Path | None = None, meshes: str | Path | None = None) -> None:
        self.parcels, self.meshes = parcels, meshes
        self._known: dict[bytes, sparse.csr_matrix] = {}

    def read(self, run: BidsRun) -> tuple[np.ndarray, float]:
        """Values float32 (n_trs, n_locations), NaN without data, and the TR in seconds, 0 if not said."""
        if self.parcels and run.kind != "nifti":
            raise wrong_bids_run(
                run, f"{run.kind} in {run.space}", "volumes, to be averaged per label", "leave parcels out"
            )
        if run.kind == "nifti":
            volumes = read_nifti(run.files[0])
            return average(self._of_volume(volumes), volumes, volumes.n_trs), volumes.tr
        series = read_cifti(run.files[0]) if run.kind == "cifti" else read_gifti(*run.files)
        return average(self._of_mesh(run, series), series.values, len(series.values)), series.tr

    def _of_mesh(self, run: BidsRun, series: Series) -> sparse.csr_matrix:
        n = series.values.shape[1] // 2
        named = "fsLR 32k" if run.space == "fsLR" else run.space
        if MESH_NAMES[n] != named:
            raise wrong_bids_run(
                run,
                f"{n} vertices ({MESH_NAMES[n]})",
                f"the mesh of its name, {run.space}",
                "rename or resample it",
            )
        key = str(n).encode()
        if key not in self._known:
            if run.space == "fsLR":
                self._known[key] = fslr_weights(self.meshes or ".")
            else:
                here = self.meshes is not None and surface_is_here(named, self.meshes)
                self._known[key] = mesh_weights(n, self.meshes if here else None)
        return self._known[key]

    def _of_volume(self, volumes: Volumes) -> sparse.csr_matrix:
        key = str(volumes.shape).encode() + volumes.affine.tobytes()
        if key not in self._known:
            shape, affine = volumes.shape, volumes.affine
            to_parcels = parcel_weights(self.parcels, shape, affine)[0] if self.parcels else None
            self._known = {key: volume_weights(shape, affine) if to_parcels is None else to_parcels}
        return self._known[key]


def _check_headers(runs: list[BidsRun]) -> None:
    """Volumes say their length and TR in the first bytes: refuse before the first is read."""
    facts = []
    for run in runs:
        if run.kind == "nifti":
            volumes = read_nifti(run.files[0])
            tr = sidecar_tr(run.files[0]) or volumes.tr
            facts.append((run.subject, volumes.n_trs, 0, tr))
            check_alike(facts[0], facts[-1] if tr and facts[0][3] else (*facts[-1][:3], facts[0][3]))


def _table_subject(path: Path) -> str:
    match = re.match(r"sub-[A-Za-z0-9]+", path.name)
    return match.group() if match else path.stem


# ---------------------------------------------------------------- confounds


def _confounds(run: BidsRun, strategy: str, n_trs: int) -> np.ndarray | None:
    """Confounds (n_trs, n_confounds) of a strategy, one column of its own for each censored volume."""
    if strategy == "none":
        return None
    from nilearn.interfaces.fmriprep import load_confounds_strategy  # imports slowly

    tables = list(run.files[0].parent.glob(f"{run.subject}_*desc-confounds_*.tsv"))
    if any(table.stat().st_size > MAX_CONFOUNDS_BYTES for table in tables):
        raise wrong_bids_run(
            run, "a confounds file above 64 MiB", "a table of confounds", "use confounds none"
        )
    files = [str(path) for path in run.files]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame, kept = load_confounds_strategy(
                files if len(files) > 1 else files[0], denoise_strategy=strategy
            )
    except Exception as error:  # nilearn, pandas and json each raise their own kinds
        found = " ".join(str(error).split())[:160] or type(error).__name__
        raise wrong_bids_run(
            run, found, f"fMRIPrep's confounds for '{strategy}'", "use confounds none, or copy them again"
        ) from error
    if isinstance(frame, list) or len(frame) != n_trs:
        raise wrong_bids_run(
            run, f"{len(frame)} rows of confounds", f"{n_trs} TRs", "copy the confounds again"
        )
    columns = frame[[name for name in frame.columns if not name.startswith("cosine")]].to_numpy(float)
    censored = np.setdiff1d(np.arange(n_trs), np.arange(n_trs) if kept is None else kept)
    return np.column_stack([columns, np.eye(n_trs)[:, censored]])
