"""Shells over SSH, against Debian's sshd: who is let in, what comes back whole, and what is lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from maintsched.domain.inventory import Router
from maintsched.errors import InvalidInput, ShellLost, Unavailable
from maintsched.routers.ssh import OUTPUT_LIMIT, Output, SshShell, open_shell

from . import sshd
from .sshd import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if sshd.PROGRAM is None:
        pytest.skip("openssh-server is not installed")
    found = sshd.start(tmp_path_factory.mktemp("sshd"))
    yield found
    found.stop()


@pytest.fixture
def shell(server: Server) -> Iterator[SshShell]:
    found = open_shell(server.router)
    yield found
    found.close()


def test_a_command_gives_its_status_and_both_streams_apart(shell: SshShell) -> None:
    assert shell.run("echo out; echo err >&2; exit 3") == Output(3, "out\n", "err\n")
    assert shell.run("true") == Output(0, "", "")
    assert (shell.router, shell.local_address) == ("edge1", "127.0.0.1")


def test_nothing_waits_for_input(shell: SshShell) -> None:
    assert shell.run("cat; echo ended", seconds=5) == Output(0, "ended\n", "")


def test_bytes_that_are_no_text_do_not_stop_a_reading(shell: SshShell) -> None:
    assert shell.run(r"printf 'a\377b'").stdout == "a\ufffdb"


def test_five_megabytes_arrive_whole_on_both_streams(shell: SshShell) -> None:
    line = "0123456789abcdef" * 4
    found = shell.run(f"yes {line} | head -c 2500000; yes {line} | head -c 2500000 >&2")
    assert found.status == 0
    wanted = (line + "\n") * (2500000 // 65 + 1)
    assert found.stdout == wanted[:2500000]
    assert found.stderr == wanted[:2500000]


def test_one_stream_may_end_long_before_the_other(shell: SshShell) -> None:
    assert shell.run("exec >&-; sleep 0.2; echo late >&2; exit 4") == Output(4, "", "late\n")
    assert shell.run("exec 2>&-; sleep 0.2; echo late; exit 4") == Output(4, "late\n", "")


def test_a_command_that_never_stops_printing_is_cut_off(shell: SshShell) -> None:
    with pytest.raises(ShellLost, match=f"printed more than {OUTPUT_LIMIT} bytes"):
        shell.run("yes 0123456789abcdef0123456789abcdef")


def test_many_fast_commands_lose_nothing_of_what_they_print(server: Server) -> None:
    """200 of them, over eight shells at once: the end of a command and the end of its output race each other."""
    wanted = "".join(f"{number}\n" for number in range(1, 5000))[:20000]

    def commands(first: int) -> list[tuple[int, Output]]:
        shell = open_shell(server.router)
        try:
            return [(n, shell.run(f"seq 1 5000 | head -c 20000; echo {n} >&2")) for n in range(first, first + 25)]
        finally:
            shell.close()

    with ThreadPoolExecutor(8) as pool:
        found = [pair for pairs in pool.map(commands, range(0, 200, 25)) for pair in pairs]
    assert len(found) == 200
    assert [n for n, output in found if output != Output(0, wanted, f"{n}\n")] == []


def test_what_runs_on_without_the_login_does_not_hold_it_up(shell: SshShell) -> None:
    began = time.monotonic()
    assert shell.run("setsid nohup sleep 3 </dev/null >/dev/null 2>&1 & echo armed").stdout == "armed\n"
    assert time.monotonic() - began < 2


# What is lost: the outcome is unknown, and is never told as an outcome.


def test_a_command_that_takes_too_long_is_lost(shell: SshShell) -> None:
    began = time.monotonic()
    with pytest.raises(ShellLost, match="edge1: a command did not end in time"):
        shell.run("echo begun; sleep 5", seconds=0.4)
    assert time.monotonic() - began < 2


def test_a_command_whose_output_is_held_open_is_lost_in_time(shell: SshShell) -> None:
    with pytest.raises(ShellLost, match="did not end in time"):
        shell.run("sleep 3 & echo begun", seconds=0.4)


def test_a_connection_that_breaks_in_the_middle_loses_the_command_and_then_the_shell(server: Server) -> None:
    shell = open_shell(server.router)
    with pytest.raises(ShellLost) as caught:
        shell.run("echo begun; kill -9 $PPID; sleep 5")  # sshd's process of this very connection
    assert "edge1: " in caught.value.message
    with pytest.raises(ShellLost, match=r"the SSH connection is closed|broke during a command"):
        shell.run("echo again")
    shell.close()


def test_a_command_that_is_killed_has_no_outcome(shell: SshShell) -> None:
    with pytest.raises(ShellLost, match="before the command ended"):
        shell.run("echo begun; kill -9 $$")
    assert shell.run("echo again").stdout == "again\n"


def test_a_closed_shell_runs_nothing(server: Server) -> None:
    shell = open_shell(server.router)
    shell.close()
    shell.close()
    with pytest.raises(ShellLost, match="the SSH connection is closed"):
        shell.run("echo")


# Who is let in.


def refused(router: Router) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        open_shell(router).close()
    assert caught.value.message.startswith(f"edge1 ({router.user}@127.0.0.1 port {router.port}): ")
    return caught.value


def test_a_router_whose_host_key_is_not_pinned_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    error = refused(replace(server.router, known_hosts=str(tmp_path / "empty")))
    assert "not found in known_hosts" in error.message
    assert error.hint == f"compare the router's host key and put it into {tmp_path / 'empty'}"
    assert (tmp_path / "empty").read_text() == ""


def test_a_router_whose_host_key_changed_is_refused(server: Server, tmp_path: Path) -> None:
    pins = server.pins("changed", sshd.new_key(tmp_path / "other"))
    error = refused(replace(server.router, known_hosts=pins))
    assert "does not match" in error.message
    assert error.hint == f"compare the router's host key and put it into {pins}"


def test_a_key_that_the_router_does_not_know_is_refused(server: Server, tmp_path: Path) -> None:
    error = refused(replace(server.router, key=str(sshd.new_key(tmp_path / "stranger"))))
    assert "Authentication failed" in error.message
    assert error.hint == "check `user:` and `key:` of the router, and the router's authorized keys"


def test_a_key_file_that_is_none_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key at all\n")
    refused(replace(server.router, key=str(tmp_path / "key")))


def test_a_port_where_nobody_listens_is_told_at_once(server: Server) -> None:
    error = refused(replace(server.router, port=sshd.free_port()))
    assert "no SSH login" in error.message
    assert error.hint == "check `host:` and `port:` of the router, and the management path"


@pytest.mark.slow
def test_a_port_that_says_nothing_is_given_up_within_six_seconds(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        refused(replace(server.router, port=silent.getsockname()[1]))
        assert time.monotonic() - began < 7


def test_a_key_file_that_is_not_there_is_told_with_its_path(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"there is no key file {tmp_path / 'nowhere'}") as caught:
        open_shell(replace(server.router, key=str(tmp_path / "nowhere")))
    assert caught.value.hint == "correct `key:` of the router"


def test_a_known_hosts_file_that_is_not_there_is_told_with_how_to_make_it(server: Server, tmp_path: Path) -> None:
    error = refused(replace(server.router, known_hosts=str(tmp_path / "nowhere")))
    assert f"there is no known_hosts file {tmp_path / 'nowhere'}" in error.message
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in error.hint


def test_another_transport_than_ours_is_refused(server: Server) -> None:
    with pytest.raises(InvalidInput, match="transport openssh is not built yet"):
        open_shell(replace(server.router, transport="openssh"))


# Over a jump host: the same sshd, twice.


def test_a_router_behind_a_jump_host_is_reached_and_both_connections_are_closed(server: Server) -> None:
    shell = open_shell(server.router, jump=replace(server.router, name="bastion"))
    assert shell.run("echo $SSH_CONNECTION").stdout.split()[0] == "127.0.0.1"
    assert shell.local_address == "127.0.0.1"
    shell.close()
    with pytest.raises(ShellLost):
        shell.run("echo")


def test_a_router_that_the_jump_host_cannot_reach_is_told(server: Server) -> None:
    nobody = replace(server.router, port=sshd.free_port())
    with pytest.raises(Unavailable, match=r"edge1: 127\.0\.0\.1 opens no way to 127\.0\.0\.1 port") as caught:
        open_shell(nobody, jump=replace(server.router, name="bastion"))
    assert "allows TCP forwarding" in caught.value.hint


def test_a_jump_host_that_is_not_pinned_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    bastion = replace(server.router, name="bastion", known_hosts=str(tmp_path / "empty"))
    with pytest.raises(Unavailable, match=r"bastion .*not found in known_hosts"):
        open_shell(server.router, jump=bastion)
