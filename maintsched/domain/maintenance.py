"""What the revisions of a maintenance add up to, in whatever order they arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status, order_key

Key = tuple[str, str, str]
_OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A provider's work as known now. `key`: (provider, account, maintenance id); `interval` None: no time is known.

    `needs_review` holds the reasons why a person must look before it can be relied on; empty when there are none.
    """

    key: Key
    uid: str
    title: str
    interval: Interval | None
    status: Status
    impact: Impact
    objects: tuple[ObjectImpact, ...]
    sites: tuple[str, ...]
    sequence: int | None
    stamp: datetime | None
    needs_review: tuple[str, ...] = ()
    part: int = 1

    @property
    def ticket(self) -> str:
        """The provider's id, without the number of the part."""
        return self.key[2].removesuffix(f"#{self.part}") if self.part > 1 else self.key[2]

    @property
    def ref(self) -> str:
        """`ref_of` its ticket."""
        return ref_of(self.key[0], self.ticket)


def key_of(notice: Notice) -> Key:
    """A further window of one id is a maintenance of its own: `CHG0031000#2`."""
    part = f"#{notice.part}" if notice.part > 1 else ""
    return (notice.provider, notice.account, notice.maintenance_id + part)


def ref_of(provider: str, maintenance_id: str) -> str:
    """What all maintenances of one ticket share, whatever the case, under any account, in all its parts."""
    return f"{provider.casefold()}\n{maintenance_id.casefold()}"


def belongs_to(notice: Notice, known: Iterable[Key]) -> tuple[Key, ...]:
    """The keys that a notice is a revision of; its own where none is known.

    A cancellation often leaves the account out: it then belongs to that id under every account; a first notice that
    had none is joined by later ones that do. So are those that share an account of several (`1001+1002`). What is over
    and tells no time is over in all its parts.
    """
    whole = notice.interval is None and notice.status is not None and not notice.status.counts
    own = key_of(notice)
    same = [key for key in sorted(known) if _folded(key) == _folded(own) or (whole and _is_part(key, own))]
    for fits in (_same_account, _shared_account, _open_account):
        if found := tuple(key for key in same if fits(own[1], key[1])):
            return found
    return (own,)


def _same_account(one: str, other: str) -> bool:
    return one == other


def _shared_account(one: str, other: str) -> bool:
    return not {*one.split("+"), ""}.isdisjoint({*other.split("+")} - {""})


def _open_account(one: str, other: str) -> bool:
    return not one or not other


def _folded(key: Key) -> tuple[str, str]:
    return (key[0].casefold(), key[2].casefold())


def _is_part(key: Key, whole: Key) -> bool:
    name, mark, number = key[2].casefold().rpartition("#")
    return (key[0].casefold(), name) == _folded(whole) and bool(mark) and number.isdigit()


def merge(revisions: Iterable[Notice]) -> Maintenance:
    """The Maintenance that these revisions add up to, the same in any order. Raises ValueError without any."""
    ordered = _ordered(revisions)
    if not ordered:
        raise ValueError("a maintenance needs at least one notice")
    if len({ref_of(notice.provider, notice.maintenance_id) for notice in ordered}) > 1:
        raise ValueError("these notices are of different maintenances")
    state = _first(ordered[0])
    if len(ordered) == 1:
        return state
    for before, notice in pairwise(ordered):
        state = _next(state, notice)
        if order_key(before) == order_key(notice) and replace(_content(before), title=notice.title) != _content(notice):
            reason = "two revisions have the same sequence and stamp but say different things"
            # No status means unchanged, but not by something that is no newer.
            stands = Status.CONFIRMED if notice.status is None and not state.status.counts else state.status
            state = replace(state, status=stands, needs_review=_joined(state.needs_review, (reason,)))
    account = max((notice.account for notice in ordered), key=lambda text: (bool(text), text))
    named = max(ordered, key=lambda notice: notice.part)  # a cancellation of the whole names no part
    late = _late_without_sequence(ordered)
    # Where it is in doubt whether work is over, it is not.
    alive = bool(late) and not state.status.counts and any(_may_be_alive(notice, ordered[-1]) for notice in ordered)
    return replace(
        state,
        status=Status.CONFIRMED if alive else state.status,
        key=(state.key[0], account, key_of(named)[2]),
        part=named.part,
        needs_review=_joined(state.needs_review, late),
    )


