"""Small calendars that make programs run for minutes or out of memory; each has a sound entry that must be read."""

from __future__ import annotations

from collections.abc import Callable

from maintsched.readers import contentlines

SOUND = "sound"
START = "DTSTART:20260101T000000Z\nDURATION:PT1M"
_SOUND_EVENT = f"UID:{SOUND}\nDTSTAMP:20260101T000000Z\nSUMMARY:Sound\nDTSTART:20261209T010000Z\nDTEND:20261209T050000Z"
_LONDON = "DTSTART;TZID=Europe/London:20261209T010000\nDTEND;TZID=Europe/London:20261209T050000"

RULES = {
    "every minute since 2020": "DTSTART:20200101T000000Z\nDURATION:PT1M\nRRULE:FREQ=MINUTELY",
    "every second": f"{START}\nRRULE:FREQ=SECONDLY",
    "every second of a day by its parts": (
        f"{START}\nRRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))}"
        f";BYSECOND={','.join(map(str, range(60)))}"
    ),
    "hourly, each ten years long": "DTSTART:20200101T000000Z\nDURATION:P3650D\nRRULE:FREQ=HOURLY",
    "hourly": f"{START}\nRRULE:FREQ=HOURLY",
    "hourly, each a month long": "DTSTART:20260101T000000Z\nDURATION:P31D\nRRULE:FREQ=HOURLY",
    "hourly since 1970": "DTSTART:19700101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY",
    "hourly since the year 1": "DTSTART:00010101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY;COUNT=3",
    "daily since the year 1": "DTSTART:00010101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY",
    "counted to a thousand million": "DTSTART:19700101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=1000000000",
    "hourly, counted to a thousand million": f"{START}\nRRULE:FREQ=HOURLY;COUNT=1000000000",
    "a count of a thousand digits": f"{START}\nRRULE:FREQ=DAILY;COUNT={'9' * 1000}",
    "an interval of nothing": f"{START}\nRRULE:FREQ=DAILY;INTERVAL=0",
    "an interval of a thousand million": f"{START}\nRRULE:FREQ=YEARLY;INTERVAL=1000000000",
    "30 February, daily": f"{START}\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "30 February, weekly": f"{START}\nRRULE:FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
    "30 February, monthly": f"{START}\nRRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "30 February, yearly": f"{START}\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "30 February, hourly": f"{START}\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "30 February, counted": f"{START}\nRRULE:FREQ=YEARLY;COUNT=5;BYMONTH=2;BYMONTHDAY=30",
    "the 366th of seven": f"{START}\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=366",
    "every position of every day": (
        f"{START}\nRRULE:FREQ=YEARLY;BYYEARDAY={','.join(map(str, range(1, 367)))}"
        f";BYHOUR={','.join(map(str, range(24)))};BYSETPOS={','.join(map(str, range(1, 367)))}"
    ),
    "53 ordinals of every weekday": f"{START}\nRRULE:FREQ=YEARLY;BYDAY="
    + ",".join(f"{n}{day}" for n in range(1, 54) for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")),
    "the 53rd Monday of June": f"{START}\nRRULE:FREQ=YEARLY;BYDAY=53MO;BYMONTH=6",
    "the 53rd week in June": f"{START}\nRRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6",
    "a fifth Monday on the first": f"{START}\nRRULE:FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "until the year 9999": f"{START}\nRRULE:FREQ=HOURLY;UNTIL=99991231T235959Z",
    "from the year 9999": "DTSTART:99991231T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY",
    "a date of the year 9999": f"{START}\nRDATE:99991231T235959Z",
    "a rule given a hundred times": f"{START}\n" + "RRULE:FREQ=DAILY\n" * 100,
    "a nest of exceptions": f"{START}\nRRULE:FREQ=DAILY\nEXRULE:FREQ=SECONDLY",
    "dates in one line": f"{START}\nRDATE:"
    + ",".join(f"2026{m:02}{d:02}T{h:02}0000Z" for m in range(1, 13) for d in range(1, 29) for h in range(24)),
    "dates in many lines": f"{START}\n"
    + "\n".join(f"RDATE:2026{m:02}{d:02}T{h:02}0000Z" for m in range(1, 13) for d in range(1, 29) for h in range(20)),
    "exceptions in many lines": f"{START}\nRRULE:FREQ=DAILY\n"
    + "\n".join(f"EXDATE:2026{m:02}{d:02}T{h:02}0000Z" for m in range(1, 13) for d in range(1, 29) for h in range(20)),
    "a long title, many times": f"{START}\nRRULE:FREQ=DAILY\nSUMMARY:{'x' * 60_000}",
    "a title of a megabyte": f"{START}\nRRULE:FREQ=DAILY\nSUMMARY:{'x' * 1_000_000}",
}


def bombs() -> dict[str, bytes]:
    """Each by its name: a calendar file with the bomb in the middle, and a sound entry of UID `sound` behind it."""
    made = {name: _file(f"UID:bomb\nSUMMARY:Bomb\n{lines}") for name, lines in RULES.items()}
    return made | {name: make() for name, make in _FILES.items()}


def _file(*events: str, head: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in (*events, _SOUND_EVENT))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def _zone(rule: str, name: str = "Europe/London", more: str = "") -> str:
    part = f"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\n{rule}\nEND:STANDARD\n"
    return f"BEGIN:VTIMEZONE\nTZID:{name}\n{part}{more}END:VTIMEZONE\n"


def _many_overrides() -> bytes:
    master = f"UID:bomb\n{START}\nRRULE:FREQ=HOURLY;COUNT=4000"
    moved = (
        f"UID:bomb\nRECURRENCE-ID;RANGE=THISANDFUTURE:2026{1 + n // 600:02}{1 + n // 24 % 25:02}T{n % 24:02}0000Z\n"
        f"DTSTART:2026{1 + n // 600:02}{1 + n // 24 % 25:02}T{n % 24:02}3000Z\nDURATION:PT1M"
        for n in range(3000)
    )
    return _file(master, *moved)


def _many_rules() -> bytes:
    return _file(*(f"UID:bomb{n}\n{START}\nRRULE:FREQ=HOURLY;COUNT=4900" for n in range(300)))


def _many_slow() -> bytes:
    rule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=366"
    return _file(*(f"UID:bomb{n}\n{START}\nRRULE:{rule}" for n in range(50)))


def _many_zones() -> bytes:
    zones = "".join(_zone("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", f"Plant {n}") for n in range(2000))
    event = "UID:bomb{0}\nDTSTART;TZID=Plant {0}:20261209T010000\nDTEND;TZID=Plant {0}:20261209T050000"
    return _file(*(event.format(n) for n in range(2000)), head=zones)


_FILES: dict[str, Callable[[], bytes]] = {
    "a clock changed every second": lambda: _file(f"UID:bomb\n{_LONDON}", head=_zone("RRULE:FREQ=SECONDLY")),
    "a clock changed on 30 February": lambda: _file(
        f"UID:bomb\n{_LONDON}", head=_zone("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    ),
    "a clock changed on a hundred thousand dates": lambda: _file(
        f"UID:bomb\n{_LONDON}", head=_zone("RDATE:19700101T000000\n" * 100_000)
    ),
    "a clock changed every Monday since the year 1": lambda: _file(
        f"UID:bomb\n{_LONDON}",
        head=_zone("RRULE:FREQ=YEARLY;BYDAY=MO").replace("19700101", "00010101"),
    ),
    "clocks changed since the year 1": lambda: _file(
        f"UID:bomb\n{_LONDON}",
        head=_zone("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20371231T000000Z\n" * 12).replace("1970", "0001"),
    ),
    "a clock with a thousand rules": lambda: _file(
        f"UID:bomb\n{_LONDON}", head=_zone("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n" * 1000)
    ),
    "two thousand clocks": _many_zones,
    "three thousand exceptions, each to all that follow": _many_overrides,
    "three hundred hourly rules": _many_rules,
    "fifty rules that never agree": _many_slow,
    "a hundred thousand properties": lambda: _file(f"UID:bomb\n{START}\n" + "X-A:b\n" * 100_000),
    "a million empty folds": lambda: _file(f"UID:bomb\n{START}\nX-A:b" + "\n c" * 1_000_000),
    "three hundred thousand lines that are none": lambda: _file(f"UID:bomb\n{START}\n" + "z\n" * 300_000),
    "a line of ten megabytes": lambda: _file(f"UID:bomb\n{START}\nDESCRIPTION:" + "x" * 10_000_000),
    "an id of a megabyte": lambda: _file(f"UID:{'x' * 1_000_000}\n{START}"),
    "components in components": lambda: _file(f"UID:bomb\n{START}\n" + "BEGIN:VALARM\n" * 100_000),
    "events in events": lambda: _file(*("BEGIN:VEVENT" for _ in range(contentlines.MAX_EVENTS))),
    "parameters without end": lambda: _file(f"UID:bomb\nDTSTART{';A=b' * 15_000}:20260101T000000Z\nDURATION:PT1M"),
    "quotes without end": lambda: _file(f"UID:bomb\nDTSTART;A={chr(34) * 60_001}\nDURATION:PT1M"),
    "commas without end": lambda: _file(f"UID:bomb\nDTSTART;A={',' * 60_000}\nDURATION:PT1M"),
}
WHOLE_FILES = ("components in components", "events in events")  # what the whole file is refused for
