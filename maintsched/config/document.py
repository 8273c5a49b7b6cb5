"""YAML as a plain tree of mappings, lists and texts, with the line of every key. Every scalar stays text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from maintsched.config.problems import Key, Problem
from maintsched.errors import InvalidInput, NotFound

Tree = dict[str, "Tree"] | list["Tree"] | str

SIZE_LIMIT = 1024 * 1024
DEPTH_LIMIT = 20


@dataclass(frozen=True)
class Document:
    """A YAML file as read. `lines` holds the line (from 1) of each key and list item by its path."""

    path: Path
    tree: dict[str, Tree]
    lines: dict[Key, int] = field(default_factory=dict)

    def line(self, key: Key) -> int:
        """The line of `key`, or of the nearest key above it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def has(self, *key: str | int) -> bool:
        return key in self.lines

    def label(self, key: Key) -> str:
        """The key path as it is printed: `routers.edge1.port`; a list item goes by its `name`, else `[0]`."""
        text, node = "", self.tree if self.tree else None
        for part in key:
            child: Tree | None = None
            if isinstance(node, dict) and isinstance(part, str):
                child = node.get(part)
            elif isinstance(node, list) and isinstance(part, int) and part < len(node):
                child = node[part]
            name = child.get("name") if isinstance(part, int) and isinstance(child, dict) else None
            step = name if isinstance(name, str) and name else part
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
            node = child  # type: ignore[assignment]  # a mapping, a list, a text or nothing
        return text

    def problem(self, key: Key, what: str, allowed: str = "") -> Problem:
        return Problem(str(self.path), self.line(key), self.label(key), what, allowed)


def read(path: Path) -> tuple[Document, tuple[Problem, ...]]:
    """The file and what is wrong with it as YAML. Raises NotFound, or InvalidInput where it cannot be read at all."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file", "`maintsched init` writes a commented maintsched.yaml") from error
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be read: {error.strerror}", "give a file that this user may read"
        ) from error
    return parse(path, raw)


def parse(path: Path, raw: bytes) -> tuple[Document, tuple[Problem, ...]]:
    """As `read`, from bytes that are already there."""
    builder = _Builder(str(path))
    tree: Tree = {}
    try:
        tree = builder.document(_text(raw))
    except _Unreadable as error:
        builder.note(error.line, (), error.what, error.allowed)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        builder.note(mark.line + 1 if mark else 1, (), *_syntax(error))
    except yaml.reader.ReaderError as error:
        line = _text(raw).count("\n", 0, error.position) + 1
        builder.note(line, (), "a control character", "printable text; a multi-line text with `|`")
    if not builder.problems and not isinstance(tree, dict):
        builder.note(1, (), "the file is not a mapping", "`key: value` lines")
    keep = tree if isinstance(tree, dict) else {}
    return Document(path, keep, builder.lines), tuple(builder.problems)


class _Unreadable(Exception):
    def __init__(self, line: int, what: str, allowed: str) -> None:
        super().__init__(what)
        self.line, self.what, self.allowed = line, what, allowed


def _text(raw: bytes) -> str:
    if len(raw) > SIZE_LIMIT:
        raise _Unreadable(1, f"the file has {len(raw)} bytes", f"at most {SIZE_LIMIT} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Unreadable(line, "the bytes here are not UTF-8", "save the file as UTF-8") from error


def _syntax(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    what = " ".join(part for part in (error.context, error.problem) if part) or "not YAML"
    if "'\\t'" in what:
        return "a tab where only spaces may stand", "indent with spaces"
    return f"not YAML: {what}", "quote a text that holds `: `, ` #`, or begins with one of * & ! | > % @ ` [ {"


def _joined(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class _Builder:
    """Builds the tree from the parser's events. Aliases are refused, so nothing can multiply."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: dict[Key, int] = {}
        self.problems: list[Problem] = []

    def note(self, line: int, key: Key, what: str, allowed: str) -> None:
        self.problems.append(Problem(self.path, line, _joined(key), what, allowed))

    def document(self, text: str) -> Tree:
        events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            raise _Unreadable(1, "the file is empty", "`key: value` lines")
        first = next(events)
        tree = self._node(first, events, ())
        next(events)  # the document's end
        following = next(events)
        if not isinstance(following, yaml.StreamEndEvent):
            line = _line(following)
            raise _Unreadable(line, "a second document begins here (`---`)", "one document per file")
        if tree == "":
            raise _Unreadable(1, "the file is empty", "`key: value` lines")
        return tree

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], key: Key) -> Tree:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            self.note(line, key, f"an alias (*{event.anchor})", "write the value out again")
            return ""
        if len(key) > DEPTH_LIMIT:
            raise _Unreadable(
                line, f"nested deeper than {DEPTH_LIMIT} levels", "the keys of `maintsched inventory schema`"
            )
        self._refuse_marks(event, key, line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, key)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, key)
        assert isinstance(event, yaml.ScalarEvent)
        return str(event.value)

    def _refuse_marks(self, event: yaml.Event, key: Key, line: int) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor:
            self.note(line, key, f"an anchor (&{anchor})", "plain values; write a repeated one out again")
        if tag:
            self.note(line, key, f"a tag ({tag.replace('tag:yaml.org,2002:', '!!')})", "plain values")

    def _mapping(self, events: Iterator[yaml.Event], key: Key) -> Tree:
        result: dict[str, Tree] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            line = _line(event)
            name = self._node(event, events, key)
            if not isinstance(name, str):
                raise _Unreadable(line, "a key that is a list or a mapping", "a text as key")
            inner = (*key, name)
            if name in result:
                self.note(line, inner, f"the key stands twice, first in line {self.lines[inner]}", "each key once")
                scratch = _Builder(self.path)  # its content is read past, not kept
                scratch._node(next(events), events, inner)
                continue
            if name == "<<":
                self.note(line, inner, "a merge key", "write the keys out in each place")
            self.lines[inner] = line
            result[name] = self._node(next(events), events, inner)
        result.pop("<<", None)
        return result

    def _sequence(self, events: Iterator[yaml.Event], key: Key) -> Tree:
        result: list[Tree] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            inner = (*key, len(result))
            self.lines[inner] = _line(event)
            result.append(self._node(event, events, inner))
        return result
