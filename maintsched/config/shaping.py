"""A document's tree against a pydantic shape: what does not fit, as problems with lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from maintsched.config.document import Document
from maintsched.config.editor import editor_schema, part_of
from maintsched.config.problems import Key, Problem, Wrong, did_you_mean, listed

Model = TypeVar("Model", bound=BaseModel)


def shaped(document: Document, model: type[Model]) -> tuple[Model | None, tuple[Problem, ...]]:
    """The whole document as `model`, or what keeps it from being one."""
    try:
        return model.model_validate(document.tree), ()
    except ValidationError as error:
        schema = editor_schema(model)
        found = error.errors(include_url=False, include_context=True)
        return None, tuple(_problem(document, schema, dict(item)) for item in found if not _counted_short(dict(item)))


def fitting(tree: object, model: type[Model]) -> Model | None:
    """One entry as `model`; None where it does not fit (`shaped` has said why)."""
    try:
        return model.model_validate(tree)
    except ValidationError:
        return None


def _counted_short(error: dict[str, Any]) -> bool:
    """pydantic counts only entries that fit; a list of misfits is not empty, and each misfit is told by itself."""
    return "too_short" in error["type"] and bool(error["input"])


def _problem(document: Document, schema: dict[str, Any], error: dict[str, Any]) -> Problem:
    key: Key = tuple(part for part in error["loc"] if part != "[key]")
    kind, cause = error["type"], error.get("ctx", {}).get("error")
    if isinstance(cause, Wrong):
        return document.problem(key, cause.what, cause.allowed)
    if kind == "extra_forbidden":
        known = list(part_of(schema, key[:-1]).get("properties", {}))
        return document.problem(key, f"unknown key{did_you_mean(str(key[-1]), known)}", listed(known))
    described = part_of(schema, key)
    if kind == "missing":
        return document.problem(key, "is missing", _allowed(described))
    if kind in ("too_short", "tuple_too_short"):
        return document.problem(
            key, "is empty", f"at least one entry: {described.get('description', 'see the schema')}"
        )
    return document.problem(key, _not_fitting(kind, error["input"]), _allowed(described))


def _not_fitting(kind: str, given: object) -> str:
    if isinstance(given, Mapping):
        actual = "a mapping"
    elif isinstance(given, list):
        actual = "a list"
    else:
        actual = "empty" if given == "" else "a single value"
    wanted = (
        "a mapping" if "dict" in kind or "model" in kind else "a list" if "tuple" in kind or "list" in kind else "this"
    )
    return f"is {actual}, not {wanted}"


def _allowed(described: dict[str, Any]) -> str:
    """What may stand there, in words, from the schema."""
    if "enum" in described:
        return ", ".join(described["enum"])
    if described.get("type") == "object":
        keys = listed(described.get("properties", {}), none=described.get("description", "entries by name"))
        return f"a mapping with {keys}"
    if described.get("type") == "array":
        items = described.get("description") or described.get("items", {}).get("description") or "entries"
        return f"a list in [ ] or with - : {items}"
    if "minimum" in described:
        return f"a whole number from {described['minimum']} to {described['maximum']}"
    return str(described.get("description", ""))
