"""Platform files (YAML) to domain values. A broken one is our own fault, but is reported like any other file."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from maintsched import platforms
from maintsched.config import document
from maintsched.domain.platform import (
    RUN_PLACEHOLDERS,
    ActionIntent,
    DeadMan,
    Platform,
    ReadIntent,
    fill,
    placeholders,
)
from maintsched.errors import ConfigInvalid, InvalidInput

_PLACEHOLDER = r"\{[a-z_]+\}"
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
# What the plan knows when it fills in a command; anything else would be found out only then.
_READ_VALUES = frozenset({"neighbor", "prefix", "address", "interface", "run"})
_ACTION_VALUES = frozenset({"neighbor", "local_as", "message", *RUN_PLACEHOLDERS})
_DEADMAN_VALUES = frozenset({"restore", *RUN_PLACEHOLDERS})


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known(template: str, values: frozenset[str]) -> str:
    unknown = placeholders(template) - values
    if unknown:
        raise ValueError(f"there is no {{{min(unknown)}}}; there are: {', '.join(sorted(values))}")
    return template


class _Read(_Shape):
    command: str
    fields: dict[str, str]

    @field_validator("command")
    @classmethod
    def _values(cls, command: str) -> str:
        return _known(command, _READ_VALUES)

    @field_validator("fields")
    @classmethod
    def _expressions(cls, fields: dict[str, str]) -> dict[str, str]:
        for name, expression in fields.items():
            try:
                jmespath.compile(re.sub(_PLACEHOLDER, "x", expression))
            except JMESPathError as error:
                reason = " ".join(str(error).split())  # it draws a pointer over several lines
                raise ValueError(f"{name} is no JMESPath expression: {reason}") from error
            _known(expression, _READ_VALUES)
        return fields


class _Action(_Shape):
    command: str
    undo: str  # an action without undo does not load
    message: str = ""

    @field_validator("command", "undo")
    @classmethod
    def _values(cls, command: str) -> str:
        return _known(command, _ACTION_VALUES)

    @field_validator("message")
    @classmethod
    def _one_word(cls, message: str) -> str:
        """It goes between quotes as it is."""
        fill("{text}", {"text": re.sub(_PLACEHOLDER, "", _known(message, frozenset({"run", "until"})))})
        return message


class _DeadMan(_Shape):
    kind: Literal["free", "bound"]
    arm: str
    status: str
    cancel: str
    each: str = "{undo}"
    minimum: str
    maximum: str

    @field_validator("each")
    @classmethod
    def _undoes(cls, each: str) -> str:
        if placeholders(each) != {"undo"}:
            raise ValueError("each needs {undo}, and nothing else")
        return each

    @field_validator("minimum", "maximum")
    @classmethod
    def _durations(cls, text: str) -> str:
        _duration(text)
        return text

    @model_validator(mode="after")
    def _complete(self) -> _DeadMan:
        for name, needed in (("arm", {"token", "seconds", "restore"}), ("status", {"token"}), ("cancel", {"token"})):
            missing = needed - placeholders(getattr(self, name))
            if missing:
                raise ValueError(f"{name} needs {', '.join(sorted(missing))}")
            _known(getattr(self, name), _DEADMAN_VALUES)
        return self


class _File(_Shape):
    name: str
    title: str
    role: str
    counter_refresh: str
    reads: dict[str, _Read]
    actions: dict[str, _Action]
    deadman: _DeadMan | None = None
    deny: tuple[str, ...]

    @field_validator("counter_refresh")
    @classmethod
    def _refresh(cls, text: str) -> str:
        _duration(text)
        return text

    @field_validator("deny")
    @classmethod
    def _patterns(cls, deny: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in deny:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return deny


def load_platform(name: str) -> Platform:
    """The platform `name`. Raises InvalidInput when there is no such file, ConfigInvalid when it is broken."""
    if name not in platforms.names():
        raise InvalidInput(f"there is no platform {name}", f"there are: {', '.join(platforms.names())}")
    return parse_platform(platforms.file_of(name).read_bytes(), f"platforms/{name}.yaml")


def parse_platform(data: bytes, where: str) -> Platform:
    """A platform file's bytes; `where` names it in errors."""
    tree, problems = document.parse(Path(where), data)
    if problems:
        raise ConfigInvalid(tuple(str(problem) for problem in problems))
    try:
        shape = _File.model_validate(tree.tree)
        return _domain(shape)
    except ValidationError as error:
        lines = tuple(str(tree.problem(tuple(item["loc"]), item["msg"])) for item in error.errors())
        raise ConfigInvalid(lines) from error


def _domain(shape: _File) -> Platform:
    deadman = shape.deadman
    return Platform(
        name=shape.name,
        title=shape.title,
        role=shape.role,
        counter_refresh=_duration(shape.counter_refresh),
        reads={name: ReadIntent(read.command, read.fields) for name, read in shape.reads.items()},
        actions={name: ActionIntent(a.command, a.undo, a.message) for name, a in shape.actions.items()},
        deadman=None
        if deadman is None
        else DeadMan(
            deadman.kind,
            deadman.arm.rstrip("\n"),
            deadman.status.rstrip("\n"),
            deadman.cancel.rstrip("\n"),
            deadman.each,
            _duration(deadman.minimum),
            _duration(deadman.maximum),
        ),
        deny=shape.deny,
    )


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)(ms|s|m|h)", text)
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
