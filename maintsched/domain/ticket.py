"""What all notices of one ticket add up to, in whatever order they arrived: one maintenance for each of its windows.

Nothing is kept from one time to the next: the windows are told apart anew from everything that was ever said, so that a
cancellation that came first counts as much as one that came last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from maintsched.domain.interval import Interval
from maintsched.domain.maintenance import Maintenance, merge
from maintsched.domain.notice import Notice, order_key

WHICH = "{} has {} windows, and this is the time of none of them: which one is meant?"
FEWER = "the newest notice of {} has {}; this one, of an earlier notice, is not among them: is it off?"
REPEATED = "the provider repeats what it said before somebody was told otherwise: ask who is right"


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and the `message` that it came in: the windows of one message are told together.

    `fixed`: a person said it of this very part, so it says nothing of the others.
    """

    notice: Notice
    message: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One window of a ticket: the maintenance, and what was said of it, by place in what was given."""

    maintenance: Maintenance
    told: tuple[int, ...]


@dataclass
class _Window:
    interval: Interval | None
    told: list[int] = field(default_factory=list)
    doubts: tuple[str, ...] = ()


def derive(told: Sequence[Told]) -> tuple[Part, ...]:
    """The maintenances of one ticket, for each account by itself, the same in any order of `told`."""
    if len(told) == 1 and not told[0].fixed:
        return (_part(told, _Window(told[0].notice.interval, [0]), 1, told[0].notice.account),)
    told = _under_one_name(told)
    parts: list[Part] = []
    for account, places in _accounts(told):
        windows = _windows(told, places)
        parts += [_part(told, window, number, account) for number, window in enumerate(windows, 1)]
    return tuple(parts)


def _under_one_name(told: Sequence[Told]) -> list[Told]:
    """A ticket may go by several ids; it is called by that of its oldest notice."""
    if len({each.notice.maintenance_id.casefold() for each in told}) < 2:
        return list(told)
    name = min(told, key=lambda each: (order_key(each.notice), repr(each.notice))).notice.maintenance_id
    return [replace(each, notice=replace(each.notice, maintenance_id=name)) for each in told]


def _accounts(told: Sequence[Told]) -> list[tuple[str, list[int]]]:
    """Those that share an account together; what names none belongs to all. In order of the account's name."""
    clusters: list[set[str]] = []
    for each in told:
        own = {name for name in each.notice.account.split("+") if name}
        if own:
            joined = own.union(*(cluster for cluster in clusters if cluster & own))
            clusters = [cluster for cluster in clusters if not cluster & own] + [joined]
    everywhere = [place for place, each in enumerate(told) if not each.notice.account]
    if not clusters:
        return [("", everywhere)] if everywhere else []
    found = []
    for cluster in sorted(clusters, key=sorted):
        places = [place for place, each in enumerate(told) if cluster.intersection(each.notice.account.split("+"))]
        found.append(("+".join(sorted(cluster)), sorted([*places, *everywhere])))
    return found


def _windows(told: Sequence[Told], places: Iterable[int]) -> list[_Window]:
    messages: dict[tuple[bool, str], list[int]] = {}
    for place in places:
        key = (told[place].fixed, told[place].message if not told[place].fixed else f"{place}")
        messages.setdefault(key, []).append(place)
    windows: list[_Window] = []
    for (fixed, _), message in sorted(messages.items(), key=lambda each: _order(told, each[1])):
        if fixed:
            _take_fixed(told[message[0]].notice, message[0], windows)
        else:
            _take_message(told, message, windows)
    return windows


def _order(told: Sequence[Told], message: list[int]) -> tuple[object, ...]:
    """Oldest first; of equals the one that leaves more work standing comes last. No order of arrival."""
    notices = [told[place].notice for place in message]
    over = all(_is_over(notice) for notice in notices)
    newest = max(order_key(notice) for notice in notices)
    return newest, 0 if over else 1, sorted(repr(replace(notice, part=1)) for notice in notices)


