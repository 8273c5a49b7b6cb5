"""The error tree. Every class knows its exit code (contract, section 3) and its next step; it imports nothing."""


class MaintschedError(Exception):
    """Something outside went wrong. `message` says what and where, `hint` what to do next."""

    exit_code = 5
    kind = "error"
    default_hint = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class InvalidInput(MaintschedError):
    """Wrong usage or input; nothing was changed."""

    exit_code = 2
    kind = "invalid-input"


class ConfigInvalid(InvalidInput):
    """The config file has errors; `problems` holds one line each, with file and line."""

    kind = "config-invalid"
    default_hint = "correct the lines above; `maintsched inventory schema` prints what is allowed"

    def __init__(self, problems: tuple[str, ...], hint: str = "") -> None:
        super().__init__("\n".join(problems), hint)
        self.problems = problems


class NotFound(InvalidInput):
    """A name, id or file that does not exist, or an id prefix that fits several."""

    kind = "not-found"


class NoDatabase(InvalidInput):
    """There is no database, or it does not fit this program."""

    kind = "no-database"
    default_hint = "`maintsched init` makes a new project; `maintsched db upgrade` makes or upgrades the database"


class Refused(MaintschedError):
    """A rule says no; nothing was touched."""

    exit_code = 3
    kind = "refused"


class Broken(MaintschedError):
    """A check of what we keep came out wrong: audit chain, database schema."""

    exit_code = 4
    kind = "broken"


class Unavailable(MaintschedError):
    """Something could not be reached, read or verified; nothing was changed, or it was restored and verified."""

    exit_code = 5
    kind = "unavailable"


class NoticeUnreadable(MaintschedError):
    """The bytes are not a notice of the format that they look like; the message says why, in one line."""

    kind = "notice-unreadable"
    default_hint = "`maintsched calendar review` lists it; `calendar resolve` settles it"


class ShellLost(Unavailable):
    """The SSH connection to a router could not be made, or broke; the command's outcome is unknown."""

    kind = "shell-lost"


class CommandRefused(Refused):
    """A command is not on the plan's allow-list; it was not sent."""

    kind = "command-refused"


class CommandFailed(Unavailable):
    """A router answered, but said no, or with something that cannot be read."""

    kind = "command-failed"


class ProbeFailed(Unavailable):
    """A probe could not be run: its reading is unknown, which is not the same as bad."""

    kind = "probe-failed"


class LabFailed(Unavailable):
    """The lab could not be built or changed."""

    kind = "lab-failed"


class NotRestored(MaintschedError):
    """Our change is still on a router, or we cannot tell. The hint lists what to type, where."""

    exit_code = 6
    kind = "not-restored"
