"""An atlas of weights through the whole walk and the command line: matched by spatial r, and said so."""

import json

import nibabel
import numpy as np
import pytest
from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiMetaData

from brainlike_core import __main__, archive, atlas_nulls, inventory, pipeline, report
from brainlike_core.config import ExtractConfig, MatchConfig
from brainlike_core.errors import AtlasError
from brainlike_core.figures import captions, charts
from brainlike_core.sources.surfaces import load_surface
from tests.small_world import small_config, watch_computing, write_pieman

NAMES = ("Temporal", "Posterior")


def write_maps(folder, width=40.0):
    """Two maps that overlap, as .func.gii of fsaverage5."""
    sphere, n = load_surface().sphere, load_surface().n_left
    for side, shift in (("L", 0), ("R", n)):
        half = sphere[shift : shift + n]
        maps = [np.exp(-((half - half[v]) ** 2).sum(1) / (2 * width**2)) for v in (100, 900)]
        arrays = [
            GiftiDataArray(one.astype(np.float32), meta=GiftiMetaData({"Name": name}))
            for one, name in zip(maps, NAMES, strict=True)
        ]
        nibabel.save(GiftiImage(darrays=arrays), folder / f"two_hemi-{side}.func.gii")
    return str(folder / "two_hemi-L.func.gii")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The data folder, the atlas's path, and the low-level walk with it."""
    folder = tmp_path_factory.mktemp("weights")
    data, path = write_pieman(folder), write_maps(folder)
    config = small_config(
        extract=ExtractConfig("low-level"), match=MatchConfig(atlas=path, n_spins=99, n_fakes=5)
    )
    workspace = archive.open_store(folder / "cache")
    return data, config, pipeline.walk(config, workspace, data=data), workspace


def test_a_run_says_what_measured_it(world):
    """Each score is np.corrcoef of group map and mean weights by parcel, counted by vertices of cortex."""
    _, _, run, _ = world
    found = report.summary(run)["correspondence"]
    assert found["measure"] == "spatial r" and run.correspondence.networks == NAMES
    assert all(set(link) >= {"r", "p", "q"} and "dice" not in link for link in found["links"])
    where, weights = run.recording.vertex_location, run.atlas.weights
    keep = np.flatnonzero((where >= 0) & np.isfinite(weights).all(0))
    at = where[keep]
    size = np.maximum(np.bincount(at, minlength=run.recording.n_locations), 1)
    means = [np.bincount(at, weights=w[keep], minlength=len(size)) / size for w in weights]
    wanted = np.corrcoef(run.encoding.z_maps[:, at], np.stack(means)[:, at])
    n = run.dictionary.n_atoms
    np.testing.assert_allclose(run.correspondence.dice[0], wanted[:n, n:], atol=1e-4)
    np.testing.assert_array_equal(run.correspondence.dice[1], -run.correspondence.dice[0])


def test_a_finished_run_is_read_not_computed(world, monkeypatch):
    """The weights are kept with the run, and their digest is part of the question."""
    data, config, run, workspace = world
    computed = watch_computing(monkeypatch)
    again = pipeline.walk(config, workspace, data=data)
    assert computed == [] and again.atlas.has_weights
    np.testing.assert_array_equal(again.atlas.weights, run.atlas.weights)


def test_charts_name_the_measure(world):
    """No chart or caption of such a run speaks of Dice."""
    _, _, run, _ = world
    said = captions.matrix(run) + charts.network_ranking(run.correspondence, 0).to_json()
    assert "Dice" not in said and "spatial r" in said


def test_the_command_line_takes_the_file(world, tmp_path, capsys):
    """`run --atlas FILE` and `show --json` end to end."""
    data, config, _, _ = world
    cache = ["--data", str(data), "--cache", str(tmp_path / "cache"), "--json"]
    given = ["run", "--recording", "pieman", "--model", "low-level", "--atlas", config.match.atlas]
    few = ["--spins", "40", "--match", "n_fakes=5", "--encoding", "n_surrogates=19"]
    assert __main__.main([*given, *few, *cache]) == 0
    (numbers,) = json.loads(capsys.readouterr().out)["runs"]
    assert __main__.main(["show", numbers["id"], *cache[2:]]) == 0
    assert json.loads(capsys.readouterr().out)["correspondence"]["measure"] == "spatial r"


@pytest.mark.parametrize("null", ["spin", "centroid"])
def test_other_nulls_of_weights(world, null):
    """Turned vertices and turned centres of parcels both move the weights as often as asked."""
    _, config, run, _ = world
    wanted = MatchConfig(atlas=config.match.atlas, null=null, n_spins=19)
    moves = atlas_nulls.moved(run.atlas, run.recording, wanted)
    found = atlas_nulls.network_null(run.atlas, moves, run.recording, wanted)
    p = found.scores_p(run.encoding.z_maps, 2.3)
    assert len(moves) == 19 and p.min() >= 1 / 20 and p.max() <= 1


def test_variogram_surrogates_are_refused(world):
    """They let too many maps through: refused before anything is read but the atlas."""
    _, config, _, _ = world
    wanted = small_config(match=MatchConfig(atlas=config.match.atlas, null="variogram"))
    with pytest.raises(AtlasError, match="too generous for the weights"):
        pipeline.check_names(wanted)


def test_overlap_counts_weights(world):
    """Of weights the share of a location is its sum of weights; of labels its vertices."""
    _, _, run, _ = world
    table = atlas_nulls.network_overlap(run.atlas, run.recording)
    inside = run.recording.vertex_location >= 0
    np.testing.assert_allclose(table.sum(0), np.nansum(run.atlas.weights[:, inside], axis=1), rtol=1e-4)
    labels = inventory.atlas("yeo7")
    counted = atlas_nulls.network_overlap(labels, run.recording)
    assert counted.sum() == (labels.labels[inside] > 0).sum()
