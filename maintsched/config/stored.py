"""The inventory as canonical JSON: sorted keys, no floats, durations and addresses as text, paths as written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from maintsched.config.urls import SQLITE, absolute_database, absolute_location, scheme
from maintsched.config.values import Located, duration_text
from maintsched.domain.inventory import (
    DrillConfig,
    FreezeCalendar,
    Inventory,
    Mail,
    Policy,
    ProbeConfig,
    Router,
    Secret,
    Source,
)
from maintsched.errors import Broken

FORMAT = 1

# The texts that are paths. A location or the database may be a URL, which stays as it is.
PATHS: dict[type, frozenset[str]] = {
    Router: frozenset({"key", "known_hosts"}),
    Secret: frozenset({"file"}),
    Source: frozenset({"location", "ca"}),
    FreezeCalendar: frozenset({"location"}),
    ProbeConfig: frozenset({"ca"}),
    DrillConfig: frozenset({"playbook"}),
    Policy: frozenset({"signers"}),
    Mail: frozenset({"ca"}),
    Inventory: frozenset({"database", "state_dir"}),
}
_MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}


def to_bytes(inventory: Inventory, base: Path) -> bytes:
    document = {"format": FORMAT, "inventory": _plain(inventory, base.resolve())}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def from_bytes(data: bytes, base: Path) -> Inventory:
    try:
        document = json.loads(data, parse_float=_no_float)
        if set(document) != {"format", "inventory"} or document["format"] != FORMAT:
            raise ValueError("not this program's format")
        inventory = _value(document["inventory"], Inventory, base.resolve())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        hint = "it was written by another version, or changed; `maintsched db check` and `audit verify` say more"
        raise Broken(f"the stored inventory cannot be read: {error}", hint) from error
    assert isinstance(inventory, Inventory)
    return inventory


def _no_float(text: str) -> float:
    raise ValueError(f"a float: {text}")


def _plain(value: Any, base: Path) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        paths = PATHS.get(type(value), frozenset())
        inner = {field.name: getattr(value, field.name) for field in fields(value)}
        return {
            name: _written(each, base) if name in paths and each is not None else _plain(each, base)
            for name, each in inner.items()
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(each, base) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each, base) for each in value]
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, IPv4Address | IPv6Address | IPv4Network | IPv6Network):
        return str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _absolute(written: str, base: Path) -> Located:
    return absolute_database(base, written) if written.startswith(SQLITE) else absolute_location(base, written)


def _written(place: str, base: Path) -> str:
    """A path relative to `base` where it lies under it; else as its file wrote it, where that is known."""
    prefix = SQLITE if place.startswith(SQLITE) else ""
    if scheme(place) and not prefix:
        return place
    path = Path(place.removeprefix(prefix))
    if path.is_relative_to(base) and ".." not in path.parts:
        return f"{prefix}{path.relative_to(base)}"
    written = str(getattr(place, "written", place))
    return written if _absolute(written, base) == place else place


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _value(plain: Any, hint: Any, base: Path) -> Any:
    """`plain` as the type `hint`. Raises ValueError, TypeError or KeyError where it is not."""
    origin = get_origin(hint)
    if origin in (UnionType, Union):
        return _optional(plain, get_args(hint), base)
    if origin is tuple:
        return tuple(_value(each, get_args(hint)[0], base) for each in _exactly(list, plain))
    if origin is not None and issubclass(origin, Mapping):
        return {name: _value(each, get_args(hint)[1], base) for name, each in _exactly(dict, plain).items()}
    if is_dataclass(hint):
        return _dataclass(_exactly(dict, plain), hint, base)
    if hint is timedelta:
        return _duration(_exactly(str, plain))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(plain)
    return _exactly(hint, plain)


def _exactly(kind: type, plain: Any) -> Any:
    if type(plain) is not kind:
        raise TypeError(f"{plain!r} is not a {kind.__name__}")
    return plain


def _optional(plain: Any, kinds: tuple[Any, ...], base: Path) -> Any:
    if plain is None and type(None) in kinds:
        return None
    if IPv4Address in kinds:
        return ip_address(_exactly(str, plain))
    if IPv4Network in kinds:
        return ip_network(_exactly(str, plain))
    [kind] = [kind for kind in kinds if kind is not type(None)]
    return _value(plain, kind, base)


def _dataclass(plain: dict[str, Any], cls: Any, base: Path) -> Any:
    hints = _hints(cls)
    if unknown := set(plain) - set(hints):
        raise ValueError(f"unknown {', '.join(sorted(unknown))} in {cls.__name__}")
    paths = PATHS.get(cls, frozenset())
    return cls(
        **{
            name: _absolute(each, base) if name in paths and each is not None else _value(each, hints[name], base)
            for name, each in plain.items()
        }
    )


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(-?[0-9]+)(us|ms|s|m|h|d)", text)
    if not match:
        raise ValueError(f"{text!r} is not a duration")
    return timedelta(microseconds=int(match[1]) * _MICROSECONDS[match[2]])
