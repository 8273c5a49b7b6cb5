"""The JSON Schema of the config file (draft 2020-12), for editors and for our own error messages."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from maintsched.config.problems import Key
from maintsched.config.values import duration_text


class _ForEditors(GenerateJsonSchema):
    """Defaults as the file would write them; a key is left out rather than null; odd names are errors."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        result = super().dict_schema(schema)
        if "patternProperties" in result:
            result.pop("propertyNames", None)
            result["additionalProperties"] = False
        return result

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        inner = self.generate_inner(schema["schema"])
        default = _written(schema.get("default"))
        return inner if default in (None, "", {}, []) else {**inner, "default": default}


def _written(default: Any) -> Any:
    if isinstance(default, timedelta):
        return duration_text(default)
    if isinstance(default, BaseModel):
        return {name: _written(value) for name, value in default if value not in (None, "", (), {})}
    return list(default) if isinstance(default, tuple) else default


@cache
def editor_schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=_ForEditors)
    _without_titles(schema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def _without_titles(node: Any) -> None:
    # Titles made from Python names say nothing; a key that is called `title` holds a mapping and stays.
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _without_titles(child)
    elif isinstance(node, list):
        for child in node:
            _without_titles(child)


def part_of(schema: dict[str, Any], key: Key) -> dict[str, Any]:
    """The part of the schema that describes `key`; empty where there is none."""
    node = schema
    for step in ((), *((part,) for part in key)):
        if step:
            node = _child(node, step[0])
        reference = node.get("$ref", "")
        if reference:
            node = {**schema["$defs"][reference.rpartition("/")[2]], **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def _child(node: dict[str, Any], part: str | int) -> dict[str, Any]:
    if isinstance(part, int):
        return dict(node.get("items", {}))
    if part in node.get("properties", {}):
        return dict(node["properties"][part])
    named = list(node.get("patternProperties", {}).values()) or [node.get("additionalProperties")]
    return dict(named[0]) if isinstance(named[0], dict) else {}
