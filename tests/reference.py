"""`docs/json.md` is written from the models that every `--json` document is validated with: `python -m tests.reference`."""

from __future__ import annotations

import sys
import typing
from pathlib import Path
from types import NoneType, UnionType

from pydantic import BaseModel

from maintsched.services import documents

PAGE = Path(__file__).parent.parent / "docs" / "json.md"

COMMANDS = {
    "window check": documents.Check,
    "window book, where it is refused (exit 3)": documents.Refusal,
    "window book, show, cancel": documents.WindowDocument,
    "window suggest": documents.Suggestions,
    "calendar import": documents.ImportDocument,
    "calendar list: `maintenances`, show": documents.MaintenanceDocument,
    "calendar review: `notices`": documents.NoticeDocument,
    "drill run, show": documents.RunDocument,
}

HEAD = """# JSON documents

Every command takes `--json` and prints one document. Lists are objects too: `{"as_of", "stale": [sources], "<rows>": [...]}`.
Times are UTC (`2026-12-09T01:00:00Z`), numbers of milliseconds end in `_ms`, ids are texts, what could not be measured is
`null`, never 0. An error without a run is `{"error": {"kind", "message", "hint"}}`. Keys are added, never renamed.

This page is generated from the models (`python -m tests.reference`); a test holds it current.
"""


def page() -> str:
    """The whole page as Markdown."""
    seen: list[type[BaseModel]] = []
    parts = [HEAD]
    for command, model in COMMANDS.items():
        parts.append(f"## {command}\n\n{_table(model)}")
        seen += [inner for inner in _inner(model) if inner not in seen]
    parts.append("## Parts\n")
    parts += [f"### {_name(model)}\n\n{_table(model)}" for model in seen]
    return "\n".join(parts)


def _inner(model: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found += [part, *_inner(part)]
    return list(dict.fromkeys(found))


def _parts(annotation: object) -> list[object]:
    inner = typing.get_args(annotation)
    return [annotation] if not inner else [part for each in inner for part in _parts(each)]


def _table(model: type[BaseModel]) -> str:
    rows = [f"| `{field.alias or name}` | {_type(field.annotation)} |" for name, field in model.model_fields.items()]
    return "| key | value |\n|---|---|\n" + "\n".join(rows) + "\n"


def _type(annotation: object) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin in (typing.Union, UnionType):
        return " or ".join(_type(part) for part in inner)
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{_name(annotation)}](#{_name(annotation).lower()})"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[typing.cast(type, annotation)]


def _name(model: type[BaseModel]) -> str:
    return model.__name__.removesuffix("Document")


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.exit(0)
