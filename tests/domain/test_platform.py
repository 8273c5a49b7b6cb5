"""Filling in commands, and the allow-list that lets out nothing else."""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maintsched.domain.platform import RUN_PLACEHOLDERS, AllowList, fill, placeholders
from tests.services.planned import DUAL_STACK, allowed, planned


def test_values_take_the_place_of_their_placeholders() -> None:
    command = "vtysh -c 'router bgp {local_as}' -c 'no neighbor {neighbor} shutdown' -c '{neighbor}'"
    filled = fill(command, {"local_as": "64620", "neighbor": "fd00:4::2"})
    assert filled == "vtysh -c 'router bgp 64620' -c 'no neighbor fd00:4::2 shutdown' -c 'fd00:4::2'"


@pytest.mark.parametrize("name", RUN_PLACEHOLDERS)
def test_what_only_the_run_knows_stays_until_the_run(name: str) -> None:
    assert fill(f"x {{{name}}} y", {}) == f"x {{{name}}} y"
    assert fill(f"x {{{name}}} y", {name: "1"}) == "x 1 y"


def test_a_placeholder_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\{neighbour\} has no value"):
        fill("neighbor {neighbour} shutdown", {"neighbor": "10.210.4.2"})


@pytest.mark.parametrize("text", ["a'b", 'a"b', "a\nb", "a\rb", "$(id)", "a`id`", "a\\b", "a|b", "a>b", "a<b", "a&b",
                                  "a*", "a?b", "{run}", "a!b", "a\0b", "a\tb", "ä", "a#b", "~"])  # fmt: skip
def test_a_value_that_could_leave_its_quotes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="holds a character that no command may carry"):
        fill("neighbor '{neighbor}'", {"neighbor": text})


@given(st.text(max_size=20))
def test_whatever_is_filled_in_stays_one_quoted_word_of_a_shell(text: str) -> None:
    import shlex

    try:
        filled = fill("'{neighbor}'", {"neighbor": text})
    except ValueError:
        return
    assert shlex.split(filled) == [text]


def test_a_command_rendered_before_goes_in_as_it_is() -> None:
    undo = fill("vtysh -c 'no neighbor {neighbor} shutdown'", {"neighbor": "10.210.4.2"})
    assert fill("sleep {seconds}; {restore}", {}, raw={"restore": undo}) == "sleep {seconds}; " + undo


def test_braces_of_the_shell_and_of_awk_are_no_placeholders() -> None:
    text = "ip route get ${SSH_CONNECTION%% *} | awk '{ print }' {1}"
    assert fill(text, {}) == text
    assert placeholders(text + " {token}") == {"token"}


# The allow-list: taken from a real plan, two sessions on the circuit that is shut.


@cache
def _lists() -> dict[str, AllowList]:
    with TemporaryDirectory() as folder:
        return allowed(planned(Path(folder), DUAL_STACK))


PLANNED = sorted((router, text) for router, allow in _lists().items() for text in allow.texts)


def test_every_command_of_the_plan_may_be_sent_to_its_own_router() -> None:
    assert len(PLANNED) > 20
    for router, text in PLANNED:
        assert _lists()[router].objection(text) is None, text


def test_a_command_for_one_router_may_not_be_sent_to_another() -> None:
    shut = next(text for router, text in PLANNED if router == "edge1" and "shutdown message" in text)
    assert _lists()["edge2"].objection(shut) == "it is not one of the plan's commands"


MUTATIONS: dict[str, Callable[[str, int, str], str]] = {
    "a character taken out": lambda text, at, _: text[:at] + text[at + 1 :],
    "a character put in": lambda text, at, char: text[:at] + char + text[at:],
    "a character exchanged": lambda text, at, char: text[:at] + char + text[at + 1 :],
    "cut off": lambda text, at, _: text[:at],
    "a command behind it": lambda text, _, char: text + f"; {char}",
    "a command before it": lambda text, _, char: f"{char}; " + text,
    "upper case": lambda text, at, _: text[:at] + text[at:].upper(),
    "twice": lambda text, _at, _char: text + "\n" + text,
    "a blank behind it": lambda text, _at, _char: text + " ",
}


@given(
    st.sampled_from(PLANNED),
    st.sampled_from(sorted(MUTATIONS)),
    st.integers(0, 10**6),
    st.sampled_from(string.printable),
)
@example(PLANNED[0], "a blank behind it", 0, " ")
def test_a_command_that_differs_in_anything_is_refused(
    planned: tuple[str, str], mutation: str, place: int, char: str
) -> None:
    router, text = planned
    mutant = MUTATIONS[mutation](text, place % len(text), char)
    if mutant not in _lists()[router].texts:
        assert _lists()[router].objection(mutant) is not None


def test_nothing_may_be_sent_where_nothing_is_planned() -> None:
    assert AllowList(frozenset()).objection("date -u +[%s]") == "it is not one of the plan's commands"


def test_a_deny_pattern_wins_over_the_plan() -> None:
    allow = AllowList(frozenset({"vtysh -c 'write memory'"}), (r"\bwrite\b",))
    assert allow.objection("vtysh -c 'write memory'") == r"it matches the platform's deny pattern '\\bwrite\\b'"
