"""The wheel, built and installed elsewhere: everything that the program needs is in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILT_FROM = ("pyproject.toml", "README.md", "maintsched", "playbooks", "calendars")


def test_every_package_is_listed() -> None:
    listed = {name for name in PROJECT["tool"]["setuptools"]["packages"] if "._shipped" not in name}
    there = {str(path.parent.relative_to(ROOT)).replace(os.sep, ".") for path in ROOT.glob("maintsched/**/__init__.py")}
    assert listed == there


def test_every_folder_that_ships_is_listed_with_what_lies_in_it() -> None:
    setuptools = PROJECT["tool"]["setuptools"]
    for top in ("playbooks", "calendars"):
        for folder in (ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())):
            name = f"maintsched._shipped.{str(folder.relative_to(ROOT)).replace(os.sep, '.')}"
            assert setuptools["package-dir"][name] == str(folder.relative_to(ROOT))
            assert name in setuptools["packages"]
            taken = {path for pattern in setuptools["package-data"][name] for path in folder.glob(pattern)}
            assert taken == {path for path in folder.iterdir() if path.is_file()}


def run(*words: object, **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAINTSCHED"))}
    done = subprocess.run(
        [str(word) for word in words], cwd=more.pop("cwd", None), env={**environment, **more}, capture_output=True,
        text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the checkout, as a build leaves things behind."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", target, source)
    (built,) = target.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for path in (ROOT / "maintsched").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {str(path.relative_to(ROOT)) for path in files}
    for top in ("playbooks", "calendars"):
        found = [path for path in (ROOT / top).rglob("*") if path.is_file()]
        wanted |= {f"maintsched/_shipped/{path.relative_to(ROOT)}" for path in found}
    assert held == wanted


@pytest.mark.slow
def test_installed_elsewhere_it_makes_a_project_that_works(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    site = Path(run(tmp_path / "venv/bin/python", "-c", "import site; print(site.getsitepackages()[0])").strip())
    # Its dependencies are those of this environment; the package itself is only where the wheel puts it.
    borrowed = tmp_path / "borrowed"
    borrowed.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "maintsched" not in path.name.lower() and path.suffix != ".pth":
            (borrowed / path.name).symlink_to(path)
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    run(sys.executable, "-m", "pip", "--python", tmp_path / "venv/bin/python", "install", "--no-deps", wheel)
    program = tmp_path / "venv/bin/maintsched"
    here = {"cwd": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    where = run(tmp_path / "venv/bin/python", "-c", "import maintsched; print(maintsched.__file__)", **here)
    assert where.startswith(str(site))
    run(program, "init", "project", **here)
    inside = {**here, "cwd": str(tmp_path / "project")}
    assert "valid" in run(program, "inventory", "check", **inside)
    assert "0 need" not in run(program, "calendar", "import", **inside)
    for words in (("status",), ("db", "check"), ("audit", "verify"), ("drill", "list"), ("feed", "export")):
        run(program, *words, **inside)
