"""A network OS as data: for each intent the command, its undo, and how the answer is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

RUN_PLACEHOLDERS = ("run", "token", "until", "seconds")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_SAFE_VALUE = re.compile(r"[\w .:/@%+,=;\[\]()-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReadIntent:
    """A command that only reads. `fields` maps our names to JMESPath expressions over its JSON output.

    A field that the output does not hold is None: unknown, never a default.
    """

    command: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ActionIntent:
    """A command that changes a router, and the one that takes exactly that back. `message` fills `{message}`."""

    command: str
    undo: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class DeadMan:
    """A timer on the router that restores by itself. `free`: independent of the write; `bound`: arming is the write.

    `status` prints `armed SECONDS-LEFT`, `dead`, `fired`, `cancelled` or `none`; `cancel` exits with 3 when too late.
    `each` wraps one undo, so that the timer tries it again while the router cannot take it.
    """

    kind: str
    arm: str
    status: str
    cancel: str
    each: str
    minimum: timedelta
    maximum: timedelta


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform file. `counter_refresh` is how old interface counters may be; `deny` are patterns never sent."""

    name: str
    title: str
    role: str
    counter_refresh: timedelta
    reads: Mapping[str, ReadIntent]
    actions: Mapping[str, ActionIntent]
    deadman: DeadMan | None
    deny: tuple[str, ...]


def fill(template: str, values: Mapping[str, str], *, raw: Mapping[str, str] | None = None) -> str:
    """Put `values` in place of `{name}`; the run's own placeholders stay where they have no value yet.

    Raises ValueError for an unknown placeholder, and for a value that could end a quoted word. `raw` values are
    commands that were rendered by this function, and go in as they are.
    """
    commands = raw or {}

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name in commands:
            return commands[name]
        if name in values:
            if not _SAFE_VALUE.fullmatch(values[name]):
                raise ValueError(f"{name} = {values[name]!r} holds a character that no command may carry")
            return values[name]
        if name in RUN_PLACEHOLDERS:
            return match[0]
        raise ValueError(f"placeholder {{{name}}} has no value")

    return _PLACEHOLDER.sub(replacement, template)


def placeholders(template: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(template))


@dataclass(frozen=True, slots=True)
class AllowList:
    """What may be sent to one router: these texts, whole and exact, and nothing that a deny pattern finds."""

    texts: frozenset[str]
    deny: tuple[str, ...] = field(default=())

    def objection(self, command: str) -> str | None:
        """Why `command` may not be sent, or None. Default deny."""
        for pattern in self.deny:
            if re.search(pattern, command):
                return f"it matches the platform's deny pattern {pattern!r}"
        if command not in self.texts:
            return "it is not one of the plan's commands"
        return None
