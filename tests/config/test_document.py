"""YAML is read as text with lines, and everything that could mean two things is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from maintsched.config.document import SIZE_LIMIT, Document, parse, read
from maintsched.errors import InvalidInput, NotFound

HERE = Path("maintsched.yaml")

REFUSED = {
    "empty": (b"", "1: the file is empty"),
    "only a comment": (b"# nothing\n", "1: the file is empty"),
    "only a document mark": (b"---\n", "1: the file is empty"),
    "a list": (b"- a\n- b\n", "1: the file is not a mapping"),
    "a text": (b"a\n", "1: the file is not a mapping"),
    "not UTF-8": (b"a: 1\nb: \xff\n", "2: the bytes here are not UTF-8"),
    "a control character": (b"a: 1\nb: x\x00y\n", "2: a control character"),
    "a tab": (b"a:\n\tb: 1\n", "2: a tab where only spaces may stand"),
    "not closed": (b"a: [1,\n", "2: not YAML"),
    "two documents": (b"a: 1\n---\nb: 2\n", "2: a second document begins here"),
    "a key twice": (b"a: 1\nb: 2\na: 3\n", "3: a: the key stands twice, first in line 1"),
    "a key twice, quoted": (b'1: x\n"1": y\n', "2: 1: the key stands twice, first in line 1"),
    "a key twice, below": (b"a:\n  b: 1\n  b: {c: [d]}\n", "3: a.b: the key stands twice, first in line 2"),
    "a merge key": (b"a:\n  <<: {b: 1}\n", "2: a.<<: a merge key"),
    "a tag": (b"a: !!python/name:os.system x\n", "1: a: a tag (!!python/name:os.system)"),
    "a tag of its own": (b"a:\n  - !env X\n", "2: a[0]: a tag (!env)"),
    "a list as key": (b"? [a]\n: b\n", "1: a key that is a list or a mapping"),
    "too deep": (b"a: " + b"[" * 5000, "1: nested deeper than 20 levels"),
    "too large": (b"a: " + b"x" * SIZE_LIMIT, "1: the file has 1048579 bytes"),
}


@pytest.mark.parametrize(("raw", "start"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_plain_yaml_is_refused_with_its_line(raw: bytes, start: str) -> None:
    _, problems = parse(HERE, raw)
    assert [str(problem).removeprefix("maintsched.yaml:")[: len(start)] for problem in problems] == [start]
    assert "; allowed: " in str(problems[0])


def test_anchors_and_aliases_are_refused_so_that_nothing_multiplies() -> None:
    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    document, problems = parse(HERE, bomb)
    assert [(problem.line, problem.what.partition(" (")[0]) for problem in problems] == [
        (1, "an anchor"),
        (2, "an anchor"),
        (2, "an alias"),
        (2, "an alias"),
        (3, "an alias"),
        (3, "an alias"),
    ]
    assert document.tree["c"] == ["", ""]


def test_every_scalar_stays_the_text_that_it_is() -> None:
    words = ["no", "12:30", "1.10", "0912345", "1E5", "~", "null", "2027-06-30", "0x1F", "1_000", ".inf", "=", "yes"]
    document, problems = parse(HERE, f"a: [{', '.join(words)}]\nb:\n".encode())
    assert problems == ()
    assert document.tree == {"a": words, "b": ""}


def read_lines(text: str) -> Document:
    document, problems = parse(HERE, text.encode())
    assert problems == ()
    return document


def test_every_key_and_item_knows_its_line() -> None:
    document = read_lines("\ufeffa: 1\n\n# between\nb:\n  - x\n  - {c: 1,\n     d: 2}\n'e': |\n  text\n  more\nf: g\n")
    assert document.lines == {
        ("a",): 1,
        ("b",): 4,
        ("b", 0): 5,
        ("b", 1): 6,
        ("b", 1, "c"): 6,
        ("b", 1, "d"): 7,
        ("e",): 8,
        ("f",): 11,
    }


def test_a_key_that_is_not_there_has_the_line_of_the_one_above() -> None:
    document = read_lines("a: 1\nb:\n  c: 2\n")
    assert (document.line(("b", "missing")), document.line(("missing",))) == (2, 1)


def test_list_items_go_by_their_name() -> None:
    document = read_lines("calendars:\n  - {name: equinix, from: x}\n  - {from: y}\n")
    assert document.label(("calendars", 0, "from")) == "calendars.equinix.from"
    assert document.label(("calendars", 1, "from")) == "calendars[1].from"


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read(tmp_path / "nosuch.yaml")
    assert "nosuch.yaml" in caught.value.message
    assert "maintsched init" in caught.value.hint


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read(tmp_path)
