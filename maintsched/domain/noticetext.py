"""Notices as JSON text: to be kept and merged again later, and to be handed from one process to another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields as fields_of
from typing import Any

from maintsched.domain.interval import Interval, from_iso, iso
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status

_FIELDS = tuple(field.name for field in fields_of(Notice))


def notice_text(notice: Notice) -> str:
    """The notice as JSON."""
    # By hand: dataclasses.asdict copies deeply, which takes longer than all the rest of an import.
    fields: dict[str, Any] = {each: getattr(notice, each) for each in _FIELDS}
    fields["objects"] = [{"object_id": item.object_id, "impact": item.impact} for item in notice.objects]
    fields["stamp"] = iso(notice.stamp) if notice.stamp else None
    fields["interval"] = [iso(notice.interval.start), iso(notice.interval.end)] if notice.interval else None
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)


def notice_from_text(text: str) -> Notice:
    """The notice of a text that `notice_text` made, also of an older version that had fewer fields."""
    fields: dict[str, Any] = json.loads(text)
    fields["stamp"] = from_iso(fields["stamp"]) if fields["stamp"] else None
    fields["interval"] = Interval(*map(from_iso, fields["interval"])) if fields["interval"] else None
    fields["status"] = Status(fields["status"]) if fields["status"] else None
    fields["impact"] = Impact(fields["impact"])
    fields["objects"] = objects_from(fields["objects"])
    for name in ("sites", "problems", "other_ids"):
        fields[name] = tuple(fields.get(name, ()))
    return Notice(**fields)


def objects_from(items: Iterable[dict[str, Any]]) -> tuple[ObjectImpact, ...]:
    """The objects of their JSON form."""
    return tuple(ObjectImpact(i["object_id"], Impact(i["impact"]) if i["impact"] else None) for i in items)
