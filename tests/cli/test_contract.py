"""What other programs rely on: exit codes, one document on stdout, everything else on stderr, no traceback."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import click
import pytest

from maintsched.cli import COMMANDS, cli
from maintsched.services import documents
from maintsched.services.answers import DOCUMENTS, ErrorDocument
from maintsched.services.windowdocuments import WindowDocument
from tests.cli.driving import Answer, Desk, at, change, command, copied, maintnote, typed

WHEN = ("--start", typed(at(2)), "--duration", "1h")
LATER = ("--start", typed(at(2, day=20)), "--end", "+2h")
ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def commands() -> list[tuple[str, click.Command]]:
    """Every command by its full name."""
    found: list[tuple[str, click.Command]] = []

    def walk(name: str, group: click.Command, context: click.Context) -> None:
        found.append((name, group))
        if isinstance(group, click.Group):
            for word in group.list_commands(context):
                inner = group.get_command(context, word)
                assert inner is not None
                walk(f"{name} {word}".strip(), inner, context)

    walk("", cli, click.Context(cli))
    return found


EVERY = commands()


@pytest.mark.parametrize("name", [name for name, _ in EVERY])
def test_every_command_has_help(name: str) -> None:
    answer = command(*name.split(), "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Usage: maintsched")
    assert len(answer.out.splitlines()) > 4


def test_every_option_says_what_it_is() -> None:
    unsaid = [
        f"{name} {parameter.opts[0]}"
        for name, each in EVERY
        for parameter in each.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert [each for each in unsaid if not each.startswith("drill ")] == []


def test_every_command_has_json_or_is_not_about_data() -> None:
    without = {
        name
        for name, each in EVERY
        if not isinstance(each, click.Group) and not any(p.name == "as_json" for p in each.params)
    }
    assert {name for name in without if not name.startswith("lab ")} <= {"drill report"}  # it has --format


@pytest.fixture(scope="module")
def filled_once(read_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("full") / "project"
    shutil.copytree(read_once, root)
    desk = Desk(root)
    desk.mail("1", change(1, at(1)))
    desk.carrier("1", maintnote("WO-9", at(1, 3)))
    (desk.root / "inbox" / "odd.txt").write_text("something happens")
    desk.ok("calendar", "import")
    desk.ok("calendar", "resolve", "N-2", "--ignore", "--reason", "x")
    desk.ok("window", "book", "--circuit", "uk-ld7", *WHEN, "--title", "x", "--rollback", "undo")
    (desk.root / "inbox" / "odd2.txt").write_text("something else happens")
    desk.ok("calendar", "import")
    return root


@pytest.fixture
def full(filled_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A project with something of everything."""
    return copied(filled_once, tmp_path, monkeypatch)


SAYING = [
    ("status", 0),
    ("find uk-ld4", 0),
    ("inventory check", 0),
    ("inventory diff", 0),
    ("inventory apply --reason x", 0),
    ("inventory show", 0),
    ("calendar import", 0),
    ("calendar import --dry-run", 0),
    ("calendar sources", 0),
    ("calendar sources --confirm equinix", 0),
    ("calendar list", 0),
    ("calendar list --all", 0),
    ("calendar show M-1", 0),
    ("calendar show WO-9", 0),
    ("calendar review", 0),
    ("calendar resolve N-4 --ignore --reason x", 0),
    ("calendar review --not-ours", 0),
    (f"calendar add --provider P --ref 1 --circuit uk-ld7 {' '.join(LATER)} --note x", 0),
    ("calendar update M-1 --impact DEGRADED", 0),
    ("calendar cancel M-1 --note x", 0),
    (f"window suggest --circuit uk-ld7 {' '.join(WHEN)}", 0),
    ("window list", 0),
    ("window show W-1", 0),
    ("window cancel W-1", 0),
    ("window announce W-1", 0),
    ("emergency", 0),
    ("drill list", 0),
    ("drill runs", 0),
    ("drill recover", 0),
    ("audit verify", 0),
    ("db upgrade", 0),
    ("db check", 0),
    (f"window check --circuit uk-ld4 {' '.join(WHEN)}", 3),
]


@pytest.mark.parametrize(("words", "code"), SAYING, ids=[words for words, _ in SAYING])
def test_the_document_of_a_command_is_the_one_that_is_promised(full: Desk, words: str, code: int) -> None:
    answer = full.run(*words.split(), "--json")
    assert answer.code == code, answer
    name = documented(words)
    document = answer.json
    assert DOCUMENTS[name].model_validate(document).plain() == document
    assert answer.raw.count(b"\n") == 1
    times = {value for key, value in leaves(document) if key in ("as_of", "start", "end", "received", "last_fetch")}
    assert all(ZULU.fullmatch(str(value)) for value in times - {None}), times
    if "as_of" in document:
        assert document["stale"] == []


def documented(words: str) -> str:
    return max((name for name in DOCUMENTS if words.startswith(name)), key=len)


