"""The Python half of the brain viewer: what is packed, looked up and refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from plotly.colors import diverging, hex_to_rgb, sequential, unlabel_rgb

pytest.importorskip("streamlit", reason="streamlit is not installed")

from brainlike_core.errors import AtlasError, BrainlikeError, ConfigError
from brainlike_core.figures import brain_viewer as viewer
from brainlike_core.figures.brain_viewer import component, geometry
from brainlike_core.values import NetworkAtlas, Surface

# Two tetrahedra, left then right; the last corner of each was not flattened.
CORNERS = np.array([[0, 0, 0], [0, 10, 0], [0, 0, 10], [5, 3, 3]], float)
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def make_surface() -> Surface:
    """Eight vertices, eight triangles."""
    points = np.concatenate([CORNERS, CORNERS + [20, 0, 0]]).astype(np.float32)
    flat = points[:, [1, 2, 0]] * [1, 1, 0]
    flat[[3, 7], 2] = 4.0
    faces = np.concatenate([FACES, FACES + 4]).astype(np.int32)
    sulc = np.linspace(-1, 1, 8).astype(np.float32)
    return Surface("toy", 4, faces, points, points, flat.astype(np.float32), points, sulc)


def make_atlas(labels, names) -> NetworkAtlas:
    return NetworkAtlas("toy", "Toy", np.array(labels, np.int16), names, "", "")


def make_view(**changes) -> viewer.BrainView:
    """Three parcels on eight vertices; vertices 3 and 7 are medial wall."""
    fields = {
        "surface": make_surface(),
        "networks": make_atlas([1, 1, 2, 0, 2, 2, 0, 0], ("Language", "Visual")),
        "regions": make_atlas([1, 1, 2, 0, 3, 3, 3, 0], ("A", "B", "C")),
        "location_names": ("Parcel A", "Parcel B", "Parcel C"),
        "vertex_location": np.array([0, 0, 1, -1, 2, 2, 2, -1], np.int32),
        "maps": np.array([[1.5, -3.25, np.nan], [0.1, 0.2, 0.3]], np.float32),
        "map_names": ("Atom 1", "Atom 2"),
        "unit": "z",
        "significant": np.array([[False, True, False], [True, False, True]]),
    }
    return viewer.BrainView(**(fields | changes))


def unpack(payload: bytes) -> tuple[dict, dict]:
    """Read a block by the written rule, independently of the browser's code."""
    length = int.from_bytes(payload[:4], "little")
    header, body = json.loads(payload[4 : 4 + length]), payload[4 + length :]
    arrays = {
        e["name"]: np.frombuffer(body, "<" + e["type"], count=e["size"], offset=e["at"])
        for e in header["arrays"]
    }
    return header, arrays


def test_describe_looks_up_the_original_value():
    """A vertex of parcel B: left, Visual, and the value of the array itself."""
    assert make_view().describe(0, 2) == {
        "vertex": 2,
        "hemisphere": "left",
        "location": 1,
        "region": "Parcel B",
        "network": "Visual",
        "value": -3.25,
    }


def test_describe_says_none_where_nothing_is():
    """The wall has no location, region, network or value; a NaN is no value either."""
    wall = make_view().describe(0, 7)
    assert [wall[k] for k in ("hemisphere", "location", "region", "network", "value")] == [
        "right", None, None, None, None,
    ]  # fmt: skip
    assert make_view().describe(0, 4)["value"] is None


def test_describe_names_atlas_regions_for_vertices():
    """Without parcel names the region comes from the atlas of regions."""
    maps = np.arange(8, dtype=np.float32)[None]
    view = make_view(
        location_names=(), vertex_location=np.arange(8, dtype=np.int32), maps=maps, map_names=("m",),
        significant=None,
    )  # fmt: skip
    assert (view.describe(0, 6)["region"], view.describe(0, 6)["value"]) == ("C", 6.0)


def test_wall_is_where_networks_and_regions_are_both_missing():
    """Vertex 6 has a region but no network: cortex. Vertices 3 and 7 have neither: wall."""
    assert np.flatnonzero(make_view().wall).tolist() == [3, 7]


def test_wall_never_hides_data_when_there_are_no_regions():
    """An atlas that labels little of the cortex does not blank out measured vertices."""
    view = make_view(regions=None, maps=np.ones((2, 3), np.float32))
    assert np.flatnonzero(view.wall).tolist() == [3, 7]


