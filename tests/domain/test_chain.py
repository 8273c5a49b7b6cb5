"""The audit chain: what was written stays as it was written, or it shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maintsched.domain.chain import GENESIS, Link, canonical_json, chain_hash, first_break

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def chain(bodies: list[str]) -> list[Link]:
    """Rows as the store writes them."""
    links, previous = [], GENESIS
    for seq, body in enumerate(bodies, 1):
        sealed = chain_hash(previous, body)
        links.append(Link(seq, body, previous, sealed))
        previous = sealed
    return links


CHAINS = st.lists(TEXTS.map(canonical_json), min_size=3, max_size=6).map(chain)


def inside(links: list[Link]) -> st.SearchStrategy[int]:
    """The index of a row that others follow."""
    return st.integers(0, len(links) - 2)


@given(CHAINS)
def test_an_untouched_chain_holds(links: list[Link]) -> None:
    assert first_break(links) is None


def test_an_empty_chain_holds() -> None:
    assert first_break([]) is None


@given(st.data(), CHAINS, TEXTS.map(canonical_json))
def test_an_edited_row_is_found_and_named(data: st.DataObject, links: list[Link], other: str) -> None:
    at = data.draw(inside(links))
    assume(links[at].body != other)
    links[at] = replace(links[at], body=other)
    found = first_break(links)
    assert found is not None
    assert (found.seq, found.reason) == (at + 1, f"row {at + 1} was changed after it was written")


@given(st.data(), CHAINS, TEXTS.map(canonical_json))
def test_an_edit_that_seals_its_own_row_anew_is_found_at_the_next_row(
    data: st.DataObject, links: list[Link], other: str
) -> None:
    at = data.draw(inside(links))
    assume(links[at].body != other)
    links[at] = replace(links[at], body=other, hash=chain_hash(links[at].previous, other))
    found = first_break(links)
    assert found is not None
    assert found.seq == at + 2


@given(st.data(), CHAINS)
def test_a_row_that_names_another_before_it_is_found(data: st.DataObject, links: list[Link]) -> None:
    at = data.draw(st.integers(0, len(links) - 1))
    links[at] = replace(links[at], previous=links[at].hash)
    found = first_break(links)
    assert found is not None
    assert found.reason == f"row {at + 1} does not follow row {at}"


@given(st.data(), CHAINS)
def test_a_row_taken_out_of_the_middle_is_found(data: st.DataObject, links: list[Link]) -> None:
    at = data.draw(inside(links))
    del links[at]
    found = first_break(links)
    assert found is not None
    assert found.reason == f"row {at + 1} is missing; the next one is {at + 2}"


@given(st.data(), CHAINS)
def test_a_row_taken_out_is_found_though_the_others_are_numbered_anew(data: st.DataObject, links: list[Link]) -> None:
    at = data.draw(inside(links))
    del links[at]
    assert first_break([replace(link, seq=seq) for seq, link in enumerate(links, 1)]) is not None


@given(st.data(), CHAINS, TEXTS.map(canonical_json))
def test_a_row_slipped_in_is_found(data: st.DataObject, links: list[Link], body: str) -> None:
    at = data.draw(inside(links))
    previous = links[at].previous
    links.insert(at, Link(at + 1, body, previous, chain_hash(previous, body)))
    renumbered = [replace(link, seq=seq) for seq, link in enumerate(links, 1)]
    assert first_break(links) is not None
    assert first_break(renumbered) is not None


@given(st.data(), CHAINS)
def test_two_rows_exchanged_are_found(data: st.DataObject, links: list[Link]) -> None:
    first, second = data.draw(inside(links)), data.draw(st.integers(0, len(links) - 1))
    assume(first != second)
    links[first], links[second] = links[second], links[first]
    assert first_break(links) is not None
    assert first_break([replace(link, seq=seq) for seq, link in enumerate(links, 1)]) is not None


@given(st.data(), CHAINS)
def test_rows_cut_off_at_the_end_are_not_found_without_a_checkpoint(data: st.DataObject, links: list[Link]) -> None:
    """The limit of a chain by itself, stated: why heads are kept elsewhere."""
    assert first_break(links[: data.draw(st.integers(0, len(links)))]) is None


@given(VALUES)
def test_canonical_json_says_the_same_and_spells_it_one_way(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": {"d": None, "c": True}}, '{"a":{"c":true,"d":null},"b":1}'),
        ({"B": 1, "a": 2, "A": 3}, '{"A":3,"B":1,"a":2}'),
        (["é", 10**30, -1], f'["é",{10**30},-1]'),
        ((1, 2), "[1,2]"),
    ],
)
def test_keys_are_sorted_and_nothing_is_padded(value: object, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), {"a": [1, {"b": 0.5}]}, (1, 2.5), {1: "a"}, {"a": {None: 1}}, {"a": {1, 2}}, b"bytes"],
    ids=repr,
)
def test_canonical_json_refuses_what_has_no_one_spelling(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)
