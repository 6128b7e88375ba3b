"""The brain viewer in a real browser: what it draws, what it says, what it sends."""

from __future__ import annotations

import base64
import io
import json
import math
import statistics

import numpy as np
import pytest

from tests.made_views import make_view

pytestmark = pytest.mark.browser
PROBE = "window.__brainViewer"


@pytest.fixture(scope="module")
def made():
    """The views that the page shows, by kind."""
    return {kind: make_view(kind == "parcels") for kind in ("vertices", "parcels")}


@pytest.fixture
def visit(browser, viewer_app):
    """Return a function that opens the page and waits for the first picture; notes what went wrong."""
    contexts = []

    def go(kind: str = "vertices", width: int = 1400, script: str = "", wait: bool = True):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.problems, page.requests, page.sent = [], [], []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
        page.on("request", lambda request: page.requests.append(request.url))
        page.received = []
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: page.sent.append(frame)))
        page.on(
            "websocket", lambda socket: socket.on("framereceived", lambda f: page.received.append(len(f)))
        )
        if script:
            page.add_init_script(script)
        page.goto(f"{viewer_app}/?kind={kind}")
        if wait:
            page.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=60_000)
            settle(page)
        return page

    yield go
    for context in contexts:
        context.close()


def settle(page) -> None:
    """Wait until the picture at rest is drawn and the page has stopped running."""
    page.wait_for_timeout(500)
    page.wait_for_function(f"performance.now() - {PROBE}.drawnAt > 400", timeout=30_000)


def pixels(page) -> np.ndarray:
    """The canvas as uint8 (height, width, 4)."""
    data = page.evaluate(f"{PROBE}.viewer.canvas.toDataURL()")
    return decode(data.split(",")[1])


def decode(text: str) -> np.ndarray:
    """A base64 PNG as uint8 (height, width, 4)."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    return np.asarray(image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))


def told(page) -> dict:
    """What Python says it heard."""
    return json.loads(page.get_by_test_id("stText").inner_text())


def visible_vertex(page, vertices) -> tuple[int, dict]:
    """The first of some vertices that can be seen, and where on the page it is."""
    for vertex in vertices:
        place = page.evaluate(f"{PROBE}.viewer.locate({int(vertex)})")
        if place:
            return int(vertex), place
    raise AssertionError("none of the vertices can be seen")


def candidates(view, map_index: int = 2) -> np.ndarray:
    """Vertices with data, in scattered order."""
    order = np.random.default_rng(3).permutation(view.surface.n_vertices)
    return order[(view.vertex_location[order] >= 0) & ~view.wall[order]]


@pytest.mark.parametrize("kind", ["vertices", "parcels"])
def test_four_views_are_drawn(visit, kind):
    """Each quarter of the picture holds a brain: a good part is opaque and it is not of one colour."""
    picture = pixels(visit(kind))
    for quarter in np.array_split(picture, 4, axis=1):
        opaque = quarter[quarter[..., 3] > 250]
        assert 0.15 < len(opaque) / quarter[..., 0].size < 0.9
        assert len(np.unique(opaque[:, :3] // 16, axis=0)) > 20


def test_narrow_page_stacks_two_by_two(visit):
    """At 600 px the four brains stand in two rows, each in its quarter."""
    picture = pixels(visit(width=600))
    height, width = picture.shape[:2]
    for rows in (slice(0, height // 2), slice(height // 2, None)):
        for columns in (slice(0, width // 2), slice(width // 2, None)):
            assert (picture[rows, columns, 3] > 250).mean() > 0.2


def test_scrubbing_stays_in_the_browser(visit):
    """Dragging the scrubber changes the picture and the name, and sends nothing to the server."""
    page = visit()
    before, sent, uploads = pixels(page), len(page.sent), page.evaluate(f"{PROBE}.uploads")
    slider = page.get_by_role("slider", name="Map", exact=True)
    slider.evaluate("e => { e.value = 7; e.dispatchEvent(new Event('input', { bubbles: true })) }")
    settle(page)
    assert page.locator("output.name").inner_text() == "Atom 8"
    assert (pixels(page) != before).any(axis=-1).mean() > 0.05
    assert len(page.sent) == sent
    assert page.evaluate(f"{PROBE}.uploads") == uploads


def test_release_tells_python_the_map(visit):
    """Letting go of the scrubber sends the map's index, and the rerun leaves it on screen."""
    page = visit()
    slider = page.get_by_role("slider", name="Map", exact=True)
    slider.evaluate(
        "e => { e.value = 5; for (const t of ['input', 'change']) e.dispatchEvent(new Event(t, { bubbles: true })) }"
    )
    page.wait_for_function("document.body.innerText.includes('\"map\": 5')", timeout=20_000)
    settle(page)
    assert told(page)["map"] == 5
    choose_threshold_3(page)
    settle(page)
    assert page.evaluate(f"{PROBE}.map") == 5, "a page that still says map 2 must not take the map away"


