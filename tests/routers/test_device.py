"""The platform driver: what an answer of FRR comes to, and what happens when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from maintsched.errors import CommandFailed, CommandRefused, ShellLost
from maintsched.routers.ssh import Output

from .shells import (
    ESTABLISHED,
    NEIGHBOR,
    NO_NEIGHBOR,
    PATHS,
    SHUT,
    TWO_FAMILIES,
    VALUES,
    StandIn,
    command_of,
    device,
    text,
)

NOTHING: dict[str, Any] = dict.fromkeys(
    ("state", "admin_down", "established_ms", "received", "sent", "bfd", "reset", "local_as", "peer_as")
)
UP = {"state": "Established", "received": 4, "sent": 2}

READINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an Established session": (
        "session", text(ESTABLISHED),
        {**UP, "admin_down": None, "established_ms": 912000, "bfd": "Up", "reset": "No AFI/SAFI activated for peer",
         "local_as": 64500, "peer_as": 64501}),
    "prefixes of two families are added up": (
        "session", text(TWO_FAMILIES), {**NOTHING, "state": "Established", "received": 5, "sent": 3}),
    "a session that is shut: none sent is not told, none accepted is": (
        "session", text(SHUT),
        {**NOTHING, "state": "Idle", "admin_down": True, "received": 0, "reset": "Admin. shutdown",
         "local_as": 64500, "peer_as": 64501}),
    "a neighbor that the router does not have": ("session", text(NO_NEIGHBOR), NOTHING),
    "a neighbor without families": (
        "session", text({NEIGHBOR: {"bgpState": "Active"}}), {**NOTHING, "state": "Active"}),
    "an empty answer": ("session", "{}", NOTHING),
    "two paths, one best": (
        "paths", text(PATHS),
        {"paths": [{"next_hop": "192.0.2.33", "valid": True, "best": None},
                   {"next_hop": NEIGHBOR, "valid": True, "best": True}]}),
    "no path": ("paths", "{\n}\n", {"paths": None}),
    "a path without next hop": (
        "paths", '{"paths":[{}]}', {"paths": [{"next_hop": None, "valid": None, "best": None}]}),
    "a route": ("fib", '[{"dst":"198.51.100.7","gateway":"192.0.2.9","dev":"eth4","flags":[]}]',
                {"gateway": "192.0.2.9", "interface": "eth4"}),
    "a route to a directly connected address": ("fib", '[{"dst":"198.51.100.7","dev":"eth4"}]',
                                                {"gateway": None, "interface": "eth4"}),
    "counters": ("counters", '[{"ifname":"eth4","stats64":{"rx":{"packets":45},"tx":{"packets":43}}}]',
                 {"received": 45, "sent": 43}),
    "an interface without counters": ("counters", '[{"ifname":"eth4"}]', {"received": None, "sent": None}),
    "our lines": ("our_lines", "[0,\n 1]\n", {"ours": 0, "all": 1}),
    "the time": ("clock", "[1795350386]\n", {"epoch": 1795350386}),
    "the way to us": ("way_to_us", '[{"dst":"192.0.2.254","dev":"eth0"}]',
                      {"client": "192.0.2.254", "interface": "eth0"}),
    "the link": ("link", "[4]\n", {"answered": 4}),
}  # fmt: skip


@pytest.mark.parametrize(("intent", "said", "fields"), READINGS.values(), ids=READINGS)
def test_what_the_router_says_is_read_and_what_it_does_not_say_is_none(
    intent: str, said: str, fields: dict[str, Any]
) -> None:
    shell = StandIn({command_of(intent): said})
    assert device(shell).read(intent, **VALUES) == fields
    assert shell.asked == [command_of(intent)]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("% Cannot specify IPv6 address or prefix with IPv4 AFI\n", "% Cannot specify IPv6"),
        ("", "empty"),
        ("\n\n", "empty"),
        ('{"192.0.2.9":{"bgpState":"Establ', '{"192.0.2.9"'),
        ("<html>", "<html>"),
        (text({NEIGHBOR: {"addressFamilyInfo": {"ipv4Unicast": {"acceptedPrefixCounter": "four"}}}}), "{"),
    ],
    ids=["a complaint", "nothing", "blank lines", "cut off", "something else", "a field of another kind"],
)
def test_an_answer_that_cannot_be_read_names_router_and_intent(said: str, shown: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        device(StandIn({command_of("session"): said})).read("session", **VALUES)
    assert caught.value.message.startswith(f"edge1: session: the answer cannot be read: {shown}")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (Output(1, "", "bgpd is not running\n"), "edge1: session failed (exit 1): bgpd is not running"),
        (Output(1, "\n  % Unknown command\n", ""), "edge1: session failed (exit 1): % Unknown command"),
        (Output(127, "", "sh: vtysh: not found\n"), "edge1: session failed (exit 127): sh: vtysh: not found"),
        (Output(1, text(ESTABLISHED), ""), "edge1: session failed (exit 1): {"),
    ],
)
def test_a_command_that_fails_is_no_reading_whatever_it_printed(output: Output, said: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        device(StandIn({command_of("session"): output})).read("session", **VALUES)
    assert caught.value.message == said
    assert caught.value.hint == f"try it by hand: {command_of('session')}"


LOST = ShellLost("edge1: SSH broke during a command")


def test_a_read_is_tried_again_once_on_the_spare_shell() -> None:
    broken, spare = StandIn({command_of("clock"): LOST}), StandIn({command_of("clock"): "[7]"})
    found = device(broken, spare)
    found.open(2)
    assert found.read("clock") == {"epoch": 7}
    assert (broken.closed, spare.closed) == (True, False)
    assert found.read("clock") == {"epoch": 7}
    assert (len(broken.asked), len(spare.asked)) == (1, 2)


def test_without_a_spare_a_read_logs_in_again() -> None:
    found = device(StandIn({command_of("clock"): LOST}), StandIn({command_of("clock"): "[7]"}))
    found.open(1)
    assert found.read("clock") == {"epoch": 7}


def test_a_read_that_is_lost_twice_is_lost() -> None:
    shells = [StandIn({command_of("clock"): LOST}) for _ in range(3)]
    found = device(*shells)
    found.open(3)
    with pytest.raises(ShellLost):
        found.read("clock")
    assert [len(shell.asked) for shell in shells] == [1, 1, 0]


def test_a_read_that_the_router_answers_with_an_error_is_not_tried_again() -> None:
    first, spare = StandIn({}), StandIn({command_of("clock"): "[7]"})
    found = device(first, spare)
    found.open(2)
    with pytest.raises(CommandFailed):
        found.read("clock")
    assert (len(first.asked), len(spare.asked)) == (1, 0)


CHANGE = "vtysh -c 'configure terminal' -c 'router bgp 64500' -c 'neighbor 192.0.2.9 shutdown message x'"


def test_a_changing_command_is_never_sent_again_by_itself() -> None:
    broken, spare = StandIn({CHANGE: LOST}), StandIn({CHANGE: ""})
    found = device(broken, spare, allow=frozenset({CHANGE}))
    found.open(2)
    with pytest.raises(ShellLost):
        found.send(CHANGE)
    assert (broken.asked, broken.closed, spare.asked) == ([CHANGE], True, [])
    found.send(CHANGE)  # by somebody's decision
    assert spare.asked == [CHANGE]


def test_a_changing_command_that_the_router_refuses_is_told_as_it_is() -> None:
    found = device(StandIn({CHANGE: Output(1, "out", "err")}), allow=frozenset({CHANGE}))
    assert found.send(CHANGE) == Output(1, "out", "err")


@pytest.mark.parametrize("way", ["ask", "send", "send_apart"])
@pytest.mark.parametrize("command", ["date", CHANGE + " ", "vtysh -c 'write memory'", ""])
def test_a_command_that_is_not_allowed_never_reaches_a_shell(way: str, command: str) -> None:
    shell = StandIn({command: "[7]"})
    found = device(shell, StandIn({}), allow=frozenset({CHANGE}))
    found.open(1)
    with pytest.raises(CommandRefused, match="edge1: not sent"):
        getattr(found, way)(command)
    assert shell.asked == []


def test_a_denied_command_never_reaches_a_shell_though_it_is_on_the_list() -> None:
    command = "vtysh -c 'write memory'"
    shell = StandIn({command: ""})
    found = device(shell, allow=frozenset({command}))
    with pytest.raises(CommandRefused, match="deny pattern"):
        found.send(command)
    assert shell.asked == []


def test_the_list_can_be_exchanged() -> None:
    from maintsched.domain.platform import AllowList

    found = device(StandIn({"date": "", CHANGE: ""}), allow=frozenset({CHANGE}))
    found.allow(AllowList(frozenset({"date"})))
    found.ask("date")
    with pytest.raises(CommandRefused):
        found.send(CHANGE)


def test_what_is_sent_apart_goes_over_a_connection_of_its_own_that_is_closed_after_it() -> None:
    kept, apart = StandIn({}), StandIn({CHANGE: LOST})
    found = device(kept, apart, allow=frozenset({CHANGE}))
    found.open(1)
    with pytest.raises(ShellLost):
        found.send_apart(CHANGE)
    assert (kept.asked, apart.asked, apart.closed, kept.closed) == ([], [CHANGE], True, False)


def test_closing_closes_every_shell() -> None:
    shells = [StandIn({}), StandIn({})]
    found = device(*shells)
    found.open()
    assert found.local_address == "192.0.2.254"
    found.close()
    found.close()
    assert all(shell.closed for shell in shells)
