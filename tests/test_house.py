"""The house stays in order: one word per stage everywhere, true dependency lists, small files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.params import Params

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "soundatlas"
FOLDERS = ("src", "flows", "benchmarks", "tests")
GRAPH = YAML(typ="safe").load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = GRAPH["stages"]
SECTIONS = {field.alias or name for name, field in Params.model_fields.items()}
SCHEDULED = {"reclassify"}  # sections that a flow reads, and no stage
WITHOUT_EFFECT = {"engine"}  # sections that say where the work is done, and shape no output
DECODING = {"spectrograms", "classify", "atlas"}  # stages that wait for decoders
MAX_LINES = 300
MAX_TEST_LINES = 450  # tables of cases are read by the row

# Modules that only carry a run around: a change in them changes no output.
CARRIERS = {
    "_run",
    "errors",
    "files",
    "delegation",
    "params",
    "sections",
    "repeats_params",
    "separate_params",
    "source_params",
    "attempts",
    "workers",
    "progress",
    "environment",
    "tracking",
    "promotion",
    "gate",
    "pin",
    "audit",
    "watching",
    "profiling",
}


def python_files() -> list[Path]:
    """Every Python file of the project, tests included."""
    return sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))


def imported_modules(path: Path) -> set[Path]:
    """The project's own modules that a file imports when it runs, also inside functions, but not for types alone."""
    found: set[Path] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in for_types:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                if name.startswith("soundatlas."):
                    module = SOURCE.joinpath(*name.split(".")[1:]).with_suffix(".py")
                    found |= {module} if module.is_file() else set()
    return found


def reached_modules(path: Path) -> set[Path]:
    """All modules that a file reaches through imports."""
    reached, waiting = set(), [path]
    while waiting:
        for module in imported_modules(waiting.pop()) - reached:
            reached.add(module)
            if module.stem not in CARRIERS:
                waiting.append(module)
    return reached


def _params_of(stage: str) -> set[str]:
    """What a stage lists of params.yaml: sections, and `section.key`."""
    listed = STAGES[stage].get("params", [])
    return {param for each in listed for param in (each["params.yaml"] if isinstance(each, dict) else [each])}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_one_name_everywhere(stage: str) -> None:
    """A stage of dvc.yaml is a module, a section of params.yaml, a test file, a row of the README, and its command."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert STAGES[stage]["cmd"] == f"python -m soundatlas.stages.{stage}"
    assert (SOURCE / "stages" / f"{stage}.py").is_file()
    assert stage in SECTIONS
    assert (REPOSITORY / "tests" / "stages" / f"test_{stage}.py").is_file()
    assert re.search(rf"^\| `{stage}` \|", readme, re.MULTILINE), f"README.md has no row for {stage}"


def test_there_is_no_stage_or_section_without_the_other() -> None:
    """Modules in stages/ and sections of params.yaml are the stages of dvc.yaml, but for schedules and the engine."""
    modules = {path.stem for path in (SOURCE / "stages").glob("*.py") if not path.stem.startswith("_")}
    assert modules == set(STAGES)
    assert set(STAGES) == SECTIONS - SCHEDULED - WITHOUT_EFFECT
    assert all((REPOSITORY / "flows" / f"{flow}.py").is_file() for flow in SCHEDULED & SECTIONS)


@pytest.mark.parametrize("stage", STAGES)
def test_where_the_work_is_done_makes_no_stage_stale(stage: str) -> None:
    """No stage has a section among its params that shapes no output: a change of it computes nothing anew."""
    assert not {param.partition(".")[0] for param in _params_of(stage)} & WITHOUT_EFFECT


@pytest.mark.parametrize("stage", [name for name in STAGES if name not in DECODING])
def test_how_long_a_decoder_may_take_makes_no_model_stale(stage: str) -> None:
    """Of the front end's section, stages that decode nothing list what shapes a log-mel: time-outs train nothing."""
    shaping = {f"spectrograms.{field}" for field in FrontEnd.__dataclass_fields__}
    listed = {param for param in _params_of(stage) if param.partition(".")[0] == "spectrograms"}
    assert listed <= shaping
    if "data/spectrograms" in STAGES[stage].get("deps", []) and stage != "validate":  # which looks at what came of it
        assert listed == shaping


@pytest.mark.parametrize("stage", [name for name in STAGES if not STAGES[name].get("always_changed")])
def test_a_stage_depends_on_the_code_that_it_imports(stage: str) -> None:
    """Whatever module shapes a stage's output is below one of its deps, so that a change of code reruns it."""
    deps = [REPOSITORY / dep for dep in STAGES[stage]["deps"] if dep.startswith("src/")]
    module = SOURCE / "stages" / f"{stage}.py"
    shaping = {path for path in {module, *reached_modules(module)} if path.stem not in CARRIERS | {"__init__"}}
    missing = {path for path in shaping if not any(path == dep or path.is_relative_to(dep) for dep in deps)}
    assert not missing, f"dvc.yaml: {stage} lacks {sorted(str(path.relative_to(REPOSITORY)) for path in missing)}"


@pytest.mark.parametrize("stage", STAGES)
def test_every_dep_exists_or_is_made_by_a_stage(stage: str) -> None:
    """A dep is a file of the repository or below the out of a stage."""
    outs = [next(iter(out)) if isinstance(out, dict) else out for other in STAGES.values() for out in other["outs"]]
    for dep in STAGES[stage].get("deps", []):
        made = any(dep == out or dep.startswith(f"{out}/") for out in outs)
        assert made or (REPOSITORY / dep).exists(), f"{stage}: {dep}"


def test_files_stay_small() -> None:
    """No file is longer than about 300 lines: one purpose each, read in one go."""
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > (MAX_TEST_LINES if path.is_relative_to(REPOSITORY / "tests") else MAX_LINES)
    }
    assert long == {}


def test_no_module_is_called_after_nothing() -> None:
    """No utils, helpers, common or manager: a module says what it holds."""
    assert not {path.stem for path in python_files()} & {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "manager",
        "misc",
    }


def test_every_make_target_that_the_readme_names_exists() -> None:
    """The README teaches only commands that are there."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)", readme)):
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), f"make {target}"


def test_the_lock_names_no_registry() -> None:
    """requirements.lock holds hashes and no address, so that it serves behind any mirror."""
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert "://" not in lock
