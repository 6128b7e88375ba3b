"""Charts in print: every chart of the app, its marks where they belong, its words as text in SVG and PDF."""

from __future__ import annotations

import ast
import io
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from pypdf import PdfReader

from brainlike_core.errors import BrainlikeError
from brainlike_core.exports import paper
from brainlike_core.exports.print_charts import print_chart
from brainlike_core.figures.chart_table import plain_text
from tests.every_chart import every_chart

FIGURES = Path(__file__).resolve().parents[2] / "brainlike_core" / "figures"
CHARTS = every_chart()
SVG = "{http://www.w3.org/2000/svg}"


def words_of(svg: bytes) -> list[str]:
    """The text elements of an SVG."""
    return ["".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def whole_text(pdf: bytes) -> str:
    """The text of a PDF's only page, spaces made single."""
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_of_the_app_can_be_printed(name):
    """Title, caption and the titles of its axes are text in the SVG; nothing stands out of the sheet."""
    chart = CHARTS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = print_chart(chart, f"Title of {name}", "n = 8, no test.")
        svg = paper.print_files(figure, "x", ("svg",))["x.svg"]
    words = words_of(svg)
    assert f"Title of {name}" in words and "n = 8, no test." in words
    axes = [axis.title.text for axis in chart.select_xaxes() if axis.title.text and axis.visible is not False]
    assert all(plain_text(title).split("\n")[0] in words for title in axes)
    width, height = figure.get_size_inches() * figure.dpi
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1


@pytest.mark.parametrize("path", sorted(FIGURES.rglob("*.py")), ids=lambda path: path.stem)
def test_charts_are_made_of_kinds_that_can_be_printed(path):
    """A new kind of trace belongs into exports/print_traces.py too."""
    known = {"Figure", "Scatter", "Bar", "Histogram", "Heatmap"}
    if path.parent.name == "brain_viewer":
        known |= {"Mesh3d"}  # brains have a print of their own
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) == "go"
        ):
            assert node.func.attr in known, f"{path.name} draws a {node.func.attr}"


def small() -> go.Figure:
    """Two points, a line to (3, 30), a bar of 5, on plain axes."""
    chart = go.Figure()
    chart.add_trace(
        go.Scatter(
            x=[1, 2],
            y=[10, 20],
            mode="markers",
            name="points",
            marker={"size": 10, "color": "rgba(255,0,0,0.5)"},
        )
    )
    chart.add_trace(
        go.Scatter(x=[1, 3], y=[10, 30], mode="lines", name="line", line={"color": "#00f", "dash": "dot"})
    )
    chart.add_trace(go.Bar(x=[2], y=[5], name="bar", marker={"color": "green"}))
    chart.add_vline(2.5)
    chart.update_xaxes(title="<b>time</b> (s)", range=[0, 4])
    return chart.update_yaxes(title="r", range=[40, 0])


def test_marks_stand_where_the_chart_has_them():
    """Positions, colours, a reversed axis and a line across: read back from what matplotlib will draw."""
    (ax,) = print_chart(small()).axes
    assert ax.get_xlim() == (0, 4) and ax.get_ylim() == (40, 0)
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [[1, 10], [2, 20]])
    np.testing.assert_allclose(ax.collections[0].get_facecolors()[0], (1, 0, 0, 0.5))
    line, across = ax.lines[0], ax.lines[-1]
    np.testing.assert_array_equal(line.get_xydata(), [[1, 10], [3, 30]])
    assert line.get_color() == (0, 0, 1, 1) and set(across.get_xdata()) == {2.5}
    (bar,) = ax.patches
    assert (bar.get_x() + bar.get_width() / 2, bar.get_height()) == (2, 5)
    assert ax.get_xlabel() == "time (s)"


def test_cells_of_a_heat_map_have_the_colours_of_the_scale():
    """The ends and the middle of a scale of two colours; words on an axis take places in order."""
    chart = go.Figure(
        go.Heatmap(
            z=[[0, 0.5], [1, np.nan]],
            x=["a", "b"],
            y=["p", "q"],
            zmin=0,
            zmax=1,
            colorscale=["#000000", "#ffffff"],
        )
    )
    ax = print_chart(chart).axes[0]
    (mesh,) = ax.collections
    mesh.update_scalarmappable()
    np.testing.assert_allclose(mesh.get_facecolors()[:3, 0], [0, 0.5, 1], atol=0.01)
    assert mesh.get_array().mask.ravel().tolist() == [False, False, False, True]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]


def test_a_histogram_counts_what_numpy_counts():
    """Whole numbers fall into bins of their own."""
    chart = go.Figure(go.Histogram(x=[1, 1, 2, 5], nbinsx=5, marker={"color": "#888"}))
    (ax,) = print_chart(chart).axes
    assert [bar.get_height() for bar in ax.patches] == [2, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("trace", "what"),
    [
        (go.Violin(y=[1, 2]), "a trace"),
        (go.Scatter(x=[1], y=[1], mode="markers", marker={"symbol": "hexagon"}), "a marker"),
        (go.Scatter(x=[1, 2], y=[1, 2], mode="lines", line={"shape": "spline"}), "a line's shape"),
    ],
)
def test_what_cannot_be_printed_is_refused_by_name(trace, what):
    """Nothing is left out in silence."""
    with pytest.raises(BrainlikeError, match=what):
        print_chart(go.Figure(trace))


def test_the_three_formats():
    """PNG at 300 dpi; PDF of the same size whose words can be searched, fonts inside as TrueType; SVG with text."""
    title = "Sub-groups · held-out r²"
    files = paper.print_files(print_chart(small(), title, "A caption."), "chart")
    assert list(files) == ["chart.png", "chart.svg", "chart.pdf"]
    image = Image.open(io.BytesIO(files["chart.png"]))
    assert image.width == pytest.approx(180 / 25.4 * 300, abs=1) and image.info["dpi"][0] == pytest.approx(
        300, abs=0.1
    )
    (page,) = PdfReader(io.BytesIO(files["chart.pdf"])).pages
    assert float(page.mediabox.width) == pytest.approx(180 / 25.4 * 72, abs=0.5)
    text = whole_text(files["chart.pdf"])
    assert title in text and "A caption." in text and "time (s)" in text
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert {
        font["/DescendantFonts"][0].get_object()["/Subtype"]
        if "/DescendantFonts" in font
        else font["/Subtype"]
        for font in fonts
    } <= {"/CIDFontType2", "/TrueType"}
    root = ElementTree.fromstring(files["chart.svg"])
    assert root.get("width") == f"{180 / 25.4 * 72:.6f}".rstrip("0") + "pt" and title in words_of(
        files["chart.svg"]
    )


def test_the_same_chart_is_the_same_file():
    """No date and no random name inside: two exports are equal byte by byte."""
    one, two = (paper.print_files(print_chart(small(), "T"), "x", ("svg", "pdf")) for _ in range(2))
    assert one == two


def test_a_line_across_is_never_out_of_sight():
    """An axis without a range of its own reaches to it, as plotly's does."""
    chart = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], mode="markers"))
    chart.add_vline(5)
    low, high = print_chart(chart).axes[0].get_xlim()
    assert low < 0 and high > 5