def choose_threshold_3(page) -> None:
    """Make Python send another threshold."""
    page.get_by_test_id("stSelectbox").locator("input").click()
    page.get_by_role("option", name="3").click()
    page.wait_for_function(f"{PROBE}.threshold === 3", timeout=20_000)


@pytest.mark.parametrize("kind", ["vertices", "parcels"])
def test_hover_tells_the_true_value(visit, made, kind):
    """The read-out names region, network and side, the value to two decimals, and its significance."""
    page, view = visit(kind), made[kind]
    for start in range(0, 4000, 1000):
        vertex, place = visible_vertex(page, candidates(view)[start:])
        page.mouse.move(place["x"], place["y"])
        text = page.locator(".tip").inner_text().replace("\u2212", "-")
        truth = view.describe(2, vertex)
        value = float(text.split("=")[1].split()[0])
        assert math.isclose(value, truth["value"], abs_tol=0.0052)
        assert truth["region"] in text and truth["network"] in text and truth["hemisphere"] in text
        significant = view.significant[2, truth["location"]]
        assert ("< .05" in text) == significant and ("n.s." in text) == (not significant)


def test_hover_on_the_wall_and_beside_the_brain(visit, made):
    """The medial wall is named as such; the empty background says nothing."""
    page, view = visit(), made["vertices"]
    _, place = visible_vertex(page, np.flatnonzero(view.wall))
    page.mouse.move(place["x"], place["y"])
    assert "Medial wall" in page.locator(".tip").inner_text()
    box = page.locator("canvas.brains").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert page.locator(".tip").is_hidden()


def test_click_returns_the_pick_to_python(visit, made):
    """A click gives Python the vertex, its names and the exact value of the map on screen."""
    page, view = visit("parcels"), made["parcels"]
    vertex, place = visible_vertex(page, candidates(view))
    page.mouse.click(place["x"], place["y"])
    page.wait_for_function("document.body.innerText.includes('\"pick\"')", timeout=20_000)
    assert told(page)["pick"] == view.describe(2, vertex) | {"map": 2}


def test_rerun_keeps_camera_and_buffers(visit):
    """Another threshold from Python redraws: nothing is uploaded again and the camera stays."""
    page = visit()
    box = page.locator("canvas.brains").bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 190, box["y"] + 160, steps=4)
    page.mouse.up()
    settle(page)
    camera, uploads = page.evaluate(f"{PROBE}.camera"), page.evaluate(f"{PROBE}.uploads")
    assert camera["azimuth"] > 0.2 and uploads == 2
    assert sum(page.received) > 500_000
    page.received.clear()
    choose_threshold_3(page)
    assert sum(page.received) < 150_000, "the maps were sent again"
    assert page.evaluate(f"{PROBE}.camera") == camera
    assert page.evaluate(f"{PROBE}.uploads") == uploads


