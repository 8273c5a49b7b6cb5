"""Reading a source's bytes: a file or a folder. What cannot be read is unavailable, never "no maintenance"."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from maintsched.errors import Unavailable
from maintsched.services.tuning import INPUT_LIMIT

MESSAGE_SUFFIXES = (".eml", ".ics", ".json", ".txt")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as received; `origin` is where it lay."""

    origin: str
    data: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


def fetch(location: str) -> tuple[Message, ...]:
    """Every message of a file or folder, in order of name. Raises Unavailable."""
    if "://" in location:
        scheme = location.partition("://")[0]
        raise Unavailable(f"{scheme}:// sources are not built yet", "save it as a file and name that in `from:`")
    path = Path(location)
    try:
        if path.is_dir():
            files = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
            inner = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
            if inner:
                raise Unavailable(
                    f"{path} has folders in it ({', '.join(inner[:3])}), which would not be read",
                    "name the folder that holds the messages; of a Maildir, its cur/ and new/",
                )
            strange = [entry.name for entry in files if entry.suffix.lower() not in MESSAGE_SUFFIXES]
            if strange:
                raise Unavailable(
                    f"{path}: {', '.join(strange[:3])} is no message ({', '.join(MESSAGE_SUFFIXES)})",
                    "move it elsewhere, or give it the right suffix: a message must not be overlooked",
                )
            return tuple(_read(entry) for entry in files)
        return (_read(path),)
    except OSError as error:
        raise Unavailable(f"{error.filename or path}: {error.strerror}", "check `from:` of the source") from error


def _read(path: Path) -> Message:
    size = path.stat().st_size
    if size > INPUT_LIMIT:
        raise Unavailable(f"{path} has {size} bytes, allowed {INPUT_LIMIT}", "split it")
    return Message(str(path), path.read_bytes())