def _ordered(revisions: Iterable[Notice]) -> list[Notice]:
    """Oldest first, each content once. Of equals the one that leaves more work standing comes last, and so counts."""
    every = list(revisions)
    if len(every) < 2:
        return every
    unique = {_content(notice): notice for notice in sorted(every, key=repr)}
    return sorted(unique.values(), key=lambda notice: (order_key(notice), _weight(notice), repr(notice)))


def _content(notice: Notice) -> Notice:
    """The notice without what differs when the same message comes by two ways."""
    return replace(notice, sender="", uid="")


def _weight(notice: Notice) -> tuple[int, int, int]:
    over = notice.status is not None and not notice.status.counts
    return (0 if over else 1, notice.impact.rank, len(notice.objects))


def _first(notice: Notice) -> Maintenance:
    odd = _odd_extension(None, notice)
    return Maintenance(
        key=key_of(notice),
        uid=notice.uid,
        title=notice.title,
        interval=notice.interval,
        status=notice.status or Status.CONFIRMED,
        impact=notice.impact,
        objects=notice.objects,
        sites=notice.sites,
        sequence=notice.sequence,
        stamp=notice.stamp,
        needs_review=_joined(notice.problems, odd),
        part=notice.part,
    )


def _next(state: Maintenance, notice: Notice) -> Maintenance:
    over = notice.status is not None and not notice.status.counts
    odd = (*_odd_extension(state, notice), *_odd_revival(state, notice), *_odd_objects(state, notice))
    partly = over and _names_a_part(state, notice)
    reasons = () if _settles(notice, state) and not partly else state.needs_review
    status = state.status if partly or notice.status is None else notice.status
    return Maintenance(
        key=key_of(notice),
        uid=notice.uid,
        title=notice.title or state.title,
        interval=state.interval if partly else notice.interval or state.interval,
        status=Status.CONFIRMED if _odd_revival(state, notice) else status,
        # A cancellation or completion often leaves the impact out, and would read as OUTAGE.
        impact=state.impact if over else notice.impact,
        objects=_objects_after(state, notice, partly),
        sites=notice.sites or state.sites,
        sequence=state.sequence if notice.sequence is None else notice.sequence,
        stamp=notice.stamp or state.stamp,
        needs_review=_joined(reasons, (*notice.problems, *odd)),
    )


def _names_a_part(state: Maintenance, notice: Notice) -> bool:
    """Whether a message without sequence names only some of the objects: some providers send one for each."""
    named, known = _names(notice.objects), _names(state.objects)
    return notice.sequence is None and bool(named) and named < known


def _names(objects: Iterable[ObjectImpact]) -> set[str]:
    return {item.object_id for item in objects}


def _objects_after(state: Maintenance, notice: Notice, partly: bool) -> tuple[ObjectImpact, ...]:
    """A revision with a sequence tells all objects anew; mails may come one for each object, and add up."""
    named = _names(notice.objects)
    if partly:
        return tuple(item for item in state.objects if item.object_id not in named)
    if notice.sequence is not None or not notice.objects:
        return notice.objects or state.objects
    return (*(item for item in state.objects if item.object_id not in named), *notice.objects)


def _odd_objects(state: Maintenance, notice: Notice) -> tuple[str, ...]:
    """Only some of what is known ends or moves: what becomes of the rest must be asked."""
    over = notice.status is not None and not notice.status.counts
    moves = notice.interval not in (None, state.interval) and state.interval is not None
    if not (over or moves) or not state.status.counts or not _names_a_part(state, notice):
        return ()
    rest = ", ".join(sorted(_names(state.objects) - _names(notice.objects)))
    return (f"it {'ends' if over else 'moves'} only a part of the work: what of {rest[:120]}?",)


