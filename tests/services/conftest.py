"""Projects to work in."""

from __future__ import annotations

from tests.cli.driving import desk, empty_desk, made_once, read_once

__all__ = ["desk", "empty_desk", "made_once", "read_once"]
