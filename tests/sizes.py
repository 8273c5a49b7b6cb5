"""No file grows past what a reader can hold, no function past a screen: checked, with the exceptions named here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60
LONG_FUNCTIONS = 40
LONG_FUNCTIONS_ALLOWED = 8  # "few functions beyond 40": this many, in all


def problems(root: Path) -> list[str]:
    """One line for each file and function that is too long."""
    found = []
    long: list[str] = []
    for path in sorted([*root.glob("maintsched/**/*.py"), *root.glob("tests/**/*.py")]):
        name = path.relative_to(root)
        text = path.read_text()
        lines = text.count("\n")
        if lines > FILE_LINES:
            found.append(f"{name}: {lines} lines, allowed {FILE_LINES}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION_LINES:
                    found.append(f"{name}:{node.lineno}: {node.name} has {size} lines, allowed {FUNCTION_LINES}")
                elif size > LONG_FUNCTIONS:
                    long.append(f"{name}:{node.lineno}: {node.name} has {size} lines")
    if len(long) > LONG_FUNCTIONS_ALLOWED:
        found += [f"{len(long)} functions over {LONG_FUNCTIONS} lines, allowed {LONG_FUNCTIONS_ALLOWED}:", *long]
    return found


if __name__ == "__main__":
    too_long = problems(Path(__file__).parent.parent)
    sys.exit("\n".join(too_long) or 0)
