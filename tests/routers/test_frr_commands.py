"""Commands of FRR's platform file that think for themselves, in a real shell: no answer must not read as a good one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from maintsched.domain.platform import fill
from maintsched.errors import CommandFailed
from maintsched.routers.ssh import Output
from tests.services.planned import frr

from .shells import VALUES, LocalShell, device

CONFIGURATION = """\
Building configuration...

Current configuration:
!
router bgp 64500
 neighbor 192.0.2.9 remote-as 64501
{lines} !
exit
!
end
"""
OURS = " neighbor 192.0.2.9 shutdown message maintsched R-1; back by 2026-12-09T01:05:00Z\n"
WITHOUT_BGPD = "Current configuration:\n!\nip prefix-list ANNOUNCED seq 5 permit 198.51.100.0/28\n!\nend\n"


def prints(text: str, status: int = 0) -> str:
    return f"cat <<'END'\n{text}END\nexit {status}"


@pytest.mark.parametrize(
    ("lines", "ours", "every"),
    [
        ("", 0, 0),
        (OURS, 1, 1),
        (" neighbor 192.0.2.9 shutdown\n", 0, 1),
        (" neighbor 192.0.2.9 shutdown message CHG-7 by hand\n", 0, 1),
        (OURS.replace("R-1;", "R-12;"), 0, 1),
        (OURS.replace("192.0.2.9", "192.0.2.99") + OURS.replace("192.0.2.9", "92.0.2.9"), 0, 0),
        (" neighbor 192.0.2.9 description no neighbor 192.0.2.9 shutdown\n", 0, 0),
        (" no neighbor 192.0.2.9 shutdown\n", 0, 0),
    ],
    ids=["none", "ours", "bare", "a colleague's", "another run's", "other neighbors'", "in a description", "negated"],
)
def test_shutdown_lines_of_the_neighbor_are_counted_ours_and_all(
    tmp_path: Path, lines: str, ours: int, every: int
) -> None:
    shell = LocalShell(tmp_path, {"vtysh": prints(CONFIGURATION.format(lines=lines))})
    assert device(shell).read("our_lines", **VALUES) == {"ours": ours, "all": every}


@pytest.mark.parametrize(
    "vtysh",
    [
        "echo 'Exiting: failed to connect to any daemons.' >&2; exit 1",
        "exit 0",
        prints(WITHOUT_BGPD),
        prints(CONFIGURATION.format(lines=OURS), 1),
    ],
    ids=["no right to read it", "empty", "bgpd is not running", "failed on the way"],
)
def test_a_configuration_that_cannot_be_read_is_never_one_without_our_lines(tmp_path: Path, vtysh: str) -> None:
    with pytest.raises(CommandFailed, match="edge1: our_lines failed"):
        device(LocalShell(tmp_path, {"vtysh": vtysh})).read("our_lines", **VALUES)


PING = "PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.\n\n--- 192.0.2.9 ping statistics ---\n"


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ("4 packets transmitted, 4 received, 0% packet loss, time 603ms\n", 4),
        ("4 packets transmitted, 0 received, 100% packet loss, time 3051ms\n", 0),
        ("4 packets transmitted, 0 received, +4 errors, 100% packet loss, time 3051ms\n", 0),
        ("4 packets transmitted, 3 received, +1 duplicates, 25% packet loss, time 3051ms\n", 3),
    ],
)
def test_answers_over_the_link_are_counted(tmp_path: Path, said: str, answered: int) -> None:
    shell = LocalShell(tmp_path, {"ping": prints(PING + said, 0 if answered else 1)})
    assert device(shell).read("link", **VALUES) == {"answered": answered}


@pytest.mark.parametrize("ping", ["echo 'ping: socket: Operation not permitted' >&2; exit 2", "exit 127"])
def test_a_ping_that_cannot_be_sent_is_not_one_without_answer(tmp_path: Path, ping: str) -> None:
    with pytest.raises(CommandFailed, match="edge1: link: the answer cannot be read: empty"):
        device(LocalShell(tmp_path, {"ping": ping})).read("link", **VALUES)


# Shutting and taking back: the timer's file says whether this run may act, the configuration what it may take back.

CHANGED = "vtysh -c configure terminal -c router bgp 64500 -c "
OURS_UNDONE = CHANGED + "no neighbor 192.0.2.9 shutdown"


def changing(folder: Path, kind: str, lines: str = "", vtysh: str = "") -> tuple[Output, list[str]]:
    """The command's outcome on a router with these lines, and what was written to its configuration."""
    shut = frr().actions["shut"]
    values = {**VALUES, "token": f"T-{os.getpid()}", "until": "2026-12-09T01:05:00Z"}
    message = fill(shut.message, values)
    command = fill(shut.command if kind == "shut" else shut.undo, values, raw={"message": message})
    log = folder / "written"
    said = vtysh or prints(CONFIGURATION.format(lines=lines))
    script = f'case "$*" in *configure*) echo "vtysh $*" >> {log}; exit 0;; esac\n{said}'
    output = LocalShell(folder, {"vtysh": script}).run(command)
    return output, log.read_text().splitlines() if log.exists() else []


def test_nothing_is_shut_while_the_runs_own_timer_is_not_armed(tmp_path: Path) -> None:
    output, written = changing(tmp_path, "shut")
    assert (output, written) == (Output(4, "", "the dead-man is not armed\n"), [])


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        (OURS, [OURS_UNDONE]),
        ("", []),
        (" neighbor 192.0.2.9 shutdown message CHG-7 by hand\n", []),
        (" neighbor 192.0.2.9 shutdown\n", []),
        (OURS.replace("R-1;", "R-2;"), []),
        (OURS.replace("192.0.2.9", "192.0.2.99"), []),
    ],
    ids=["ours", "already gone", "a colleague's", "bare", "another run's", "another neighbor's"],
)
def test_only_the_line_of_this_very_run_is_taken_back(tmp_path: Path, lines: str, written: list[str]) -> None:
    output, sent = changing(tmp_path, "undo", lines)
    assert (output.status, sent) == (0, written)


@pytest.mark.parametrize(
    "vtysh",
    ["echo 'Exiting: failed to connect to any daemons.' >&2; exit 1", "exit 0", prints(WITHOUT_BGPD)],
    ids=["no right to read it", "empty", "bgpd is not running"],
)
def test_taking_back_fails_where_the_configuration_cannot_be_read(tmp_path: Path, vtysh: str) -> None:
    output, sent = changing(tmp_path, "undo", vtysh=vtysh)
    assert (output.status != 0, sent) == (True, [])
