"""playbooks/*.yaml → Playbook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from maintsched.config.document import Document, read
from maintsched.config.problems import Key, Problem, in_order
from maintsched.config.shaping import shaped
from maintsched.config.typed import Duration, Name, Paragraph, Shape, SomeTime, Survivor, Target, Text, Version
from maintsched.domain.playbook import ACTIONS, Playbook, PlaybookAction
from maintsched.errors import ConfigInvalid

_STEPS = (*ACTIONS, "prove", "hold")
_ORDER = (
    "each action followed by one prove, then at most one hold: "
    "[{shut: primary, budget: 20s}, {prove: survivor, budget: 45s}, {hold: 2m}]"
)


class StepShape(Shape):
    """One step: `shut` or `prove` with its `budget`, or `hold`."""

    shut: Target | None = None
    prove: Survivor | None = None
    hold: Duration | None = None
    budget: SomeTime | None = None
    sustain: Duration | None = None

    def kinds(self) -> tuple[str, ...]:
        return tuple(name for name in _STEPS if getattr(self, name) is not None)


class RestoreShape(Shape):
    budget: SomeTime = timedelta(seconds=60)


class DeadmanShape(Shape):
    margin: SomeTime = timedelta(seconds=60)


class PlaybookShape(Shape):
    version: Version = Field(description="1")
    title: Text = Field(description="what the drill shows, in one line")
    description: Paragraph = ""
    steps: Annotated[tuple[StepShape, ...], Field(min_length=1)] = Field(description=_ORDER)
    restore: RestoreShape = RestoreShape()
    deadman: DeadmanShape = DeadmanShape()
    probes: tuple[Name, ...] = ()


def load_playbook(path: Path) -> Playbook:
    """The playbook in the file. Raises NotFound, or ConfigInvalid with every problem."""
    playbook, problems = read_playbook(path)
    if playbook is None:
        raise ConfigInvalid(
            in_order(problems, str(path)), "correct the playbook; `maintsched drill plan` shows what it does"
        )
    return playbook


def read_playbook(path: Path) -> tuple[Playbook | None, tuple[Problem, ...]]:
    """The playbook, or its problems. Raises NotFound and InvalidInput where the file cannot be read."""
    document, problems = read(path)
    if problems:
        return None, problems
    shape, problems = shaped(document, PlaybookShape)
    if shape is None:
        return None, problems
    problems = tuple(_wrong_steps(document, shape.steps)) + tuple(_repeated(document, shape.probes))
    return (None, problems) if problems else (_playbook(path.stem, shape), ())


def _wrong_steps(document: Document, steps: tuple[StepShape, ...]) -> Iterator[Problem]:
    clear = True
    for index, step in enumerate(steps):
        problems = tuple(_wrong_step(document, ("steps", index), step))
        clear = clear and not problems
        yield from problems
    if clear:
        yield from _wrong_order(document, steps)


def _wrong_step(document: Document, key: Key, step: StepShape) -> Iterator[Problem]:
    kinds = step.kinds()
    if len(kinds) != 1:
        what = f"is {' and '.join(kinds)} at once" if kinds else "names no step"
        yield document.problem(key, what, f"one of {', '.join(_STEPS)}")
        return
    [kind] = kinds
    if kind == "hold" and step.budget is not None:
        yield document.problem((*key, "budget"), "does not belong to hold: its length is its budget", "{hold: 2m}")
    if kind != "hold" and step.budget is None:
        yield document.problem((*key, "budget"), f"is missing: {kind} needs it", "a duration, not zero: 20s")
    if kind != "prove" and step.sustain is not None:
        yield document.problem((*key, "sustain"), f"does not belong to {kind}", "with prove")
    if kind == "prove" and step.budget is not None and (step.sustain or timedelta()) >= step.budget:
        yield document.problem((*key, "sustain"), "does not fit into the budget", "a duration shorter than `budget`")


def _wrong_order(document: Document, steps: tuple[StepShape, ...]) -> Iterator[Problem]:
    kinds = [step.kinds()[0] for step in steps]
    before = ""
    for index, kind in enumerate(kinds):
        key: Key = ("steps", index)
        if kind in ACTIONS and before in ACTIONS:
            yield document.problem(key, f"{kind} follows {before} without a proof between them", _ORDER)
        elif kind in ACTIONS and before == "hold":
            yield document.problem(key, f"{kind} follows hold", _ORDER)
        elif kind in kinds[:index] and kind in ACTIONS:
            yield document.problem(key, f"{kind} stands twice", _ORDER)
        elif kind == "prove" and before not in ACTIONS:
            yield document.problem(key, "a proof needs an action before it", _ORDER)
        elif kind == "hold" and before != "prove":
            yield document.problem(key, "hold needs a proof before it", _ORDER)
        before = kind
    if before in ACTIONS:
        yield document.problem(("steps", len(kinds) - 1), f"nothing is proven after {before}", _ORDER)
    proofs = [(index, step) for index, step in enumerate(steps) if step.prove]
    for index, step in proofs[1:]:
        if (step.budget, step.sustain) != (proofs[0][1].budget, proofs[0][1].sustain):
            what = "has other numbers than the first proof"
            yield document.problem(("steps", index), what, "the same budget and sustain in every proof")


def _repeated(document: Document, probes: tuple[str, ...]) -> Iterator[Problem]:
    for index, name in enumerate(probes):
        if name in probes[:index]:
            yield document.problem(("probes", index), f"the probe {name!r} is listed twice", "each once")


def _playbook(name: str, shape: PlaybookShape) -> Playbook:
    actions = tuple(
        PlaybookAction(kind, target, step.budget)
        for step in shape.steps
        for kind in ACTIONS
        if (target := getattr(step, kind)) is not None and step.budget is not None
    )
    proof = next(step for step in shape.steps if step.prove)
    hold = next((step.hold for step in shape.steps if step.hold is not None), timedelta())
    return Playbook(
        version=shape.version,
        name=name,
        title=shape.title,
        description=shape.description,
        actions=actions,
        prove=proof.budget or timedelta(),
        sustain=proof.sustain or timedelta(),
        hold=hold,
        restore=shape.restore.budget,
        margin=shape.deadman.margin,
        probes=shape.probes,
    )
