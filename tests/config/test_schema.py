"""The JSON Schema describes the file as an editor's YAML sees it."""

from __future__ import annotations

import re
from typing import Any

from maintsched import config


def part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = config.schema()["$defs"][name]["properties"]
    return found


def test_it_is_draft_2020_12_and_names_every_section() -> None:
    schema = config.schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["broker", "sites", "circuits", "groups"]
    assert {"routers", "calendars", "freezes", "policy", "probes", "drills", "contacts"} < set(schema["properties"])


def test_unknown_keys_are_errors_everywhere() -> None:
    schema = config.schema()
    assert schema["additionalProperties"] is False
    assert all(shape["additionalProperties"] is False for shape in schema["$defs"].values())
    assert schema["properties"]["circuits"]["additionalProperties"] is False
    assert schema["properties"]["circuits"]["minProperties"] == 1


def test_scalars_have_the_types_of_an_editors_yaml() -> None:
    assert part("SessionShape")["peer_as"]["type"] == "integer"
    assert part("SessionShape")["bfd"]["type"] == "boolean"
    assert part("CircuitShape")["account"]["type"] == ["string", "number", "boolean"]
    assert part("CircuitShape")["kind"]["enum"] == ["cross_connect", "direct_connect", "interconnect"]
    guard = part("PolicyShape")["guard"]
    assert (guard["type"], guard["default"]) == ("string", "30m")
    assert re.search(guard["pattern"], "90m")
    assert not re.search(guard["pattern"], "90")


def test_a_calendars_place_is_called_from() -> None:
    assert "from" in part("CalendarShape")
    assert "location" not in part("CalendarShape")


def test_a_secret_can_only_be_a_reference() -> None:
    password = part("RouterShape")["password"]
    assert (password["type"], password["maxProperties"], set(password["properties"])) == ("object", 1, {"env", "file"})


def test_who_changes_the_schema_changes_a_copy() -> None:
    config.schema()["properties"].clear()
    assert config.schema()["properties"]
