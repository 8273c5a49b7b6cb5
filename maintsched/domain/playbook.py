"""A drill written down. Restoring is not a step: it always happens, in reverse order, whatever the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

ACTIONS = ("shut",)


@dataclass(frozen=True, slots=True)
class PlaybookAction:
    """A step that changes a router. `intent` names what the platform file renders, `target` is `primary`."""

    intent: str
    target: str
    budget: timedelta


@dataclass(frozen=True, slots=True)
class Playbook:
    """The steps of a drill: each action, then the proof that the survivor carries the traffic, then the hold.

    `name` is the file's name without its suffix. `prove` is the budget of each proof, `sustain` how long it must stay
    good (RFC 6412 section 3.7.5), `restore` the budget of restoring, `margin` what the dead-man waits beyond them all.
    """

    version: int
    name: str
    title: str
    description: str
    actions: tuple[PlaybookAction, ...]
    prove: timedelta
    sustain: timedelta
    hold: timedelta
    restore: timedelta
    margin: timedelta
    probes: tuple[str, ...] = ()