def _is_over(notice: Notice) -> bool:
    return notice.status is not None and not notice.status.counts


def _take_fixed(notice: Notice, place: int, windows: list[_Window]) -> None:
    while len(windows) < notice.part:
        windows.append(_Window(None))
    window = windows[notice.part - 1]
    window.told.append(place)
    window.interval, window.doubts = notice.interval or window.interval, ()


def _take_message(told: Sequence[Told], message: list[int], windows: list[_Window]) -> None:
    timed = sorted((p for p in message if told[p].notice.interval), key=lambda p: _by_time(told[p].notice))
    whole = [place for place in message if told[place].notice.interval is None]
    if whole:
        windows += [] if windows else [_Window(None)]
        for window in windows:
            window.told += whole
            window.doubts = window.doubts if not _is_over(told[whole[0]].notice) else ()
    if timed:
        _take_timed(told, timed, windows)


def _by_time(notice: Notice) -> tuple[Interval, str]:
    assert notice.interval is not None  # only such are sorted
    return notice.interval, repr(replace(notice, part=1))


def _take_timed(told: Sequence[Told], timed: list[int], windows: list[_Window]) -> None:
    """Each as the window that has its time already; the others in order, where the message tells all of them anew."""
    before = len(windows)
    free = list(windows)
    rest = []
    for place in timed:
        same = next((window for window in free if window.interval == told[place].notice.interval), None)
        if same is None:
            rest.append(place)
            continue
        free.remove(same)
        same.told.append(place)
    all_of_them = len(timed) >= before
    for place in rest:
        notice = told[place].notice
        if free and all_of_them:
            window = free.pop(0)
        elif before and not all_of_them and _is_over(notice):
            for window in free:
                window.doubts = (WHICH.format(notice.maintenance_id, before),)
            continue
        else:
            window = _Window(None)
            windows.append(window)
            if before and not all_of_them:
                window.doubts = (WHICH.format(notice.maintenance_id, before),)
        window.told.append(place)
        window.interval = notice.interval
    if all_of_them:
        for window in windows:
            window.doubts = ()
        return
    count = f"{len(timed)} window{'s' if len(timed) > 1 else ''}"
    for window in free:
        reason = FEWER.format(told[timed[0]].notice.maintenance_id, count)
        window.doubts = tuple(dict.fromkeys((*window.doubts, reason)))


def _part(told: Sequence[Told], window: _Window, number: int, account: str) -> Part:
    counting, repeated = _without_repetitions(told, window.told)
    notices = [told[place].notice for place in counting]
    found = merge(one if one.part == number else replace(one, part=number) for one in notices)
    doubts = (*window.doubts, *((REPEATED,) if repeated else ()))
    if doubts or found.key[1] != account:
        key = (found.key[0], account, found.key[2])
        found = replace(found, key=key, needs_review=tuple(dict.fromkeys((*found.needs_review, *doubts))))
    return Part(found, tuple(window.told))


def _without_repetitions(told: Sequence[Told], places: Sequence[int]) -> tuple[list[int], bool]:
    """Without what a provider merely says again, under the same sequence, after a person entered something else."""
    said = sorted((place for place in places if told[place].fixed), key=lambda p: order_key(told[p].notice))
    if not said:
        return list(places), False
    last = told[said[-1]].notice
    before = {
        _says(told[p].notice) for p in places if not told[p].fixed and order_key(told[p].notice) < order_key(last)
    }
    again = [
        place
        for place in places
        if not told[place].fixed
        and order_key(told[place].notice) > order_key(last)
        and _says(told[place].notice) in before
        and _says(told[place].notice) != _says(last)
    ]
    return [place for place in places if place not in again], bool(again)


def _says(notice: Notice) -> tuple[object, ...]:
    return notice.sequence, notice.interval, notice.status, notice.impact
