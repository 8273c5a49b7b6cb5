"""From errors to exit codes and one clear message; JSON where it was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

import click

from maintsched.errors import MaintschedError

INTERNAL = 1
USAGE = 2
INTERRUPTED = 130
CLOSED_PIPE = 141


def run(command: click.Command, arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run it; returns the exit code."""
    as_json = "--json" in arguments
    try:
        plain = False if environment.get("NO_COLOR") else None  # None: colour on a terminal
        code = command.main(args=arguments, prog_name="maintsched", standalone_mode=False, color=plain)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit:  # nothing of ours raises it: it is click's way to end on a closed pipe
        _silence_stdout()
        return CLOSED_PIPE
    except click.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return CLOSED_PIPE
    except click.ClickException as error:
        return _usage(error, as_json)
    except MaintschedError as error:
        tell(error.kind, error.message, error.hint, as_json)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last line of defence: no traceback reaches a user
        return _bug(error, as_json, environment)
    return code if isinstance(code, int) else 0


def tell(kind: str, message: str, hint: str, as_json: bool) -> None:
    """One message on stderr, or as a document on stdout."""
    if as_json:
        click.echo(json.dumps({"error": {"kind": kind, "message": message, "hint": hint}}, ensure_ascii=False))
        return
    click.echo(f"{click.style('error', fg='red', bold=True)}: {message}", err=True)
    if hint:
        click.echo(f"{click.style('next', bold=True)}: {hint}", err=True)


def _usage(error: click.ClickException, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "maintsched"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        if as_json:
            tell("usage", f"{path} needs a command", f"{path} --help", as_json)
        else:
            click.echo(error.format_message(), err=True)
        return USAGE
    tell("usage", error.format_message(), f"{path} --help", as_json)
    return USAGE


def _bug(error: Exception, as_json: bool, environment: Mapping[str, str]) -> int:
    from maintsched.state import redact, write_traceback

    path = write_traceback(error)
    tell("internal", f"a bug: {redact(repr(error))}", f"please report it with {path}", as_json)
    return INTERNAL


def _silence_stdout() -> None:
    """Python flushes stdout at exit; into a closed pipe that would print a second error."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
