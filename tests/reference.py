"""Writes `docs/json.md` from the models of the `--json` documents: `python -m tests.reference`."""

from __future__ import annotations

import sys
import typing
from pathlib import Path
from types import NoneType, UnionType

from pydantic import BaseModel

from maintsched.services.answers import DOCUMENTS
from maintsched.services.documents import Refusal

PAGE = Path(__file__).parent.parent / "docs" / "json.md"

HEAD = """# JSON documents

Every command takes `--json` and prints one document. Lists are objects too:
`{"as_of", "stale": [sources], "<rows>": [...]}`. Times are UTC (`2026-12-09T01:00:00Z`), numbers of milliseconds end in
`_ms`, ids are texts, what could not be measured is `null`, never 0. An error without a run is
`{"error": {"kind", "message", "hint"}}`. A refused booking (exit 3) is a [Refusal](#refusal). Keys only grow.

This page is generated from the models (`python -m tests.reference`); a test holds it current.
"""


def page() -> str:
    """The whole page as Markdown: what each command prints, then every document."""
    commands = [f"| `{command}` | [{_name(model)}](#{_name(model).lower()}) |" for command, model in DOCUMENTS.items()]
    models: list[type[BaseModel]] = []
    tops: list[type[BaseModel]] = [*DOCUMENTS.values(), Refusal]
    for model in tops:
        models += [each for each in (model, *_inner(model)) if each not in models]
    tables = [f"## {_name(model)}\n\n{_table(model)}" for model in sorted(models, key=_name)]
    return "\n".join([HEAD, "| command | document |\n|---|---|", *commands, "", *tables])


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
    words: dict[object, str] = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        object: "anything",
        typing.Any: "anything",
    }
    if origin is dict:
        return "mapping"
    return words[annotation]


def _name(model: type[BaseModel]) -> str:
    return model.__name__.removesuffix("Document")


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.exit(0)
