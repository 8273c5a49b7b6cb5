"""Two inventories side by side, in the words of the config file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from maintsched.config.values import duration_text, speed_text
from maintsched.domain.inventory import Inventory

# What the file calls otherwise than the domain.
_FILE_WORDS = {"sources": "calendars", "location": "from"}


def differing(old: Inventory | None, new: Inventory) -> tuple[str, ...]:
    """Lines such as `circuits.uk-ld4.speed: 1G → 10G`, `circuits.x: removed`; none where both say the same."""
    lines: list[str] = []
    for field in fields(Inventory):
        before = getattr(old, field.name) if old is not None else None
        lines += _compared(_FILE_WORDS.get(field.name, field.name), before, getattr(new, field.name))
    return tuple(lines)


def _compared(key: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(new, Mapping) and (isinstance(old, Mapping) or old is None):
        yield from _by_name(key, old or {}, new)
    elif _is_record(old) and _is_record(new):
        for field in fields(new):
            name = _FILE_WORDS.get(field.name, field.name)
            yield from _compared(f"{key}.{name}", getattr(old, field.name), getattr(new, field.name))
    elif isinstance(old, tuple) and isinstance(new, tuple) and any(map(_is_record, old + new)):
        yield from _by_place(key, old, new)
    elif _is_record(old) or _is_record(new):
        yield f"{key}: {'removed' if new is None else 'added'}"
    else:
        speed = key.endswith(".speed")
        yield f"{key}: {_shown(old, speed)} → {_shown(new, speed)}"


def _by_name(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield f"{key}.{name}: removed"
        elif name not in old:
            value = new[name]
            yield f"{key}.{name}: added" if _is_record(value) else f"{key}.{name}: none → {_shown(value)}"
        else:
            yield from _compared(f"{key}.{name}", old[name], new[name])


def _by_place(key: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[str]:
    for index in range(max(len(old), len(new))):
        if index >= len(new):
            yield f"{key}[{index}]: removed"
        elif index >= len(old):
            yield f"{key}[{index}]: added"
        else:
            yield from _compared(f"{key}[{index}]", old[index], new[index])


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _shown(value: Any, speed: bool = False) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(each) for each in value)}]"
    return speed_text(value) if speed else str(value)