def _settles(notice: Notice, before: Maintenance) -> bool:
    """Whether a revision leaves no earlier doubt standing: it is sound, and over or complete in itself."""
    if notice.problems:
        return False
    over = notice.status is not None and not notice.status.counts
    complete = bool(notice.objects or notice.sites) or not (before.objects or before.sites)
    return over or (notice.interval is not None and complete)


def _odd_extension(state: Maintenance | None, notice: Notice) -> tuple[str, ...]:
    before = state.interval if state else None
    if notice.extended and (notice.interval is None or before is None or notice.interval.end <= before.end):
        return ("it says EXTENDED, but no later end than before is known",)
    if notice.rescheduled and (notice.interval is None or notice.interval == before):
        return ("it says RESCHEDULED, but gives no new time",)
    return ()


def _odd_revival(state: Maintenance, notice: Notice) -> tuple[str, ...]:
    if notice.status is None and not state.status.counts and notice.interval not in (None, state.interval):
        return (f"a revision after {state.status} gives another time but no status",)
    return ()


def _may_be_alive(notice: Notice, last: Notice) -> bool:
    younger = notice.sequence is None and (notice.stamp or _OLDEST) > (last.stamp or _OLDEST)
    return younger and (notice.status is None or notice.status.counts)


def _late_without_sequence(ordered: Sequence[Notice]) -> tuple[str, ...]:
    """A mail has no sequence and sorts before what has one; where it is the younger, a person must say who is right."""
    last = ordered[-1]
    if last.sequence is None or not any(
        notice.sequence is None and (notice.stamp or _OLDEST) > (last.stamp or _OLDEST) for notice in ordered
    ):
        return ()
    return ("a revision without sequence is younger than the one with the highest sequence",)


def _joined(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def difference(before: Maintenance | None, after: Maintenance) -> tuple[str, ...]:
    """What changed, one line each, for people; empty where nothing did."""
    if before is None:
        when = (
            f"{_moment(after.interval.start)} .. {_moment(after.interval.end)}" if after.interval else "no known time"
        )
        return (f"new: {after.status} {after.impact} {when}", *_reviews(None, after))
    lines = [*_edge("start", before, after), *_edge("end", before, after)]
    for name in ("status", "impact", "title"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            lines.append(f"{name} {old} → {new}")
    objects = {item.object_id: item.impact for item in before.objects}, {i.object_id: i.impact for i in after.objects}
    lines += _sets("object", set(objects[0]), set(objects[1]))
    lines += [
        f"object {name}: impact {objects[0][name] or 'as the whole'} → {impact or 'as the whole'}"
        for name, impact in objects[1].items()
        if name in objects[0] and objects[0][name] != impact
    ]
    lines += _sets("site", set(before.sites), set(after.sites))
    return (*lines, *_reviews(before, after))


def _moment(moment: datetime, day: bool = True) -> str:
    clock = "%H:%MZ" if not moment.second else "%H:%M:%SZ"
    return f"{moment:%Y-%m-%d} {moment:{clock}}" if day else f"{moment:{clock}}"


def _edge(name: str, before: Maintenance, after: Maintenance) -> list[str]:
    old = getattr(before.interval, name) if before.interval else None
    new = getattr(after.interval, name) if after.interval else None
    if old == new:
        return []
    days = old is None or new is None or old.date() != new.date()
    return [f"{name} {_moment(old, days) if old else 'unknown'} → {_moment(new, days) if new else 'unknown'}"]


def _sets(name: str, before: set[str], after: set[str]) -> list[str]:
    lines = [f"{name} added: {', '.join(sorted(after - before))}"] if after - before else []
    return lines + ([f"{name} removed: {', '.join(sorted(before - after))}"] if before - after else [])


def _reviews(before: Maintenance | None, after: Maintenance) -> tuple[str, ...]:
    old = before.needs_review if before else ()
    lines = [f"needs review: {reason}" for reason in after.needs_review if reason not in old]
    return (*lines, "no longer needs review") if old and not after.needs_review else tuple(lines)
