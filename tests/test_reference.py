"""The documentation says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from click import Group
from click.testing import CliRunner

from maintsched.cli import COMMANDS, cli
from tests.reference import PAGE, page

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_page_of_json_documents_is_what_the_models_say() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.reference"


def test_every_command_that_the_readme_names_exists() -> None:
    known = set()
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
        assert command is not None
        known |= {f"{name} {inner}" for inner in command.commands} if isinstance(command, Group) else {name}
    named = re.findall(r"(?:^|`)\$? ?maintsched(?: --by \w+)? ([a-z]+(?: [a-z]+)?)", README, re.MULTILINE)
    assert len(named) > 5
    assert {words for words in named if words not in known and words.split()[0] not in known} == set()


def test_help_tells_every_command() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    assert all(re.search(rf"^  {name} ", shown, re.MULTILINE) for name in COMMANDS)
