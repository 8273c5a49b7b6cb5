"""A lab that is up: sessions, paths, plain routers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from maintsched import lab
from maintsched.errors import InvalidInput, NotFound, Refused

from . import inventories
from .bench import SERVICE, Bench, eventually, quiet

pytestmark = pytest.mark.lab


def test_is_up_and_established_within_15_seconds(bench: Bench) -> None:
    assert bench.began.seconds is not None
    assert bench.began.seconds < 15
    assert {each.state for each in bench.began.sessions} == {"Established"}
    assert all(node.alive for node in bench.began.nodes)


def test_the_primary_carries_both_ways(bench: Bench) -> None:
    assert eventually(lambda: bench.carrying() == ("uk-ld4", "uk-ld4"))


def test_the_survivors_path_is_known_to_the_primarys_router(bench: Bench) -> None:
    said = json.loads(bench.run("edge1", "vtysh", "-c", "show bgp ipv4 unicast 10.200.0.0/24 json"))
    assert [path["valid"] for path in said["paths"]] == [True, True]


def test_a_plain_vtysh_works_over_ssh_for_the_login_user(pair: Bench) -> None:
    done = pair.login("edge1", "id -un; hostname; vtysh -c 'show bgp ipv4 unicast summary json'")
    assert done.stderr == ""
    user, host, document = done.stdout.split("\n", 2)
    assert (user, host) == ("drill", "edge1")
    assert json.loads(document)["peers"]["10.210.4.2"]["state"] == "Established"


def test_a_plain_birdc_works_over_ssh_for_the_login_user(bird: Bench) -> None:
    done = bird.login("edge2", "birdc show protocols; birdc show bfd sessions; birdc configure check")
    assert done.stderr == ""
    assert "bgp_uk_ld7 BGP        ---        up" in done.stdout
    assert "10.210.7.2                eth1       Up" in done.stdout
    assert "Configuration OK" in done.stdout


def test_a_key_that_is_not_the_labs_is_refused(pair: Bench, tmp_path: Path) -> None:
    stranger = str(tmp_path / "stranger")
    pair.run("ops", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger)
    said = pair.run("ops", "sh", "-c", '"$@" 2>&1 || true', "sh", *pair.ssh(stranger), "drill@10.210.0.1", "true")
    assert "Permission denied" in said


def test_a_lab_cannot_be_taken_down_from_inside(pair: Bench) -> None:
    code = f"from pathlib import Path; from maintsched import lab; lab.down(Path({str(pair.directory)!r}), print)"
    said = pair.run("ops", "sh", "-c", '"$@" 2>&1 || true', "sh", sys.executable, "-c", code)
    assert "runs inside the lab" in said
    assert all(node.alive for node in lab.status(pair.directory).nodes)


def carries(bench: Bench, circuit: str) -> bool:
    return bench.carrying() == (circuit, circuit)


def test_traffic_moves_when_the_primary_is_shut_and_comes_back(bench: Bench) -> None:
    shut, restore = "neighbor 10.210.4.2 shutdown message drill", "no neighbor 10.210.4.2 shutdown"
    for line, way in ((shut, "uk-ld7"), (restore, "uk-ld4")):
        done = bench.login("edge1", f"vtysh -c 'configure terminal' -c 'router bgp 64620' -c '{line}'")
        assert done.returncode == 0
        assert eventually(partial(carries, bench, way))
    assert eventually(lambda: bench.session("uk-ld4") == "Established")


def test_the_service_answers_with_a_certificate_of_the_labs_ca(pair: Bench) -> None:
    code = (
        "import ssl, sys, urllib.request as r; trust = ssl.create_default_context(cafile=sys.argv[2]);"
        "print(r.urlopen(sys.argv[1], context=trust, timeout=3).read().decode())"
    )
    said = pair.run("ops", "python3", "-c", code, pair.began.url, pair.began.ca)
    assert json.loads(said) == {"status": "ok"}


@pytest.mark.parametrize(("bench", "echoes"), [("single", True), ("pair", False)], indirect=["bench"])
def test_a_udp_reflector_answers_on_request_only(bench: Bench, echoes: bool) -> None:
    code = (
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
        f"s.connect(('{SERVICE}', 8862))\n"
        "try: s.send(b'hello'); print(s.recv(99) == b'hello')\nexcept OSError: print(False)"
    )
    assert bench.run("ops", "python3", "-c", code).strip() == str(echoes)


def test_commands_run_in_every_node_and_the_operations_host_sees_our_files(pair: Bench) -> None:
    for node in pair.began.nodes:
        assert "lo" in pair.run(node.name, "cat", "/proc/net/dev")
    assert pair.run("ops", "pwd").strip() == str(Path.cwd())
    assert pair.run("ops", "cat", pair.began.ca).startswith("-----BEGIN CERTIFICATE")


def test_a_node_that_is_not_there_is_named_with_those_that_are(pair: Bench) -> None:
    with pytest.raises(NotFound, match="no node edge9") as caught:
        lab.exec_argv(pair.directory, "edge9", ["true"])
    assert "edge1" in caught.value.hint


def test_management_does_not_ride_on_the_circuits(pair: Bench) -> None:
    for address in ("10.210.0.1", "10.210.0.2"):
        assert "dev mgmt" in pair.run("ops", "ip", "route", "get", address)


def test_the_same_name_or_directory_is_refused_while_up(
    pair: Bench, tmp_path: Path, names: Callable[[str], str]
) -> None:
    for directory, name in ((tmp_path, names("pair")), (pair.directory, names("other"))):
        with pytest.raises(Refused, match="already up"):
            lab.up(inventories.pair(directory), directory, name=name, say=quiet)
    assert lab.status(pair.directory).stage == "up"


def test_two_labs_coexist(pair: Bench, single: Bench) -> None:
    assert eventually(lambda: pair.answered() >= 28)
    assert eventually(lambda: single.answered() >= 28)
    assert pair.run("edge1", "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"


def test_no_lab_here_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        lab.status(tmp_path)
    assert "lab up" in caught.value.hint


def test_a_name_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no name for a lab"):
        lab.up(inventories.pair(tmp_path), tmp_path, name="a:b", say=quiet)
