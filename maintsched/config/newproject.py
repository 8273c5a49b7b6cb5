"""A new project: a commented maintsched.yaml, playbooks/ and calendars/ that work in the lab at once."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from maintsched.config.problems import did_you_mean
from maintsched.errors import InvalidInput, Refused
from maintsched.shipped import FOLDERS, shipped

LAYOUTS = ("pair", "single")
NAME = "maintsched.yaml"


def write(directory: Path, layout: str = "pair") -> tuple[Path, ...]:
    """Writes what is missing and returns it. Raises Refused, before anything is written, where it would overwrite.

    `pair`: two edge routers and an interconnect; `single`: one edge router with both circuits.
    """
    if layout not in LAYOUTS:
        near = did_you_mean(layout, LAYOUTS)
        raise InvalidInput(f"there is no layout {layout!r}{near}", f"allowed: {', '.join(LAYOUTS)}")
    config = directory / NAME
    if config.exists() or config.is_symlink():
        raise Refused(f"{config} exists; nothing was changed", "edit it, or give `maintsched init` another directory")
    wanted = {directory / name: content for name, content in _beside()}
    wanted[config] = config_text(layout).encode()  # last: a scaffold that broke off can be repeated
    try:
        for path, content in wanted.items():
            if path.exists() and (not path.is_file() or path.read_bytes() != content):
                hint = "move it away, or give `maintsched init` another directory"
                raise Refused(f"{path} exists and differs; nothing was changed", hint)
        return tuple(path for path, content in wanted.items() if _write_new(path, content))
    except OSError as error:
        raise InvalidInput(
            f"{error.filename}: {error.strerror}", "give a directory that this user may write"
        ) from error


def config_text(layout: str) -> str:
    """The commented config of a layout; a template line that begins with `pair|` or `single|` is of that one only."""
    template = files("maintsched.config").joinpath("templates", NAME).read_text(encoding="utf-8")
    return "".join(_of_layout(template, layout))


def _of_layout(template: str, layout: str) -> Iterator[str]:
    for line in template.splitlines(keepends=True):
        mark, bar, rest = line.partition("|")
        if not bar or mark not in LAYOUTS:
            yield line
        elif mark == layout:
            yield rest


def _beside() -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        yield from _files(shipped(folder), folder)


def _files(place: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(place.iterdir(), key=lambda each: each.name):
        if entry.name.startswith((".", "_")):
            continue
        inner = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _files(entry, inner)
        else:
            yield inner, entry.read_bytes()


def _write_new(path: Path, content: bytes) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
    return True
