"""The state directory, and secrets: the config says where they lie; what was read is kept out of logs."""

from __future__ import annotations

import logging
import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from maintsched.domain.inventory import Secret
from maintsched.errors import InvalidInput

_revealed: set[str] = set()


def state_dir(configured: str | None) -> Path:
    """`state_dir:` of the config, else `$XDG_STATE_HOME/maintsched`; made, readable by its owner only."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(configured) if configured else Path(base) / "maintsched"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = "set $XDG_STATE_HOME or `state_dir:` to a folder that this user may write"
        raise InvalidInput(f"the state directory {path} cannot be made: {error.strerror}", hint) from error
    return path


def reveal(secret: Secret, what: str) -> str:
    """The secret's value. Raises InvalidInput naming `what` when the variable or file is not there or empty."""
    if secret.env is not None:
        value, where = os.environ.get(secret.env, ""), f"the environment variable {secret.env}"
    else:
        where = f"the file {secret.file}"
        try:
            value = Path(secret.file or "").read_text().strip()
        except OSError as error:
            raise InvalidInput(f"{what}: {where} cannot be read: {error.strerror}", "correct the config") from error
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{what}: {where} is not UTF-8 text", "correct the file") from error
    if not value:
        raise InvalidInput(f"{what}: {where} is empty or not set", "set it before running this command")
    _revealed.add(value)
    return value


def redact(text: str) -> str:
    """`text` with every secret that was read in this process blotted out."""
    for value in sorted(_revealed, key=len, reverse=True):
        text = text.replace(value, "[redacted]")
    return text


def write_traceback(error: BaseException) -> Path:
    """The traceback, redacted, as a file of the state directory, or where that cannot be written, a temporary one."""
    text = redact("".join(traceback.format_exception(error)))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    try:
        path = state_dir(None) / f"traceback-{stamp}.txt"
        path.write_text(text)
    except (OSError, InvalidInput):
        with tempfile.NamedTemporaryFile("w", prefix="maintsched-", suffix=".txt", delete=False) as file:
            file.write(text)
        path = Path(file.name)
    return path


class RedactingFilter(logging.Filter):
    """On the root logger's handler: no secret reaches a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = redact(record.getMessage())
        record.msg, record.args = message, ()
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True