def test_quantised_maps_come_back():
    """Values return within half a step of the map's own scale, and NaN stays apart."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(5, 300)) * np.array([[1e-3], [0.3], [4], [12], [0]])
    maps[2, 7] = np.nan
    values, scales = viewer.quantise(maps)
    back = np.where(values == viewer.NO_DATA, np.nan, values * scales[:, None].astype(float))
    top = np.nanmax(np.abs(maps), axis=1, keepdims=True)
    assert (np.abs(np.nan_to_num(back - maps)) <= top / 32767 * 0.51).all()
    assert np.isnan(back[2, 7]) and np.isnan(back).sum() == 1


def test_maps_payload_holds_what_the_view_holds():
    """Names, unit and marks of significance survive packing."""
    view = make_view()
    header, arrays = unpack(view.maps_payload)
    assert (header["names"], header["unit"], header["signed"]) == (["Atom 1", "Atom 2"], "z", True)
    back = arrays["maps"].reshape(2, 3) * arrays["scales"][:, None]
    np.testing.assert_allclose(back[0, :2], [1.5, -3.25], atol=1e-4)
    marks = np.unpackbits(arrays["significant"].reshape(2, -1), axis=1, count=3, bitorder="little")
    assert (marks == view.significant).all()


def test_geometry_payload_keeps_shape_and_labels():
    """Edges of the inflated surface keep their length; faces and labels come through."""
    view = make_view()
    header, arrays = unpack(view.geometry_payload)
    points = arrays["inflated"].reshape(8, 3) / 32767 * header["millimetres"]
    edge = np.linalg.norm(points[1] - points[0]), np.linalg.norm(points[7] - points[4])
    np.testing.assert_allclose(edge, [10, np.sqrt(43)], atol=1e-3)
    assert (arrays["faces"].reshape(-1, 3) == view.surface.faces).all()
    assert arrays["networks"].tolist() == view.networks.labels.tolist()
    assert arrays["location"].tolist() == view.vertex_location.tolist()
    assert header["location_names"] == ["Parcel A", "Parcel B", "Parcel C"]


def test_flat_triangles_off_the_patch_are_dropped():
    """Only the triangle of each hemisphere whose three corners were flattened is drawn flat."""
    _, arrays = unpack(make_view().geometry_payload)
    assert np.flatnonzero(arrays["flat_faces"]).tolist() == [0, 4]


def test_flat_triangles_across_a_cut_are_dropped():
    """A triangle stretched over a cut (30 mm) is dropped though its corners are on the patch."""
    surface = make_surface()
    flat = surface.flat.copy()
    flat[1, 0] += 30
    _, arrays = unpack(make_view(surface=dataclasses.replace(surface, flat=flat)).geometry_payload)
    assert np.flatnonzero(arrays["flat_faces"]).tolist() == [4]


def test_flat_is_turned_upright_without_stretching():
    """However the flat patch lies, it comes out turned as the inflated surface, same size, not mirrored."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 3)) * [1, 30, 20]
    surface = make_surface()
    turn = np.array([[0, -1], [1, 0]])
    both = np.concatenate([points, points]).astype(np.float32)
    flat = np.zeros((120, 3))
    flat[:60, :2] = (points[:, 1:] * [-1, 1]) @ turn.T
    flat[60:, :2] = points[:, 1:] @ turn
    faces = np.array([[0, 1, 2], [60, 61, 62]], np.int32)
    zeros = np.zeros(120, np.float32)
    surface = Surface("cloud", 60, faces, both, both, flat.astype(np.float32), both, zeros)
    upright = geometry.upright_flat(surface, both.astype(float))
    for part in (slice(0, 60), slice(60, 120)):
        got, want = upright[part, 1:], both[part, 1:]
        shift = got.mean(axis=0) - want.mean(axis=0)
        np.testing.assert_allclose(got - shift, want, atol=1.0)


def test_arrays_start_at_multiples_of_four():
    """Any mixture of odd lengths is packed so that the browser can view it in place."""
    arrays = {"a": np.arange(3, dtype="u1"), "b": np.arange(5, dtype="<i2"), "c": np.array([1.5], "<f4")}
    header, back = unpack(viewer.pack({"x": 1}, arrays))
    assert all(entry["at"] % 4 == 0 for entry in header["arrays"]) and header["x"] == 1
    for name, array in arrays.items():
        assert (back[name] == array).all()


def test_digest_changes_with_content_only():
    """Equal content has one digest; one changed value, or one changed name, another."""
    view = make_view()
    maps = view.maps.copy()
    maps[1, 1] += 0.05
    digests = [
        viewer.digest(v.maps_payload)
        for v in (view, make_view(), make_view(maps=maps), make_view(map_names=("Atom 1", "Atom 3")))
    ]
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_default_limit_is_a_round_number_above_most_values():
    """The 99.5th percentile of 0..10 is 9.95, rounded up to two digits: 10."""
    maps = np.linspace(-10, 10, 2001, dtype=np.float32)[None]
    view = make_view(
        location_names=(), maps=maps, map_names=("m",), significant=None,
        vertex_location=np.arange(8, dtype=np.int32),
    )  # fmt: skip
    assert view.default_limit == pytest.approx(10.0)
    flat = make_view(maps=np.zeros((2, 3), np.float32))
    assert flat.default_limit == 1.0