def test_dragging_turns_the_hemispheres_as_mirror_images(visit):
    """After a drag the left half of the picture is still the mirror image of the right, in outline."""
    page = visit()
    page.evaluate(f"{PROBE}.viewer.turn(60, 20, {{ turn: 1, pan: 1, scale: 1 }})")
    settle(page)
    shape = pixels(page)[..., 3] > 128
    overlap = (shape & shape[:, ::-1]).sum() / (shape | shape[:, ::-1]).sum()
    assert overlap > 0.93
    assert (shape != pixels_after(page, "reset()")).mean() > 0.01


def pixels_after(page, call: str) -> np.ndarray:
    """The drawn shape after one call on the viewer."""
    page.evaluate(f"{PROBE}.viewer.{call}")
    settle(page)
    return pixels(page)[..., 3] > 128


def test_contours_can_be_hidden(visit):
    """The contour button takes dark lines away, and the key c brings them back exactly."""
    page = visit()
    with_lines = pixels(page)
    page.get_by_role("button", name="Network contours").click()
    settle(page)
    without = pixels(page)
    assert 0.002 < (with_lines != without).any(axis=-1).mean() < 0.2
    assert without[..., :3].astype(int).sum() > with_lines[..., :3].astype(int).sum()
    page.locator("canvas.brains").focus()
    page.keyboard.press("c")
    settle(page)
    assert (pixels(page) == with_lines).all()


def test_outline_marks_the_network(visit):
    """The network that Python names is outlined in green; None takes the green away."""
    page = visit()

    def green(picture):
        rgb = picture[..., :3].astype(int)
        return ((rgb[..., 1] > rgb[..., 0] + 70) & (rgb[..., 1] > rgb[..., 2] + 30)).sum()

    assert green(pixels(page)) > 500
    page.get_by_label("Outline a network").select_option("None")
    settle(page)
    assert green(pixels(page)) < 20


def test_threshold_hides_what_is_below(visit, made):
    """Inside parcels the cortex is coloured exactly where the magnitude reaches the threshold."""
    page, view = visit("parcels"), made["parcels"]
    faces = view.surface.faces
    same = (np.ptp(view.vertex_location[faces], axis=1) == 0) & (view.vertex_location[faces[:, 0]] >= 0)
    inside = np.setdiff1d(faces[same], faces[~same])
    page.evaluate(f"{PROBE}.viewer.set({{ threshold: 2, limit: 2, contours: false, network: 0 }})")
    settle(page)
    picture, box = pixels(page)[..., :3].astype(int), page.locator("canvas.brains").bounding_box()
    outcomes = []
    for vertex in np.random.default_rng(5).permutation(inside)[:120]:
        place = page.evaluate(f"{PROBE}.viewer.locate({vertex})")
        if place:
            colour = picture[int(place["y"] - box["y"]), int(place["x"] - box["x"])]
            expected = abs(view.maps[2, view.vertex_location[vertex]]) >= 2
            assert (np.ptp(colour) > 25) == expected
            outcomes.append(expected)
    assert len(outcomes) > 30 and 0 < sum(outcomes) < len(outcomes)


def test_keyboard(visit):
    """Arrows change map and threshold, s the surface, r resets the camera."""
    page = visit()
    page.locator("canvas.brains").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.evaluate(f"{PROBE}.viewer.turn(50, 0, {{ turn: 1, pan: 1, scale: 1 }})")
    page.keyboard.press("r")
    page.keyboard.press("s")
    page.wait_for_timeout(1200)
    settle(page)
    state = page.evaluate(f"({{...{PROBE}, viewer: 0}})")
    assert (state["map"], state["surface"]) == (3, "pial")
    assert state["threshold"] > 2.0 and state["camera"]["azimuth"] == 0


