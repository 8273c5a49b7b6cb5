"""Files and folders. A file is not read again while nothing about it has changed."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from maintsched.errors import Unavailable
from maintsched.sources.message import INPUT_LIMIT, RUN_LIMIT, Fetched, Message

MESSAGE_SUFFIXES = (".eml", ".ics", ".json", ".txt")
_RECENT_NS = 2_000_000_000  # a clock of a file system may tick this slowly
_SETTLE_S = 0.1
_SETTLES_WITHIN_S = 2.0

Stamps = dict[str, str]


def fetch(location: str, validators: str, seconds: float) -> Fetched:
    """What is new in a file or folder, in order of name. Raises Unavailable."""
    path = Path(location)
    end = time.monotonic() + seconds
    known, held = _known(validators, location)
    try:
        if path.is_dir():
            return _folder(path, known, held, end)
        return _file(path, known, end)
    except OSError as error:
        raise Unavailable(f"{error.filename or path}: {error.strerror}", "check `from:` of the source") from error


def _file(path: Path, known: Stamps, end: float) -> Fetched:
    before = _stamp(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise Unavailable(f"{path} is neither a file nor a folder", "check `from:` of the source")
    if known.get(path.name) == before:
        return Fetched((), grows=False, unchanged=True, validators=_written(path, known, held=True))
    if _still_written([path], end):
        raise Unavailable(f"{path} is being written right now", "try again; replace it by renaming a complete one")
    stamps = _unless_recent(path)
    return Fetched((_read(path),), grows=False, validators=_written(path, stamps, held=True))


def _folder(path: Path, known: Stamps, held: bool, end: float) -> Fetched:
    files = _listed(path)
    kept: Stamps = {}
    new: list[Path] = []
    for entry in files:
        stamp = _stamp(entry)
        if stamp is None:
            continue  # it was archived meanwhile
        if known.get(entry.name) == stamp:
            kept[entry.name] = stamp
        else:
            new.append(entry)
    writing = _still_written(new, end)
    messages: list[Message] = []
    size, waiting = 0, 0
    for entry in new:
        if entry in writing:
            continue
        if messages and (size > RUN_LIMIT or time.monotonic() > end):
            waiting += 1
            continue
        stamps = _unless_recent(entry)
        try:
            message = _read(entry)
        except FileNotFoundError:
            continue
        kept |= stamps
        messages.append(message)
        size += len(message.data)
    return Fetched(
        tuple(messages),
        grows=True,
        unchanged=not messages and (bool(files) or not held),
        validators=_written(path, kept, held=held or bool(files)),
        emptied=held and not files,
        more=bool(writing or waiting),
        note=_note(writing, waiting),
    )


def _note(writing: Iterable[Path], waiting: int) -> str:
    still = [f"{path.name} is still being written, and comes with the next run" for path in writing]
    return "; ".join([*still, *([f"{waiting} files wait for the next run"] if waiting else [])])


def _listed(path: Path) -> list[Path]:
    """A folder's messages in order of name. Raises Unavailable where something in it would be overlooked."""
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    inner = [_shown(entry.name) for entry in entries if entry.is_dir()]
    if inner:
        raise Unavailable(
            f"{path} has folders in it ({', '.join(inner[:3])}), which would not be read",
            "name the folder that holds the messages; of a Maildir, its cur/ and new/",
        )
    strange = [_shown(entry.name) for entry in entries if _is_strange(entry)]
    if strange:
        raise Unavailable(
            f"{path}: {', '.join(strange[:3])} is no message ({', '.join(MESSAGE_SUFFIXES)})",
            "move it elsewhere, or give it the right suffix: a message must not be overlooked",
        )
    return entries


def _is_strange(entry: Path) -> bool:
    """Another suffix, or no file: a link that leads nowhere, a pipe. What has gone meanwhile is not."""
    return entry.suffix.lower() not in MESSAGE_SUFFIXES or (not entry.is_file() and os.path.lexists(entry))


def _stamp(path: Path) -> str | None:
    """What changes when a file does: size, times of content and inode (ns), inode; None where it has gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        if os.path.lexists(path) or not path.parent.is_dir():
            raise
        return None
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _is_recent(path: Path) -> bool:
    return abs(time.time_ns() - path.stat().st_mtime_ns) < _RECENT_NS


def _unless_recent(path: Path) -> Stamps:
    """The stamp to remember, taken before reading; none for a file so new that it may change without a new stamp."""
    stamp = _stamp(path)
    return {} if stamp is None or _is_recent(path) else {path.name: stamp}


def _still_written(paths: list[Path], end: float) -> list[Path]:
    """Those files that do not come to rest: half a mail can name half of the circuits, and look complete."""
    until = min(end, time.monotonic() + _SETTLES_WITHIN_S)
    moving = [path for path in paths if _stamp(path) is not None and _is_recent(path)]
    while moving:
        before = {path: _stamp(path) or "" for path in moving}
        time.sleep(_SETTLE_S)
        # An empty one was made, and what it is to hold has not come yet.
        moving = [path for path in moving if (_stamp(path) or "") != before[path] or before[path].startswith("0 ")]
        if time.monotonic() > until:
            break
    return moving


def _read(path: Path) -> Message:
    size = path.stat().st_size
    if size > INPUT_LIMIT:
        raise Unavailable(f"{path} has {size} bytes, allowed {INPUT_LIMIT}", "split it")
    with path.open("rb") as file:
        data = file.read(INPUT_LIMIT + 1)  # it may have grown
    if len(data) > INPUT_LIMIT:
        raise Unavailable(f"{path} has more than {INPUT_LIMIT} bytes", "split it")
    return Message(_shown(str(path)), data)


def _shown(name: str) -> str:
    """A name that need not be UTF-8, as text that can be stored."""
    return os.fsencode(name).decode(errors="replace")


def _written(path: Path, stamps: Stamps, *, held: bool) -> str:
    return json.dumps({"from": str(path), "held": held, "files": stamps})


def _known(validators: str, location: str) -> tuple[Stamps, bool]:
    """Stamps by name, and whether there ever was a message; nothing where they are of another place, or unreadable."""
    try:
        found = json.loads(validators or "{}")
        if found.get("from") != str(Path(location)):
            return {}, False
        return {str(name): str(stamp) for name, stamp in found["files"].items()}, bool(found["held"])
    except (ValueError, KeyError, AttributeError):
        return {}, False
