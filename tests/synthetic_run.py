"""A small made-up run with known content, whole enough for every page and chart.

Hundred parcels of fsaverage5 stand for the brain. What is where is written
down below, so that a test can say what a chart must show.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from brainlike_core import archive, inventory
from brainlike_core.config import (
    DictionaryConfig,
    EncodingConfig,
    ExtractConfig,
    RecordingConfig,
    RunConfig,
)
from brainlike_core.store import Question
from brainlike_core.values import (
    Correspondence,
    Dictionary,
    EncodingResult,
    EqualSize,
    NeuronResponses,
    Organization,
    PlantedTruth,
    Recording,
    Recovery,
    Run,
    RunRecord,
    Story,
)

N_TRS, N_ATOMS, N_LAYERS, N_UNITS, N_SUBJECTS, N_PARCELS, TR = 60, 12, 4, 10, 4, 100, 1.5
FIRST_TR, RECORDED_TRS = 6, 72  # the story's rows lie inside the recording
LANGUAGE, AUDITORY, DEFAULT = 6, 11, 0
# (sign, atom, network) -> Dice. Only the first passes both nulls.
ACCEPTED = (0, 3, LANGUAGE)
SPIN_ONLY = ((1, 5, DEFAULT), (0, 3, AUDITORY), (1, 3, LANGUAGE))
METRICS = {
    "diversity": (0.92, 0.90, 0.94),
    "consistency": (0.12, 0.05, 0.2),
    "consistency_spatial": (0.3, 0.2, 0.4),
    "effective_rank": (9.1, 8.0, 9.9),
    "compactness": (0.98, 0.96, 0.99),
    "n_links": (4.0, 2.0, 7.0),
    "involvement_entropy": (0.4, 0.3, 0.6),
    "specialisation": (0.1, 0.05, 0.15),
    "balance": (0.21, 0.1, 0.3),
    "layer_divergence": (0.05, 0.03, 0.08),
}


def config(model: str = "minilm-l6", weights: str = "trained", recording: str = "simulated") -> RunConfig:
    """The settings of a made-up run."""
    return RunConfig(
        recording=RecordingConfig(recording),
        extract=ExtractConfig(model=model, weights=weights),
        dictionary=DictionaryConfig(n_atoms=N_ATOMS),
    )


def short_folds(model: str = "minilm-l6") -> RunConfig:
    """The same with folds that sixty TRs can carry."""
    encoding = EncodingConfig(n_folds=2, n_inner_folds=2, gap_trs=2, delays=(0,))
    return dataclasses.replace(config(model), encoding=encoding)


def make_run(settings: RunConfig | None = None, seed: int = 0) -> Run:
    """A run in memory; two calls with the same arguments are equal."""
    settings = settings or config()
    rng = np.random.default_rng(seed)
    atlas = inventory.atlas("eg17")
    return Run(
        id=settings.id,
        config=settings,
        story=_story(),
        recording=_recording(settings.recording.name, rng),
        atlas=atlas,
        dictionary=_dictionary(rng),
        encoding=_encoding(rng, 0.12 if settings.extract.weights == "trained" else 0.02),
        correspondence=_correspondence(atlas.networks),
        organization=_organization(atlas.networks),
        equal_size=_equal_size(0.1 if settings.extract.weights == "trained" else 0.0),
        recovery=_recovery() if settings.recording.name == "simulated" else None,
        seconds={"recording": 1.0, "dictionary": 2.0, "encoding": 3.0},
    )


def write(run: Run, folder: str | Path) -> str:
    """Put a run into a cache folder, as a finished walk would."""
    workspace = archive.open_store(folder)
    values = {
        "recording": (run.recording, run.story, _truth()),
        "atlas": run.atlas,
        "extract": _word_responses(),
        "responses": _responses(),
        "dictionary": run.dictionary,
        "encoding": run.encoding,
        "match": run.correspondence,
        "organization": run.organization,
        "equal_size": run.equal_size,
    }
    if run.recovery is not None:
        values["recovery"] = run.recovery
    entries = {}
    for step, value in values.items():
        question = Question(step, 1, {"made up for": run.id, "tr": TR})
        workspace.results.put(question, value)
        entries[step] = question.key
    fields = json.loads(json.dumps(dataclasses.asdict(run.config)))
    record = RunRecord(run.id, run.config.label, fields, entries, run.seconds, "2030-01-01T00:00:00+00:00")
    workspace.runs.put(Question("run", 1, {"id": run.id}), record)
    return run.id


def _responses() -> NeuronResponses:
    """Neurons that are sums of three of the atoms, and noise."""
    rng = np.random.default_rng(7)
    atoms, loadings = rng.normal(size=(N_TRS, N_ATOMS)), np.zeros((N_ATOMS, N_LAYERS * N_UNITS))
    for n in range(N_LAYERS * N_UNITS):
        loadings[rng.choice(N_ATOMS, 3, replace=False), n] = rng.normal(size=3)
    values = atoms @ loadings + rng.normal(size=(N_TRS, N_LAYERS * N_UNITS))
    values = ((values - values.mean(0)) / values.std(0)).astype(np.float32)
    return NeuronResponses("made up", "tr", values, tuple(range(N_LAYERS)), N_UNITS)


def _word_responses() -> NeuronResponses:
    """Every neuron answers each word by chance, but for neuron 3: the n-th word by n."""
    values = np.random.default_rng(8).normal(size=(_story().n_words, N_LAYERS * N_UNITS)).astype(np.float32)
    values[:, 3] = np.arange(len(values))
    return NeuronResponses("made up", "word", values, tuple(range(N_LAYERS)), N_UNITS)


def _story() -> Story:
    words = tuple(("a <b>fox</b> ran & hid " * 9).split())
    text = " ".join(words)
    starts = np.cumsum([0, *(len(w) + 1 for w in words[:-1])])
    spans = np.stack([starts, starts + [len(w) for w in words]], axis=1)
    onsets = 10.0 + 1.2 * np.arange(len(words))
    return Story("made up", "Made up", text, words, spans, onsets, onsets + 0.5, np.ones(len(words), bool))


def _recording(name: str, rng: np.random.Generator) -> Recording:
    sphere = inventory.surface().sphere
    seeds = rng.normal(size=(N_PARCELS, 3))
    nearest = (sphere @ (seeds / np.linalg.norm(seeds, axis=1, keepdims=True)).T).argmax(1)  # (n_vertices,)
    return Recording(
        name=name,
        title="Made up",
        bold=rng.normal(size=(N_SUBJECTS, RECORDED_TRS, N_PARCELS)).astype(np.float32),
        tr=TR,
        subjects=tuple(f"s{i}" for i in range(N_SUBJECTS)),
        space="shen268",
        locations=tuple(f"parcel {i}" for i in range(N_PARCELS)),
        vertex_location=nearest.astype(np.int32),
        constant=np.zeros((N_SUBJECTS, N_PARCELS), bool),
    )


def _dictionary(rng: np.random.Generator) -> Dictionary:
    """Neuron n belongs to atom n % N_ATOMS, alone."""
    atoms = rng.normal(size=(N_TRS, N_ATOMS))
    neurons = np.arange(N_LAYERS * N_UNITS)
    shape = (len(neurons), N_ATOMS)
    loadings = sparse.csr_matrix((np.ones(len(neurons)), (neurons, neurons % N_ATOMS)), shape)
    return Dictionary(
        atoms=(atoms / np.linalg.norm(atoms, axis=0)).astype(np.float32),
        loading_values=loadings.data.astype(np.float32),
        loading_atoms=loadings.indices.astype(np.int32),
        loading_starts=loadings.indptr.astype(np.int64),
        r2=np.full(len(neurons), 0.5, np.float32),
        penalty=0.1,
        objective=0.3,
        n_iterations=7,
        layers=tuple(range(N_LAYERS)),
        n_units=N_UNITS,
        first_tr=FIRST_TR,
    )


def _encoding(rng: np.random.Generator, r: float) -> EncodingResult:
    """Atom 3 has z = 8 in parcel 42; everywhere else |z| < 4."""
    z_maps = np.clip(rng.normal(size=(N_ATOMS, N_PARCELS)), -3.9, 3.9)
    z_maps[3, 42] = 8.0
    flat = np.full(N_PARCELS, r, np.float32)
    atom_q = np.full(N_ATOMS, 0.5, np.float32)
    atom_q[3] = 0.01
    return EncodingResult(
        r_heldout=flat + np.linspace(0, 0.1, N_PARCELS, dtype=np.float32),
        p=np.full(N_PARCELS, 0.2, np.float32),
        q=np.where(np.arange(N_PARCELS) >= 90, 0.01, 0.4).astype(np.float32),
        delay=np.zeros(N_PARCELS, np.int16),
        noise_ceiling=np.full(N_PARCELS, 0.25, np.float32),
        r2_insample=np.full(N_PARCELS, 0.7, np.float32),
        r2_insample_null=np.full(N_PARCELS, 0.69, np.float32),
        r_mean=r,
        r_mean_p=0.005,
        null_means=np.linspace(-0.03, 0.03, 41).astype(np.float32),
        r_subjects=np.linspace(r / 2, r, N_SUBJECTS).astype(np.float32),
        lag_delays=np.arange(5, dtype=np.int16),
        lag_curve=np.array([0.02, 0.05, r, 0.06, 0.01], np.float32),
        map_delay=2,
        z_maps=z_maps.astype(np.float32),
        weights=np.zeros((N_SUBJECTS, N_ATOMS, N_PARCELS), np.float32),
        atom_r2=np.linspace(0.01, 0.1, N_ATOMS).astype(np.float32),
        atom_p=atom_q / 2,
        atom_q=atom_q,
        r2_heldout=flat**2,
        p_max=np.where(np.arange(N_PARCELS) >= 95, 0.01, 0.9).astype(np.float32),
        r2_nuisance=np.full(N_PARCELS, 0.02, np.float32),
        r2_unique=np.linspace(-0.01, 0.03, N_PARCELS, dtype=np.float32),
        atom_unique=np.full((N_ATOMS, N_PARCELS), 0.001, np.float32),
        z_flip=3.5,
        half_r=np.linspace(0, 0.2, N_ATOMS, dtype=np.float32),
        half_r_null=np.linspace(-0.03, 0.03, 41).astype(np.float32),
        half_r_p=0.02,
        subject_half_r=np.full(N_ATOMS, 0.4, np.float32),
        subject_half_r_null=np.linspace(0.35, 0.45, 41).astype(np.float32),
    )


def _correspondence(networks: tuple[str, ...]) -> Correspondence:
    shape = (2, N_ATOMS, len(networks))
    dice = np.full(shape, 0.02, np.float32)
    p_spin, q_spin, q_phase = (np.full(shape, 0.6, np.float32) for _ in range(3))
    for place, overlap in zip((ACCEPTED, *SPIN_ONLY), (0.5, 0.3, 0.2, 0.1), strict=True):
        dice[place], p_spin[place], q_spin[place] = overlap, 0.01, 0.03
    q_phase[ACCEPTED] = 0.02
    atom_q = np.full(N_ATOMS, 0.5, np.float32)
    atom_q[3] = 0.01
    return Correspondence(
        atlas="eg17",
        networks=networks,
        dice=dice,
        p_spin=p_spin,
        q_spin=q_spin,
        p_phase=q_phase / 2,
        q_phase=q_phase,
        atom_q=atom_q,
        involvement_fake=np.full((2, len(networks)), 0.25, np.float32),
        n_links_fake=np.arange(5, 25, dtype=np.int32),
        n_links_fake_accepted=np.zeros(20, np.int32),
        level=0.05,
    )


def _organization(networks: tuple[str, ...]) -> Organization:
    nulls = {"consistency": (0.02, -0.05, 0.08), "consistency_spatial": (0.05, 0.0, 0.1)}
    none = (np.nan,) * 3
    rows = [(name, *values, *nulls.get(name, none)) for name, values in METRICS.items()]
    n = len(networks)
    table = pd.DataFrame(
        {
            "network": networks,
            "involvement_pos": [1 if f in (LANGUAGE, AUDITORY) else 0 for f in range(n)],
            "involvement_neg": [1 if f in (DEFAULT, LANGUAGE) else 0 for f in range(n)],
            "involvement_fake": [0.5] * n,
        }
    )
    for name in ("consistency", "consistency_low", "consistency_high"):
        table[name] = np.nan
    for name in ("consistency_null", "consistency_null_low", "consistency_null_high"):
        table[name] = np.nan
    table["centre_of_mass"] = np.where(np.isin(np.arange(n), (LANGUAGE, AUDITORY, DEFAULT)), 0.5, np.nan)
    profiles = np.zeros((n, N_LAYERS), np.float32)
    profiles[[LANGUAGE, AUDITORY, DEFAULT]] = (0.1, 0.2, 0.3, 0.4)
    columns = ["metric", "value", "low", "high", "null", "null_low", "null_high"]
    return Organization(pd.DataFrame(rows, columns=columns), table, profiles)


def _equal_size(gain: float) -> EqualSize:
    """Thirty draws: consistency is higher by ``gain``, everything else is the same for every run."""
    rng = np.random.default_rng(7)
    noise = pd.DataFrame({name: 0.02 * rng.standard_normal(30) for name in METRICS})
    draws = noise + pd.Series({name: value for name, (value, _, _) in METRICS.items()})
    draws["consistency"] += gain + 0.01 * gain * rng.standard_normal(30)
    return EqualSize(30, draws.assign(r_heldout=0.05), draws)


def _truth() -> PlantedTruth:
    table = pd.DataFrame(
        [("word rate", "Auditory", "+", 1.0, "acoustic")],
        columns=["pattern", "network", "sign", "gain", "kind"],
    )
    pattern = np.random.default_rng(9).normal(size=(1, RECORDED_TRS)).astype(np.float32)
    return PlantedTruth(table, pattern, ("word rate",), "eg17")


def _recovery() -> Recovery:
    columns = [
        "pattern",
        "kind",
        "network",
        "sign",
        "atom",
        "atom_r",
        "atom_q",
        "dice",
        "n_subgroups",
        "recovered",
    ]
    rows = [
        ("word rate", "acoustic", "Auditory", "+", 3, 0.8, 0.001, 0.2, 1, True),
        ("narrative", "context", "Language", "+", 3, 0.7, 0.001, 0.5, 2, True),
        ("dialogue", "context", "Default", "+", 7, -0.3, 0.4, 0.0, 0, False),
    ]
    return Recovery(pd.DataFrame(rows, columns=columns), 2 / 3, 0.1, 0.02, 4, 3)