@pytest.mark.parametrize("surface", ["Pial", "Flat"])
def test_surfaces_morph(visit, made, surface):
    """Another surface gives another picture, and hover still finds the vertex."""
    page, view = visit("parcels"), made["parcels"]
    before = pixels(page)
    page.get_by_role("radio", name=surface, exact=True).click()
    page.wait_for_timeout(1200)
    settle(page)
    after = pixels(page)  # flat maps may take a higher picture
    assert after.shape != before.shape or ((after[..., 3] > 128) != (before[..., 3] > 128)).mean() > 0.02
    vertex, place = visible_vertex(page, candidates(view))
    page.mouse.move(place["x"], place["y"])
    assert view.describe(2, vertex)["region"] in page.locator(".tip").inner_text()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_reduced_motion_changes_the_surface_at_once(browser, viewer_app, motion):
    """Who asked for less motion sees the other surface in the next frame; others see it change."""
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto(f"{viewer_app}/?kind=parcels")
    page.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=60_000)
    shares = page.evaluate(
        f"""async () => {{ const shares = [], frame = () => new Promise(requestAnimationFrame)
        {PROBE}.viewer.morph('pial')
        for (let i = 0; i < 600 && shares.at(-1) !== 1; i++) {{ await frame(); shares.push({PROBE}.viewer.mixing[1]) }}
        return shares }}"""
    )
    context.close()
    between = [share for share in shares if 0 < share < 1]
    assert shares[-1] == 1 and bool(between) == (motion == "no-preference")


def test_flat_map_has_no_triangle_across_a_cut(visit):
    """The flat picture fills the area of its triangles: a triangle across a cut would add to it."""
    page = visit()
    page.evaluate(f"{PROBE}.viewer.morph('flat')")
    page.wait_for_timeout(1200)
    settle(page)
    expected = page.evaluate(
        f"""() => {{ const v = {PROBE}.viewer; let sum = 0
        for (const h of v.anatomy.hemispheres) for (let t = 0; t < h.faces.length; t += 3) if (h.flat[t / 3]) {{
          const [a, b, c] = [0, 1, 2].map(k => 3 * h.faces[t + k]), p = h.points.flat
          sum += Math.abs((p[b+1]-p[a+1])*(p[c+2]-p[a+2]) - (p[c+1]-p[a+1])*(p[b+2]-p[a+2])) / 2 }}
        return sum * v.frames(v.canvas.width, v.canvas.height, v.columns)[0].scale ** 2 }}"""
    )
    drawn = (pixels(page)[..., 3] > 128).sum()
    assert abs(drawn / expected - 1) < 0.03


def test_wheel_scrolls_the_page_until_asked_to_zoom(visit):
    """A plain wheel leaves the zoom alone; with ctrl it zooms; a double click resets."""
    page = visit()
    box = page.locator("canvas.brains").bounding_box()
    page.mouse.move(box["x"] + 155, box["y"] + 165)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    assert page.evaluate(f"{PROBE}.viewer.camera.zoom") == 1
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function(f"{PROBE}.viewer.camera.zoom > 1.2")
    page.mouse.dblclick(box["x"] + 155, box["y"] + 165)
    page.wait_for_function(f"{PROBE}.viewer.camera.zoom === 1")


def test_png_has_print_resolution(visit):
    """The PNG is 180 mm at 300 dpi, says its resolution, and holds brains, a colour bar and the caption."""
    page = visit()
    text = page.evaluate(
        f"""async () => {{ const bytes = new Uint8Array(await (await {PROBE}.viewer.print()).arrayBuffer()); let out = ''
        for (let i = 0; i < bytes.length; i += 8192) out += String.fromCharCode(...bytes.subarray(i, i + 8192))
        return btoa(out) }}"""
    )
    raw = base64.b64decode(text)
    at = raw.index(b"pHYs") + 4
    per_metre = int.from_bytes(raw[at : at + 4], "big")
    picture = decode(text)
    assert picture.shape[1] / (per_metre / 1000) == pytest.approx(180, abs=0.2)
    assert per_metre * 0.0254 >= 299.9
    rows = picture.shape[0] - np.array([0.3, 0.14]) * picture.shape[0]
    foot, text = (picture[int(row) :, :, :3].astype(int) for row in rows)
    assert (picture[..., 3] == 255).all() and (np.ptp(foot, axis=-1) > 60).sum() > 1000
    assert (text.max(axis=-1) < 120).sum() > 500, "no caption"


