"""maintsched.yaml and playbooks → domain values, and the canonical form in which the inventory in force is kept.

What is heavy (pydantic, YAML) is imported by the call that needs it: `--help` must not wait for it. No module here may
have the name of one of these functions: importing it would replace the function.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maintsched.domain.inventory import Inventory
    from maintsched.domain.playbook import Playbook


def load(path: Path, platforms: Collection[str] | None = None) -> Inventory:
    """The inventory of a config file; `platforms` are the network OS names that may be used (None: any).

    Raises NotFound where there is no file, ConfigInvalid with all problems, one line each, by line number.
    """
    from maintsched.config.loading import load_inventory

    return load_inventory(path, platforms)


def database_of(path: Path) -> str | None:
    """The database that a config file names, whatever else is wrong with the file; None where that cannot be told."""
    from maintsched.config.loading import database_of as named

    return named(path)


def load_playbook(path: Path) -> Playbook:
    """The playbook in a file. Raises NotFound, ConfigInvalid."""
    from maintsched.config.playbook import load_playbook as load_one

    return load_one(path)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the config file, for editors."""
    from copy import deepcopy

    from maintsched.config.editor import editor_schema
    from maintsched.config.root import Root

    return deepcopy(editor_schema(Root))


def canonical(inventory: Inventory, base: Path) -> bytes:
    """Canonical JSON of the inventory, the same wherever the checkout lies; `base` is the config file's folder."""
    from maintsched.config.stored import to_bytes

    return to_bytes(inventory, base)


def from_canonical(data: bytes, base: Path) -> Inventory:
    """The inverse of `canonical`. Raises Broken where the bytes are not an inventory of this program."""
    from maintsched.config.stored import from_bytes

    return from_bytes(data, base)


def differences(old: Inventory | None, new: Inventory) -> tuple[str, ...]:
    """What changes from `old` to `new`, one readable line each: `circuits.uk-ld4.speed: 1G → 10G`."""
    from maintsched.config.comparing import differing

    return differing(old, new)


def scaffold(directory: Path, layout: str = "pair") -> tuple[Path, ...]:
    """Writes a commented config, playbooks/ and calendars/ that work in the lab; layout `pair` or `single`.

    Returns the files written. Raises Refused, before anything is written, where it would overwrite.
    """
    from maintsched.config.newproject import write

    return write(directory, layout)
