"""Who may import whom, and what no file may do: read from the syntax trees."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    [
        *(ROOT / "brainlike_core").rglob("*.py"),
        *(ROOT / "pages").glob("*.py"),
        *(ROOT / "parts").glob("*.py"),
        *ROOT.glob("*.py"),
    ]
)

BASE = {"values", "config", "errors", "__init__"}
ALLOWED = {
    "app": {
        "archive",
        "archive_layers",
        "archive_networks",
        "bridge",
        "inside_cost",
        "inventory",
        "claims",
        "depth_claims",
        "fetching",
        "heard_words",
        "lessons",
        "pipeline",
        "run_cost",
        "engine",
        "exports",
        "jobs",
        "figures",
        "moments",
        "report",
        "report_networks",
    }
    | BASE,
    "__main__": {
        "command_export",
        "command_parts",
        "command_power",
        "commands_inside",
        "archive",
        "archive_layers",
        "follow_ups",
        "inventory",
        "pipeline",
        "recording_step",
        "engine",
        "figures",
        "report",
    }
    | BASE,
    "command_export": {"archive", "command_parts", "exports", "inventory", "whole_files"} | BASE,
    "command_parts": {"inventory"} | BASE,
    "command_power": {"command_parts", "figures", "inventory", "science"} | BASE,
    "commands_inside": {
        "archive",
        "command_parts",
        "engine",
        "follow_ups",
        "networks",
        "report_networks",
        "slimming",
    }
    | BASE,
    "report_networks": {"report"} | BASE,
    "engine": {
        "progress",
        "bridge",
        "follow_ups",
        "jobs",
        "lesions",
        "networks",
        "pipeline",
        "preservation",
        "recording_step",
        "slimming",
    }
    | BASE,
    "networks": {"progress", "archive", "science", "sources", "store"} | BASE,
    "slimming": {"progress", "archive", "lesions", "networks", "science", "sources", "store"} | BASE,
    "preservation": {"progress", "archive", "lesions", "networks", "science", "sources", "store"} | BASE,
    "lesions": {"progress", "archive", "networks", "science", "sources", "store"} | BASE,
    "bridge": {
        "progress",
        "archive",
        "atlas_nulls",
        "lesions",
        "networks",
        "science",
        "sources",
        "store",
        "story_clock",
    }
    | BASE,
    "progress": set(),
    "whole_files": set(),
    "jobs": {"archive", "whole_files"} | BASE,
    "fetching": {"inventory"} | BASE,
    "pipeline": {
        "progress",
        "archive",
        "atlas_nulls",
        "digests",
        "inventory",
        "model_steps",
        "recording_step",
        "science",
        "sources",
        "store",
        "story_clock",
        "walk_state",
    }
    | BASE,
    "recording_step": {"archive", "digests", "inventory", "progress", "science", "sources", "walk_state"}
    | BASE,
    "model_steps": {"digests", "science", "sources", "story_clock", "walk_state"} | BASE,
    "walk_state": {"archive", "progress", "store"} | BASE,
    "digests": {"values"},
    "atlas_nulls": {"inventory", "science"} | BASE,
    "story_clock": {"science", "sources"} | BASE,
    "follow_ups": {"progress", "archive", "archive_layers", "atlas_nulls", "science", "store"} | BASE,
    "heard_words": {"archive", "science", "sources"} | BASE,
    "run_cost": {"archive"} | BASE,
    "inside_cost": {"sources"} | BASE,
    "inventory": {"sources"} | BASE,
    "archive": {"claims", "science", "sources", "store", "whole_files"} | BASE,
    "archive_networks": {"archive", "store"} | BASE,
    "archive_layers": {"archive", "store"} | BASE,
    "exports": {"exports", "figures", "heard_words", "report"} | BASE,
    "figures": {"figures"} | BASE,
    "report": {"claims", "depth_claims", "figures"} | BASE,
    "claims": {"science"} | BASE,
    "lessons": {"archive", "atlas_nulls", "science"} | BASE,
    "moments": {"science"} | BASE,
    "depth_claims": {"claims"} | BASE,
    "sources": {"sources", "whole_files"} | BASE,
    "store": {"whole_files"} | BASE,
    "science": {"science"} | BASE,
    "values": {"values", "errors"},
    "config": {"config", "errors"},
    "errors": set(),
    "__init__": BASE | {"pipeline", "report"},
}
SCIENCE_PACKAGES = {"numpy", "scipy", "sklearn", "torch", "numba", "pandas", "threadpoolctl"}
HOMES = {
    "streamlit": {"app", "figures/brain_viewer/component"},
    "dask": {"engine"},
    "distributed": {"engine"},
    "pyarrow": {"store"},
    "filelock": {"store"},
    "transformers": {"sources"},
    "textblob": {"sources"},
    "torch": {"sources", "science"},
    "wordfreq": {"sources"},
    "nibabel": {"sources", "exports"},
    "matplotlib": {"exports"},
}


def room(path: Path) -> str:
    """The room of a file: a folder of the core, a module of the core, or 'app'."""
    relative = path.relative_to(ROOT)
    if relative.parts[0] != "brainlike_core":
        return "app"
    return relative.parts[1] if len(relative.parts) > 2 else relative.stem


def imports(path: Path):
    """(top package, room inside brainlike_core or '') of every import in a file."""
    depth = len(path.relative_to(ROOT).parts) - 1
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield parts[0], parts[1] if parts[0] == "brainlike_core" and len(parts) > 1 else ""
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, depth, room(path))


def _from(node: ast.ImportFrom, depth: int, here: str):
    parts = (node.module or "").split(".") if node.module else []
    if here == "app" and node.level:
        yield "parts", ""
        return
    if node.level == 0:
        if parts[0] != "brainlike_core":
            yield parts[0], ""
            return
        parts = parts[1:]
    elif node.level < depth:
        parts = [here, *parts]
    for name in [parts[0]] if parts else [alias.name for alias in node.names]:
        yield "brainlike_core", "__init__" if name.startswith("__") else name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_import_only_what_they_may(path):
    """The arrows of the architecture: science knows no disk, pages know no maths."""
    for package, inside in imports(path):
        if package == "brainlike_core" and inside:
            assert inside in ALLOWED[room(path)] | {room(path)}, f"{path.name} imports {inside}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_libraries_live_in_their_home(path):
    """streamlit in the pages and the viewer, dask in the engine, pyarrow in the store, ..."""
    relative = (
        str(path.relative_to(ROOT / "brainlike_core").with_suffix("")) if room(path) != "app" else "app"
    )
    for package, _ in imports(path):
        homes = HOMES.get(package)
        assert homes is None or {room(path), relative} & homes, f"{path.name} imports {package}"
        if room(path) == "science" and package not in ("brainlike_core", "__future__"):
            assert package in SCIENCE_PACKAGES or package in sys.stdlib_module_names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_can_execute_a_file(path):
    """No pickle, torch.load, joblib.load, eval, exec, yaml.load, shell=True or allow_pickle=True."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {a.name for a in node.names} | {getattr(node, "module", "") or ""}
            assert not names & {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "torch.load", "yaml.load", "os.system", "np.loads"}
            for keyword in node.keywords:
                risky = keyword.arg in ("shell", "allow_pickle", "trust_remote_code")
                assert not (risky and getattr(keyword.value, "value", None) is True), (
                    f"{called}({keyword.arg}=True)"
                )


@pytest.mark.parametrize(
    "path", sorted((ROOT / "pages").glob("*.py")) + [ROOT / "app.py"], ids=lambda p: p.name
)
def test_pages_are_thin(path):
    """No numpy, and short enough to read at once."""
    text = path.read_text()
    assert not {"numpy", "torch", "scipy"} & {package for package, _ in imports(path)}
    assert text.count("\n") <= 160


def test_reading_a_finished_run_loads_no_torch():
    """The app's process stays small: pipeline, engine, report and figures import without torch or numba."""
    code = (
        "import sys; import brainlike_core.pipeline, brainlike_core.engine, brainlike_core.report;"
        "import brainlike_core.figures.charts;"
        "print([m for m in ('torch', 'transformers', 'numba', 'nilearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
