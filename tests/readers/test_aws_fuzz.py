"""Whatever becomes of an AWS mail or event: notices or our error, and what ends work is sure of which."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Notice
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read
from maintsched.readers.aws_health import is_aws_health, read_aws_health

from .given import origin
from .test_aws_health import answered, details, entity, event, page, sns
from .test_aws_links import ARN, CONSOLE, linked
from .test_aws_mail import COMPLETE, FORWARD, SUBJECT, mail, over, planned

MAILS = [
    mail(),
    mail(over(), "Cancelled: " + SUBJECT),
    mail(over("completed"), COMPLETE),
    mail(FORWARD + planned(), "Fwd: " + SUBJECT),
    mail(linked(CONSOLE + ARN.replace("/", "%252F")), html=True),
    mail(planned() + planned("Thu, 10 Dec 2026 01:00:00 GMT to Thu, 10 Dec 2026 05:00:00 GMT")),
    mail(json.dumps(event()) + "\n--\nbye\n", "AWS Notification Message"),
]
PIECES = [
    *(b" has been cancelled.", b" has been completed.", b" GMT to ", b" from ", b"\ndxcon-fexamp1a\n", b"\n\n", b"\\n"),
    *(b"Wed, 31 Feb 2026 25:61:00 GMT", b"Start time: 9", b"9999-12-31T23:59:59Z", b"[AWS Account: 1234567890123456]"),
    *(b"> ", b"%25", b"%E0%A4%A", b"&#x110000;", b"<table><tr><td>dxcon-1abc<td>x", b"\x00", b"\xff\xfe", b"\r\n"),
    *(b"Content-Transfer-Encoding: base64\n", b"From: a\nDate: b\nSubject: c\n", b"-2359", b"+9959", b"\xd9\xa9"),
]
VALUES = [
    *(
        event(),
        [page(1, 2, "dxcon-fexamp1a"), page(2, 2, "dxcon-fexamp1b")],
        sns(event()),
        {"Messages": [sns(event())]},
    ),
    {"events": [answered()], "eventDetails": details(), "entities": [entity("dxcon-fexamp1a")], "failedSet": []},
    [details(), {"entities": [entity("dxcon-fexamp1a")], "nextToken": "x"}],
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=12),
    st.sampled_from(
        ["closed", "1e99", "99999999999999", "-1", "1.5e9", ARN, "9 Dec 2026 01:00:00 GMT", "{", '["x"]', "2"]
    ),
    st.sampled_from([[], {}, [[]], [{}], {"events": []}, {"event": {}}, ["dxcon-fexamp1a"]]),
)


@st.composite
def damaged_mail(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(MAILS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        data = data[:start] + draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12))) + data[end:]
    return data


def changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with about every tenth member replaced."""
    if draw(st.integers(0, 9)) == 0:
        return draw(LEAVES)
    if isinstance(value, dict):
        return {name: changed(draw, inside) for name, inside in value.items()}
    return [changed(draw, inside) for inside in value] if isinstance(value, list) else value


@st.composite
def damaged_value(draw: st.DrawFn) -> Any:
    return changed(draw, draw(st.sampled_from(VALUES)))


def sure(notice: Notice) -> None:
    """What cannot be relied on is doubted; and nothing is over that is not certain."""
    ends = notice.status is not None and not notice.status.counts
    assert notice.maintenance_id
    assert notice.interval is not None or notice.problems or ends
    assert notice.objects or notice.problems
    if ends and notice.maintenance_id.startswith(("DX-", "mail-", "health-")):
        assert notice.interval is not None
        assert not any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems)
    assert not any("; " in problem for problem in notice.problems)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_mail())
def test_a_damaged_mail_is_read_doubted_or_refused(data: bytes) -> None:
    try:
        notices = read(data, origin())
    except NoticeUnreadable:
        return
    for notice in notices:
        if notice.provider == "AWS":
            sure(notice)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_value())
def test_a_damaged_event_is_read_doubted_or_refused(value: Any) -> None:
    try:
        notices = read(json.dumps(value).encode(), origin())
    except NoticeUnreadable:
        return
    for notice in notices:
        if notice.provider == "AWS":
            sure(notice)


@settings(max_examples=200, deadline=None)
@given(damaged_value())
def test_what_is_recognized_is_read_whatever_its_members_are(value: Any) -> None:
    if is_aws_health(value):
        for notice in read_aws_health(value, origin()):
            sure(notice)
