"""When a site may be worked on: `22:00-06:00` on the site's own clock, whatever that does at a change of clocks.

An instant is allowed when the clock on the wall shows an allowed time. So hours that a change of clocks skips open when
the clock has passed it, and hours that it repeats open twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, reduce
from itertools import pairwise
from zoneinfo import ZoneInfo

from maintsched.domain.interval import Interval, common, merged
from maintsched.domain.inventory import Inventory, Site

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def sites_with_hours(circuits: Iterable[str], inventory: Inventory) -> tuple[Site, ...]:
    """The sites of `circuits` that may not be worked on at any time."""
    names = {inventory.circuits[name].site for name in circuits if name in inventory.circuits}
    return tuple(
        inventory.sites[name] for name in sorted(names & inventory.sites.keys()) if inventory.sites[name].hours
    )


def allowed(site: Site, within: Interval) -> tuple[Interval, ...]:
    """The parts of `within` at which `site` may be worked on: all of it where it has no hours."""
    if not site.hours:
        return (within,)
    spans = (span for day in _days(within) for span in _open(site.hours, site.timezone, day))
    return merged(inside for span in spans if (inside := span.intersection(within)))


def openings(sites: Sequence[Site], within: Interval) -> Iterator[datetime]:
    """The instants in `within` from which one of `sites` may be worked on, in order; some others may be among them."""
    for day in _days(within):
        spans = (span for site in sites for span in _open(site.hours, site.timezone, day))
        yield from sorted(span.start for span in spans if within.start <= span.start < within.end)


def outside(site: Site, window: Interval) -> tuple[Interval, ...]:
    """The parts of `window` at which `site` may not be worked on."""
    edges = [window.start]
    for span in allowed(site, window):
        edges += [span.start, span.end]
    edges.append(window.end)
    return tuple(Interval(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)


def fits_some_night(sites: Sequence[Site], duration: timedelta, within: Interval) -> bool:
    """Whether the hours of all `sites`, at least one, leave a span of `duration` in `within`."""
    begun: Interval | None = None
    for day in _days(within):
        opened = [_open(each.hours, each.timezone, day) for each in sites]
        for span in reduce(common, opened):
            begun = Interval(begun.start, span.end) if begun and begun.end == span.start else span
            inside = begun.intersection(within)
            if inside and inside.duration >= duration:
                return True
    return False


def _days(within: Interval) -> Iterator[date]:
    """The days, by UTC, that `within` touches."""
    day = within.start.date()
    while datetime.combine(day, time(), UTC) < within.end:
        yield day
        day += DAY


@lru_cache(maxsize=8192)
def _open(hours: str, timezone: str, day: date) -> tuple[Interval, ...]:
    """The parts of one UTC day at which the clock of `timezone` shows a time in `hours`."""
    zone = ZoneInfo(timezone)
    opening, closing = (time.fromisoformat(text) for text in hours.split("-"))
    start = datetime.combine(day, time(), UTC)
    end = start + DAY
    edges = {start, end, *_changes(zone, start, end)}
    for local in (day - DAY, day, day + DAY):
        for clock in (opening, closing):
            for fold in (0, 1):
                edges.add(datetime.combine(local, clock.replace(fold=fold), zone).astimezone(UTC))
    cuts = sorted(edge for edge in edges if start <= edge <= end)
    return merged(Interval(a, b) for a, b in pairwise(cuts) if _shows(a.astimezone(zone), opening, closing))


def _shows(local: datetime, opening: time, closing: time) -> bool:
    clock = local.time()
    if opening < closing:
        return opening <= clock < closing
    return clock >= opening or clock < closing


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The instant between `start` and `end` at which the clocks of `zone` change, if they do."""
    before = start.astimezone(zone).utcoffset()
    if before == end.astimezone(zone).utcoffset():
        return ()
    while end - start > SECOND:
        middle = start + (end - start) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle.astimezone(zone).utcoffset() == before:
            start = middle
        else:
            end = middle
    return (end,)
