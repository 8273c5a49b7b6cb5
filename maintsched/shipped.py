"""What ships beside the program: `playbooks/…` and `calendars/…`, in an installed wheel as in a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from maintsched.errors import NotFound

FOLDERS = ("playbooks", "calendars")


def shipped(name: str) -> Traversable:
    """The file or folder `name`, such as `playbooks/shut-primary.yaml`. Raises NotFound."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] not in FOLDERS or ".." in parts:
        raise NotFound(f"{name!r} does not ship with maintsched", f"names begin with {' or '.join(FOLDERS)}")
    package = files("maintsched")
    in_wheel = package.joinpath("_shipped")
    if in_wheel.is_dir():
        found = in_wheel.joinpath(*parts)
    else:
        # Beside an installed package lie other packages' folders: only a checkout's own count.
        checkout = Path(str(package)).parent
        found = checkout.joinpath(*parts) if (checkout / "pyproject.toml").is_file() else in_wheel
    if not (found.is_dir() or found.is_file()):
        raise NotFound(f"{name!r} does not ship with maintsched", "the installation is incomplete; install it again")
    return found
