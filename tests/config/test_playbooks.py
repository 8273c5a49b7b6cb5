"""A playbook is read whole or refused with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from maintsched import config
from maintsched.domain.playbook import Playbook, PlaybookAction
from maintsched.errors import ConfigInvalid
from maintsched.shipped import shipped

from .inputs import PLAYBOOK, SMALL, problems, project

FULL = PLAYBOOK + "description: >\n  two\n  lines\nrestore: {budget: 90s}\ndeadman: {margin: 30s}\n"


def playbook(directory: Path, text: str) -> Playbook:
    path = directory / "shut.yaml"
    path.write_text(text)
    return config.load_playbook(path)


def test_a_playbook_is_read(tmp_path: Path) -> None:
    assert playbook(tmp_path, FULL) == Playbook(
        version=1,
        name="shut",
        title="Shut the primary, prove the survivor",
        description="two lines",
        actions=(PlaybookAction("shut", "primary", timedelta(seconds=20)),),
        prove=timedelta(seconds=45),
        sustain=timedelta(seconds=5),
        hold=timedelta(minutes=2),
        restore=timedelta(seconds=90),
        margin=timedelta(seconds=30),
        probes=("path", "api"),
    )


def test_restore_margin_and_hold_have_defaults(tmp_path: Path) -> None:
    short = playbook(tmp_path, PLAYBOOK.replace("  - {hold: 2m}\n", "").replace("probes: [path, api]\n", ""))
    assert (short.restore, short.margin) == (timedelta(seconds=60), timedelta(seconds=60))
    assert (short.hold, short.probes) == (timedelta(), ())


SHUT, PROVE, HOLD = "{shut: primary, budget: 20s}", "{prove: survivor, budget: 45s, sustain: 5s}", "{hold: 2m}"

WRONG_STEPS = {
    "nothing": ((), "3: steps: is empty"),
    "no action": ((PROVE,), "4: steps[0]: a proof needs an action before it"),
    "no proof": ((SHUT,), "4: steps[0]: nothing is proven after shut"),
    "hold before the proof": ((SHUT, HOLD, PROVE), "5: steps[1]: hold needs a proof before it"),
    "two proofs": ((SHUT, PROVE, PROVE), "6: steps[2]: a proof needs an action before it"),
    "two actions": ((SHUT, SHUT, PROVE), "5: steps[1]: shut follows shut without a proof between them"),
    "the action again": ((SHUT, PROVE, SHUT, PROVE), "6: steps[2]: shut stands twice"),
    "action after the hold": ((SHUT, PROVE, HOLD, SHUT, PROVE), "7: steps[3]: shut follows hold"),
    "unknown step": (("{stop: primary, budget: 1s}",), "4: steps[0].stop: unknown key; allowed: shut, prove, hold"),
    "restoring as a step": ((SHUT, PROVE, "{restore: primary}"), "6: steps[2].restore: unknown key"),
    "two in one": (("{shut: primary, prove: survivor, budget: 1s}",), "4: steps[0]: is shut and prove at once"),
    "none in one": ((SHUT, PROVE, "{budget: 5s}"), "6: steps[2]: names no step"),
    "a word": (("shut",), "4: steps[0]: is a single value, not a mapping"),
    "another target": (("{shut: survivor, budget: 1s}", PROVE), "4: steps[0].shut: 'survivor' is not known"),
    "no budget": (("{shut: primary}", PROVE), "4: steps[0].budget: is missing: shut needs it"),
    "no budget of the proof": ((SHUT, "{prove: survivor}"), "5: steps[1].budget: is missing: prove needs it"),
    "budget of zero": (("{shut: primary, budget: 0s}", PROVE), "4: steps[0].budget: is zero"),
    "budget of the hold": ((SHUT, PROVE, "{hold: 1m, budget: 1m}"), "6: steps[2].budget: does not belong to hold"),
    "sustain of the action": (
        ("{shut: primary, budget: 9s, sustain: 1s}", PROVE),
        "4: steps[0].sustain: does not belong",
    ),
    "sustain too long": ((SHUT, "{prove: survivor, budget: 5s, sustain: 5s}"), "5: steps[1].sustain: does not fit"),
}


@pytest.mark.parametrize(("steps", "start"), WRONG_STEPS.values(), ids=WRONG_STEPS.keys())
def test_wrong_steps_are_refused_with_their_line(tmp_path: Path, steps: tuple[str, ...], start: str) -> None:
    listed = "steps: []\n" if not steps else "steps:\n" + "".join(f"  - {step}\n" for step in steps)
    with pytest.raises(ConfigInvalid) as caught:
        playbook(tmp_path, f"version: 1\ntitle: x\n{listed}")
    lines = [line.removeprefix(f"{tmp_path / 'shut.yaml'}:") for line in caught.value.problems]
    assert lines[0].startswith(start), lines
    assert len(lines) <= 2


WRONG = {
    "another version": ("version: 1", "version: 2", "1: version: 2 is out of range"),
    "no title": ("title: Shut the primary, prove the survivor\n", "", "1: title: is missing"),
    "unknown key": ("probes:", "probe:", "7: probe: unknown key; did you mean 'probes'?"),
    "a probe twice": ("[path, api]", "[path, path]", "7: probes[1]: the probe 'path' is listed twice"),
    "no unit": ("hold: 2m", "hold: 2", "6: steps[2].hold: '2' is not a duration; the unit is missing"),
}


@pytest.mark.parametrize(("old", "new", "start"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_playbook_is_refused_with_its_line(tmp_path: Path, old: str, new: str, start: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        playbook(tmp_path, PLAYBOOK.replace(old, new))
    assert [line for line in caught.value.problems if line.startswith(f"{tmp_path / 'shut.yaml'}:{start}")]


def test_a_config_tells_its_playbooks_problems_with_their_file(tmp_path: Path) -> None:
    path = project(tmp_path, SMALL)
    broken = tmp_path / "playbooks" / "shut.yaml"
    broken.write_text(PLAYBOOK.replace("hold: 2m", "hold: 2"))
    with pytest.raises(ConfigInvalid) as caught:
        config.load(path)
    assert [line.startswith(f"{broken}:6: ") for line in caught.value.problems] == [True]


def test_a_playbook_is_no_folder(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, SMALL.replace("playbooks/shut.yaml", "playbooks"))
    assert problem.startswith("54: drills.monthly.playbook:")
    assert "cannot be read" in problem


def test_the_shipped_playbooks_load() -> None:
    production, lab = (
        config.load_playbook(Path(str(shipped(f"playbooks/{name}.yaml"))))
        for name in ("shut-primary", "lab-shut-primary")
    )
    assert production.actions[0].intent == lab.actions[0].intent == "shut"
    assert production.sustain >= timedelta(seconds=5)  # RFC 6412 section 3.7.5
    assert (lab.hold, lab.sustain) == (timedelta(seconds=3), timedelta(seconds=1))
