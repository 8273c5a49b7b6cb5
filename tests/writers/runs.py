"""Runs as the report tests need them: moments from a start, timeline entries, and one run that passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from maintsched.domain.drill import Run, TimelineEntry, Verdict

START = datetime(2026, 12, 13, 6, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def entries(*rows: tuple[float, str, str]) -> tuple[TimelineEntry, ...]:
    return tuple(TimelineEntry(at(seconds), step, state) for seconds, step, state in rows)


BARE = Run(
    id="01JF0Z6Q4T",
    drill="uk-shut-primary",
    group="uk-direct",
    primary="uk-ld4",
    survivor="uk-ld7",
    playbook="shut-primary",
    plan_hash="4be1" * 16,
    mode="graceful",
    verdict=Verdict.PASS,
    reason="",
    started=START,
    ended=at(112),
    restored=True,
    our_change_left=False,
    requester="alice",
)