def leaves(value: object, key: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in leaves(inner, name)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner, key)]
    return [(key, value)]


def test_every_command_with_json_is_in_the_table_of_documents() -> None:
    offered = {name for name, each in EVERY if any(parameter.name == "as_json" for parameter in each.params)}
    rest = {"inventory schema", "drill plan", "drill approve"}  # a schema, a plan as it is hashed, and a line
    assert {name for name in offered if not name.startswith("lab ")} == set(DOCUMENTS) | rest
    assert {documented(words) for words, _ in SAYING} == set(DOCUMENTS) - {
        "init", "window book", "feed export", "drill run", "drill show", *(f"window {verb}" for _, verb, *_ in LIFE),
    }  # fmt: skip


LIFE = [
    ("bob", "approve", "W-1", "approved", "--reason", "fine"),
    ("alice", "ack", "W-1", "acknowledged", "--ref", "SW-1"),
    ("alice", "move", "W-1", "requested", "--start", typed(at(8, day=9))),
    ("bob", "reject", "W-1", "rejected", "--reason", "not now"),
    ("alice", "start", "W-2", "in_progress", "--note", "x"),
    ("bob", "approve", "W-2", "in_progress"),
    ("alice", "finish", "W-2", "completed"),
]


def test_every_step_of_a_windows_life_prints_the_window(full: Desk) -> None:
    full.ok("calendar", "resolve", "N-4", "--ignore", "--reason", "x")
    now = ("--start", "now", "--duration", "1h", "--emergency", "--reason", "cut")
    full.ok("window", "book", "--circuit", "uk-ld4", *now, "--title", "repair", "--rollback", "undo")
    for name, verb, window, state, *more in LIFE:
        answer = full.person(name, "window", verb, window, *more, "--json")
        assert (answer.code, answer.err) == (0, ""), (verb, answer)
        document = WindowDocument.model_validate(answer.json)
        assert (document.id, document.state, document.plain()) == (window, state, answer.json), verb
    assert full.json("window", "show", "W-2")["approvals"][0]["by"] == "bob"


def test_a_booking_and_a_refusal_are_documents(full: Desk) -> None:
    full.ok("calendar", "resolve", "N-4", "--ignore", "--reason", "x")
    booked = full.run("window", "book", "--circuit", "uk-ld4", "--start", typed(at(12)), "--duration", "1h",
                      "--title", "y", "--change-id", "CHG1", "--rollback", "undo", "--json")  # fmt: skip
    assert booked.code == 0, booked
    document = WindowDocument.model_validate(booked.json)
    assert (document.change_id, document.rollback, document.state) == ("CHG1", "undo", "requested")
    refused = full.run("window", "book", "--circuit", "uk-ld4", *WHEN, "--title", "y", "--rollback", "undo", "--json")
    assert refused.code == 3
    found = documents.Refusal.model_validate(refused.json)
    assert (found.refused, len(found.suggestions)) == (True, 3)
    assert refused.err == ""


ERRORS = [
    ("window show W-99", 2, "not-found"),
    ("window book --circuit uk-ld4", 2, "usage"),
    ("window", 2, "usage"),
    ("nothing", 2, "usage"),
    ("status --nothing", 2, "usage"),
    ("calendar show M-99", 2, "not-found"),
    ("calendar show 99999999999999999999999999", 2, "not-found"),
    ("calendar review --raw N-99999999999999999999999999", 2, "not-found"),
    ("calendar resolve N-99 --ignore --reason x", 2, "not-found"),
    ("calendar resolve N-4 --reason x", 2, "usage"),
    ("calendar resolve N-4 --circuit nothing --reason x", 2, "invalid-input"),
    ("calendar sources --confirm nothing", 2, "not-found"),
    ("calendar import --source nothing", 2, "invalid-input"),
    ("find nothing-of-ours", 2, "not-found"),
    ("find uk-ld4 --at whenever", 2, "invalid-input"),
    ("drill plan nothing", 2, "not-found"),
    ("drill show nothing", 2, "not-found"),
    ("feed export", 2, "invalid-input"),
    ("init .", 3, "refused"),
]