@pytest.mark.parametrize(
    ("name", "reference", "tolerance"),
    [("RdBu_r", diverging.RdBu[::-1], 1), ("cividis", sequential.Cividis, 2)],
)
def test_colours_match_plotly(name, reference, tolerance):
    """The tables pass through plotly's anchors, which come from the same sources."""
    anchors = [unlabel_rgb(c) if c.startswith("rgb") else hex_to_rgb(c) for c in reference]
    table, x = viewer.colour_table(name), np.linspace(0, 255, len(anchors))
    found = np.stack([np.interp(x, np.arange(256), c) for c in table.T], axis=1)
    assert np.abs(found - np.array(anchors, float)).max() <= tolerance


@pytest.mark.parametrize("name", viewer.COLOUR_MAPS)
def test_colours_can_be_told_apart_without_hue(name):
    """Diverging maps are lightest in the middle and fall to both ends; cividis only rises."""
    light = viewer.colour_table(name) @ np.array([0.2126, 0.7152, 0.0722])
    middle = 255 if name == "cividis" else int(light.argmax())
    assert name == "cividis" or abs(middle - 127.5) < 4
    assert (np.diff(light[: middle + 1]) >= -0.6).all() and (np.diff(light[middle:]) <= 0.6).all()


@pytest.mark.parametrize(
    ("changes", "kind", "found"),
    [
        ({"vertex_location": np.zeros(7, np.int32)}, AtlasError, "8"),
        ({"vertex_location": np.full(8, 3, np.int32)}, AtlasError, "-1 to 2"),
        ({"maps": np.zeros(3)}, BrainlikeError, "(3,)"),
        ({"maps": np.full((2, 3), np.inf)}, BrainlikeError, "inf"),
        ({"map_names": ("one",)}, BrainlikeError, "2 names"),
        ({"location_names": ("one",)}, BrainlikeError, "3 names"),
        ({"significant": np.zeros((3, 2), bool)}, BrainlikeError, "(3, 2)"),
    ],
)
def test_views_that_do_not_fit_are_refused(changes, kind, found):
    """Each misfit is named with what was found and needed."""
    with pytest.raises(kind) as caught:
        make_view(**changes)
    assert found in str(caught.value) and "needed" in str(caught.value)


@pytest.mark.parametrize(
    "setting",
    [
        {"selected_map": 2}, {"selected_map": -1}, {"threshold": -0.1}, {"threshold": float("nan")},
        {"limit": 0.0}, {"network": "Jet lag"}, {"colour_map": "jet"}, {"height": 20},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(setting):
    """Each setting is checked before anything is shown, and named in the sentence."""
    with pytest.raises(ConfigError, match=next(iter(setting))):
        component.brain_viewer(make_view(), key="k", **setting)


@pytest.mark.parametrize(
    ("told", "pick"),
    [
        ({"pick": {"vertex": 2, "map": 0}}, 2),
        ({"pick": {"vertex": 99, "map": 0}}, None),
        ({"pick": {"vertex": 2, "map": 5}}, None),
        ({"pick": {"vertex": "2", "map": 0}}, None),
        ({"pick": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_browser_is_not_trusted(told, pick):
    """Anything but two whole numbers in range is no pick; values never come from the browser."""
    result = component._result(make_view(), told | {"map": 7, "webgl": None})
    assert (result.pick and result.pick["vertex"]) == pick
    assert result.map == (result.pick and result.pick["map"]) and result.webgl is True


def test_webgl_flag_is_passed_on():
    """Only an explicit False means that the browser cannot draw."""
    assert component._result(make_view(), {"webgl": False}).webgl is False


def test_fallback_figure_shows_the_map():
    """The plotly figure has every vertex and triangle, values by parcel, and 0 below the threshold."""
    figure = viewer.plotly_fallback(make_view(), 0, threshold=2.0)
    mesh = figure.data[0]
    assert list(mesh.intensity) == [0, 0, -3.25, 0, 0, 0, 0, 0]
    assert len(mesh.i) == 8 and figure.layout.title.text == "Atom 1"
    assert max(mesh.x[:4]) < min(mesh.x[4:])


def test_the_viewer_runs_inside_a_page():
    """A page that mounts the viewer runs without an exception and hears of nothing yet."""
    from streamlit.testing.v1 import AppTest

    def page(view):
        import streamlit as st

        from brainlike_core.figures.brain_viewer.component import brain_viewer

        told = brain_viewer(view, network="Language", key="viewer")
        st.text(f"{told.pick} {told.map} {told.webgl}")

    app = AppTest.from_function(page, args=(make_view(),)).run(timeout=30)
    assert not app.exception
    assert app.text[0].value == "None None True"
