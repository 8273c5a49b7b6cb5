"""What is wrong in a file: one line each, with file, line, key, reason and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Key = tuple[str | int, ...]


class Wrong(ValueError):
    """A text that is not what its key needs: `what` is wrong, and what is `allowed`."""

    def __init__(self, what: str, allowed: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.allowed = allowed


@dataclass(frozen=True)
class Problem:
    """One problem of one file; `key` is the printed key path, empty where the whole file is meant."""

    path: str
    line: int
    key: str
    what: str
    allowed: str = ""

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{self.path}:{self.line}:{key} {self.what}{allowed}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'uk-ld4'?`, or nothing when no known name is near."""
    names = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(name.casefold(), names, n=1, cutoff=0.6)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def listed(names: Iterable[str], none: str = "nothing is defined yet") -> str:
    """The names as they are printed after `allowed:`."""
    found = list(names)
    shown = ", ".join(found[:20]) + (f" … ({len(found)} in all)" if len(found) > 20 else "")
    return shown or none


def in_order(problems: Iterable[Problem], first: str) -> tuple[str, ...]:
    """The problems as lines, without repetition: those of the file `first` before those of others, by line number."""
    ordered = sorted(problems, key=lambda problem: (problem.path != first, problem.path, problem.line, problem.key))
    return tuple(dict.fromkeys(str(problem) for problem in ordered))