@pytest.mark.parametrize(("words", "code", "kind"), ERRORS, ids=[case[0] for case in ERRORS])
def test_an_error_is_one_document_with_what_to_do_next(
    full: Desk, words: str, code: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(full.root)
    answer = full.run(*words.split(), "--json")
    error = ErrorDocument.model_validate(answer.json).error
    assert (answer.code, error.kind, answer.err) == (code, kind, ""), answer
    assert error.message
    assert error.hint
    plain = full.run(*words.split())
    assert plain.code == code or words == "feed export"
    assert plain.raw == b"" or words == "feed export"
    assert "Traceback" not in plain.err


def test_a_wrong_word_is_answered_with_the_near_one() -> None:
    for words, told in ((("windw",), "Did you mean 'window'?"), (("window", "boook"), "Did you mean 'book'?")):
        answer = command(*words)
        assert (answer.code, told in answer.err) == (2, True), answer


def test_a_group_alone_prints_its_help_and_is_wrong_usage() -> None:
    for words in ((), ("window",), ("inventory",)):
        answer = command(*words)
        assert answer.code == 2
        assert "Usage: maintsched" in answer.err
        assert "error:" not in answer.err


def test_the_version_is_told() -> None:
    answer = command("--version")
    assert (answer.code, answer.out.startswith("maintsched, version ")) == (0, True)


def test_a_bug_is_one_line_and_a_file(desk: Desk, tmp_path: Path) -> None:
    (desk.root / "maintsched.db").rename(desk.root / "kept.db")
    (desk.root / "maintsched.db").mkdir()
    answer = desk.run("status")
    assert answer.code == 5  # not a bug: it cannot be opened
    assert "unable to open database file" in answer.err


def test_a_database_that_was_tampered_with_is_told_with_exit_4(full: Desk) -> None:
    import sqlite3

    connection = sqlite3.connect(full.root / "maintsched.db")
    connection.executescript("DROP TRIGGER audit_update; UPDATE audit SET body = replace(body, 'alice', 'carol');")
    connection.close()
    answer = full.run("audit", "verify")
    assert (answer.code, answer.out) == (4, "")
    assert "the audit trail is broken: row 2 was changed after it was written" in answer.err
    assert full.run("audit", "verify", "--json").json["error"]["kind"] == "broken"
    checked = full.run("db", "check")
    assert (checked.code, "guard audit_update is missing, altered or not ours" in checked.err) == (4, True)


TIMES = [
    ((), "2027-01-05T01:00", 2, "has no zone"),
    (("--tz", "Europe/London"), "2027-07-05T01:00", 0, "2027-07-05T00:00Z"),
    (("--tz", "Europe/London"), "2027-03-28T01:30", 2, "does not exist in Europe/London"),
    (("--tz", "Europe/London"), "2027-10-31T01:30", 2, "exists twice in Europe/London"),
    (("--tz", "America/New_York"), "2027-03-14T02:30", 2, "does not exist in America/New_York"),
    (("--tz", "Mars/Olympus"), "2027-01-05T01:00Z", 2, "'Mars/Olympus' is no time zone"),
    (("--tz", "Europe"), "2027-01-05T01:00Z", 2, "'Europe' is no time zone"),
    (("--tz", "../../etc/passwd"), "2027-01-05T01:00Z", 2, "is no time zone"),
    (("--tz", "UTC"), "2027-03-28T01:30", 0, "2027-03-28T01:30Z"),
    ((), "2027-01-05T01:00+01:00", 0, ""),
    ((), "20270105T0100Z", 0, ""),
]


@pytest.mark.parametrize(("zone", "text", "code", "told"), TIMES, ids=[f"{' '.join(c[0])} {c[1]}" for c in TIMES])
def test_times_without_a_zone_are_never_guessed(
    desk: Desk, zone: tuple[str, ...], text: str, code: int, told: str
) -> None:
    answer = desk.run(*zone, "find", "uk-ld4", "--at", text)
    assert (answer.code, told in answer.err) == (code, True), answer


def test_the_zone_of_the_environment_and_the_config_only_print(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.book("uk-ld4", at(2))
    assert "GMT" in desk.ok("window", "list") or "BST" in desk.ok("window", "list")
    monkeypatch.setenv("MAINTSCHED_TZ", "Asia/Tokyo")
    assert "JST" in desk.ok("window", "list")
    assert "JST" not in desk.ok("--tz", "UTC", "window", "list")
    assert desk.run("find", "uk-ld4", "--at", "2027-01-05T01:00").code == 2


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101])
def test_who_acts_has_a_name_that_can_be_printed(desk: Desk, name: str) -> None:
    answer = desk.run("window", "list", by=name)
    assert answer.code == (0 if name == "" else 2), answer


def test_stale_sources_are_told_in_every_list(empty_desk: Desk) -> None:
    def stale(*words: str) -> object:
        return empty_desk.json(*words)["stale"]

    for words in (("status",), ("find", "uk-ld4"), ("window", "list"), ("calendar", "list"), ("calendar", "review"),
                  ("calendar", "sources")):  # fmt: skip
        assert stale(*words) == ["equinix", "carrier"], words
    assert "calendar sources that are not up to date: equinix, carrier" in empty_desk.run("window", "list").err


@pytest.mark.parametrize("form", ["json", "plain"])
def test_logs_go_to_stderr(desk: Desk, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINTSCHED_LOG", form)
    answer: Answer = command("--config", str(desk.config), "-vv", "status", "--json")
    assert answer.code == 0
    json.loads(answer.raw)
    if form == "json":
        assert all(json.loads(line)["level"] for line in answer.err.splitlines())


def test_every_top_level_command_is_there() -> None:
    assert [name for name, _ in EVERY if name and " " not in name] == list(COMMANDS)
