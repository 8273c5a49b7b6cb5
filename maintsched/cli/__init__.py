"""The command line: parse, call one service, print, exit. `--help` and `--version` import nothing heavy."""

from __future__ import annotations

import importlib
import os
import sys

import click

from maintsched import __version__

# name: (module, what it is for); the modules are imported when a command of theirs is called
COMMANDS = {
    "init": ("project", "Make a new project: config, playbooks/, calendars/, database."),
    "status": ("project", "What stands now, what comes next, what needs a person."),
    "find": ("project", "Alias, address, serial or ticket → circuit and what is planned."),
    "inventory": ("inventory", "Check the config file and put it in force."),
    "calendar": ("calendar", "Import providers' maintenance; settle what needs a person."),
    "window": ("window", "Book our own work where it takes nothing down."),
    "drill": ("drill", "Plan, approve, run and report failover drills."),
    "emergency": ("emergency", "The runbook for 03:00: contacts, steps, what is up, what to type."),
    "feed": ("feed", "Publish what is planned as a calendar."),
    "audit": ("store", "Verify the audit trail."),
    "db": ("store", "Upgrade and check the database."),
    "lab": ("lab", "Real routers in network namespaces, to rehearse on."),
}


class LazyGroup(click.Group):
    """A group whose subcommands are imported only when one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"maintsched.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"no such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="maintsched")
@click.option("--config", metavar="FILE", help="Config file (default: $MAINTSCHED_CONFIG, else ./maintsched.yaml).")
@click.option("--by", metavar="NAME", help="Who acts (default: $MAINTSCHED_USER, else the login name).")
@click.option("--tz", metavar="ZONE", help="Zone of times without one (default: $MAINTSCHED_TZ, else the config's).")
@click.option("-v", "--verbose", count=True, help="Logs on stderr; -vv for more. MAINTSCHED_LOG=json for JSON lines.")
@click.pass_context
def cli(ctx: click.Context, config: str | None, by: str | None, tz: str | None, verbose: int) -> None:
    """Maintenance calendar, redundancy-safe bookings and BGP failover drills.

    Facts of every provider, our own windows and our drills in one place: a change that would take the last healthy
    path down is refused, and the backup is proven to carry traffic.
    """
    from maintsched.cli.common import set_up_logging

    ctx.obj = {"config": config, "by": by, "tz": tz, "verbose": verbose}
    set_up_logging()


def main() -> None:
    """The entry point: no traceback reaches a user, every error has its exit code (contract, section 3)."""
    from maintsched.cli.exits import run

    code = run(cli, sys.argv[1:], os.environ)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # Nobody reads any more. Python's own flush at exit would fail again, and put its 120 in place of our code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
