"""The platform driver: a router with its shells, its platform's commands, and the allow-list of the plan."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from maintsched.domain.inventory import Router
from maintsched.domain.platform import AllowList, Platform, fill
from maintsched.errors import CommandFailed, CommandRefused, ShellLost
from maintsched.routers.ssh import COMMAND_SECONDS, Output, Shell

log = logging.getLogger(__name__)


class Device:
    """A router in a drill. Reads are tried again on the spare shell; what changes something never is, by itself."""

    def __init__(self, router: Router, platform: Platform, allowed: AllowList, connect: Callable[[], Shell]) -> None:
        self.router = router
        self.platform = platform
        self._allowed = allowed
        self._connect = connect
        self._shells: list[Shell] = []

    def open(self, shells: int = 2) -> None:
        """Log in `shells` times: one in use, the rest spare. Raises Unavailable."""
        while len(self._shells) < shells:
            self._shells.append(self._connect())

    @property
    def local_address(self) -> str:
        return self._shells[0].local_address

    def allow(self, allowed: AllowList) -> None:
        """Exchange the allow-list: the run's own texts are known only once it has an id."""
        self._allowed = allowed

    def read(self, intent: str, **values: str) -> dict[str, Any]:
        """The intent's fields; None where the router did not say. Raises CommandFailed, ShellLost, CommandRefused."""
        spec = self.platform.reads[intent]
        command = fill(spec.command, values)
        output = self.ask(command)
        if output.status != 0:
            said = _first_line(output.stderr or output.stdout)
            raise CommandFailed(
                f"{self.router.name}: {intent} failed (exit {output.status}): {said}",
                f"try it by hand: {command}",
            )
        return _fields(spec.fields, output.stdout, values, f"{self.router.name}: {intent}")

    def ask(self, command: str) -> Output:
        """Send a command that only reads; on a broken shell once more, on the spare."""
        self._check(command)
        try:
            return self._shell().run(command)
        except ShellLost:
            self._drop()
            return self._shell().run(command)

    def send(self, command: str, seconds: float = COMMAND_SECONDS) -> Output:
        """Send a command that changes something, once. Raises ShellLost when it is not known whether it took effect."""
        self._check(command)
        log.info("%s: %s", self.router.name, command.splitlines()[0])
        try:
            return self._shell().run(command, seconds)
        except ShellLost:
            self._drop()
            raise

    def send_apart(self, command: str) -> Output:
        """Send over a connection of its own, closed afterwards: what must outlive a logout shows that it does."""
        self._check(command)
        shell = self._connect()
        try:
            return shell.run(command)
        finally:
            shell.close()

    def close(self) -> None:
        while self._shells:
            self._shells.pop().close()

    def _shell(self) -> Shell:
        if not self._shells:
            self._shells.append(self._connect())
        return self._shells[0]

    def _drop(self) -> None:
        if self._shells:
            self._shells.pop(0).close()

    def _check(self, command: str) -> None:
        objection = self._allowed.objection(command)
        if objection is not None:
            raise CommandRefused(
                f"{self.router.name}: not sent, {objection}: {_first_line(command)}", "this is a bug; report it"
            )


def _fields(expressions: Mapping[str, str], text: str, values: Mapping[str, str], where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
        return {name: jmespath.search(fill(expression, values), document) for name, expression in expressions.items()}
    except (json.JSONDecodeError, JMESPathError) as error:
        raise CommandFailed(
            f"{where}: the answer cannot be read: {_first_line(text) or 'empty'}", str(error)
        ) from error


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
