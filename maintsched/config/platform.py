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
from maintsched.domain.platform import ActionIntent, DeadMan, Platform, ReadIntent, placeholders
from maintsched.errors import ConfigInvalid, InvalidInput

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Read(_Shape):
    command: str
    fields: dict[str, str]

    @field_validator("fields")
    @classmethod
    def _expressions(cls, fields: dict[str, str]) -> dict[str, str]:
        for name, expression in fields.items():
            try:
                jmespath.compile(re.sub(r"\{[a-z_]+\}", "x", expression))
            except JMESPathError as error:
                raise ValueError(f"{name} is no JMESPath expression: {error}") from error
        return fields


class _Action(_Shape):
    command: str
    undo: str  # an action without undo does not load
    message: str = ""


class _DeadMan(_Shape):
    kind: Literal["free", "bound"]
    arm: str
    status: str
    cancel: str
    minimum: str
    maximum: str

    @model_validator(mode="after")
    def _complete(self) -> _DeadMan:
        for name, needed in (("arm", {"token", "seconds", "restore"}), ("status", {"token"}), ("cancel", {"token"})):
            missing = needed - placeholders(getattr(self, name))
            if missing:
                raise ValueError(f"{name} needs {', '.join(sorted(missing))}")
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