def test_viewer_can_leave_and_return(visit):
    """Taken off the page and put back, the viewer draws the same picture and leaves no error."""
    page = visit()
    before = pixels(page)
    for _ in range(2):
        page.get_by_text("Show the brain").click()
        page.wait_for_function("!window.__brainViewer", timeout=20_000)
        page.get_by_text("Show the brain").click()
        page.wait_for_function(f"{PROBE}?.ready && {PROBE}.draws > 0", timeout=30_000)
        settle(page)
    assert (pixels(page) == before).mean() > 0.999
    assert page.problems == []


def test_lost_context_comes_back(visit):
    """After the graphics context is lost and restored the same picture is drawn."""
    page = visit()
    before = pixels(page)
    page.evaluate(
        f"window.__lost = {PROBE}.viewer.painter.gl.getExtension('WEBGL_lose_context'); __lost.loseContext()"
    )
    page.wait_for_selector("text=graphics card was lost")
    page.evaluate("__lost.restoreContext()")
    page.wait_for_function(f"!{PROBE}.viewer.painter.gl.isContextLost()")
    settle(page)
    assert (pixels(page) == before).mean() > 0.999


def test_without_webgl_python_falls_back(visit):
    """Without WebGL2 a sentence is shown, Python hears of it, and the plotly figure appears."""
    broken = """const get = HTMLCanvasElement.prototype.getContext
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind === 'webgl2' && this.classList.contains('brains') ? null : get.call(this, kind, ...rest) }"""
    page = visit(script=broken, wait=False)
    page.wait_for_selector("text=no WebGL2", timeout=60_000)
    page.wait_for_function("document.body.innerText.includes('\"webgl\": false')", timeout=20_000)
    page.wait_for_selector("[data-testid=stPlotlyChart]", timeout=60_000)


def test_nothing_leaves_the_machine_and_nothing_fails(visit, viewer_app):
    """A whole visit makes no request elsewhere and leaves no error on the console."""
    page = visit("parcels")
    page.get_by_role("button", name="Next map").click()
    page.get_by_role("radio", name="Colour map vik").click()
    page.evaluate(f"{PROBE}.viewer.morph('flat')")
    page.wait_for_timeout(1200)
    settle(page)
    outside = [url for url in page.requests if not url.startswith((viewer_app, "data:", "blob:"))]
    assert outside == []
    assert page.problems == []


@pytest.mark.parametrize("kind", ["vertices", "parcels"])
def test_the_quick_picture_is_the_full_one(visit, kind):
    """While only the map changes, software GL paints kept pixels: nearly the colours of a full drawing."""
    page = visit(kind)
    if not page.evaluate(f"{PROBE}.viewer.painter.software"):
        pytest.skip("only software GL keeps pixels")
    shots = page.evaluate(
        f"""(() => {{ const v = {PROBE}.viewer, p = v.painter, shots = []
        v.set({{ map: 4 }})
        for (const forget of [true, false]) {{ if (forget) p.lastKey = null; v.draw(false); shots.push(v.canvas.toDataURL().split(',')[1]) }}
        shots.push(p.keptKey === p.lastKey); return shots }})()"""
    )
    full, quick = (decode(shot).astype(int) for shot in shots[:2])
    away = np.abs(full - quick).max(axis=-1)[full[..., 3] > 250]
    assert shots[2] and away.max() > 0, "both were drawn the same way"
    assert np.median(away) <= 6 and (away > 40).mean() < (0.005 if kind == "parcels" else 0.06)


def test_map_switch_is_timed(visit, capsys):
    """Every map can be switched to; the median time is printed, never judged."""
    page = visit()
    times = page.evaluate(f"Array.from({{ length: 25 }}, (_, i) => {PROBE}.viewer.timeSwitch(i % 12))")
    assert len(page.evaluate(f"{PROBE}.switchTimes")) == 25 and min(times) > 0
    renderer = page.evaluate(f"{PROBE}.renderer")
    with capsys.disabled():
        print(f"\nmap switch: median {statistics.median(times):.0f} ms, max {max(times):.0f} ms ({renderer})")
