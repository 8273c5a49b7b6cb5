"""Each fault does what it says, and healing undoes exactly that."""

from __future__ import annotations

import pytest

from maintsched import lab
from maintsched.errors import InvalidInput, Refused

from .bench import Bench, eventually, quiet

pytestmark = pytest.mark.lab
HEALTHY = ("uk-ld4", "uk-ld4")
MOVED = ("uk-ld7", "uk-ld7")
OUR_SHUT = "vtysh -c 'configure terminal' -c 'router bgp 64620' -c '{no}neighbor 10.210.4.2 shutdown'"


@pytest.fixture
def healthy(bench: Bench) -> Bench:
    assert eventually(lambda: bench.carrying() == HEALTHY)
    return bench


def set_session(bench: Bench, *, shut: bool) -> None:
    """Shut or restore the primary's session at our edge."""
    assert bench.login("edge1", OUR_SHUT.format(no="" if shut else "no ")).returncode == 0


def bgp_config(bench: Bench, node: str) -> str:
    return bench.run(node, "vtysh", "-c", "show running-config")


@pytest.mark.parametrize(
    ("bench", "fault"),
    [("pair", "session"), ("single", "circuit"), ("bird", "far-side")],
    indirect=["bench"],
)
def test_traffic_moves_away_and_comes_back(healthy: Bench, fault: str) -> None:
    lab.break_(healthy.directory, fault, "uk-ld4", quiet)
    assert eventually(lambda: healthy.carrying() == MOVED)
    assert healthy.session("uk-ld4") != "Established"
    lab.heal(healthy.directory, fault, "uk-ld4", quiet)
    assert eventually(lambda: healthy.carrying() == HEALTHY)
    assert lab.status(healthy.directory).faults == ()


@pytest.mark.parametrize("bench", ["bird"], indirect=True)
@pytest.mark.parametrize("fault", ["session", "circuit"])
def test_the_standby_on_bird_loses_its_session_and_gets_it_back(healthy: Bench, fault: str) -> None:
    lab.break_(healthy.directory, fault, "uk-ld7", quiet)
    assert eventually(lambda: healthy.session("uk-ld7") != "Established")
    assert healthy.carrying() == HEALTHY
    lab.heal(healthy.directory, None, None, quiet)
    assert eventually(lambda: healthy.session("uk-ld7") == "Established")


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_a_black_hole_leaves_the_link_up(healthy: Bench) -> None:
    lab.break_(healthy.directory, "circuit", None, quiet)
    assert "LOWER_UP" in healthy.run("edge1", "ip", "-br", "link", "show", "eth1")
    assert (
        healthy.run("edge1", "ping", "-c", "2", "-i", "0.1", "-W", "1", "10.210.4.2", check=False).count("bytes from")
        == 0
    )
    lab.heal(healthy.directory, "circuit", None, quiet)
    assert "PERMANENT" not in healthy.run("edge1", "ip", "neigh")


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_forwarding_is_lost_while_bgp_and_bfd_stay(healthy: Bench) -> None:
    lab.break_(healthy.directory, "forwarding", None, quiet)
    assert eventually(lambda: healthy.answered(20) == 0)
    assert healthy.session("uk-ld4") == "Established"
    assert '"status":"up"' in healthy.run("edge1", "vtysh", "-c", "show bfd peers json").replace(" ", "")
    lab.heal(healthy.directory, "forwarding", None, quiet)
    assert eventually(lambda: healthy.answered(20) == 20)


@pytest.mark.parametrize("bench", ["single"], indirect=True)
def test_the_way_back_stays_pinned_when_the_primary_is_shut(healthy: Bench) -> None:
    before = bgp_config(healthy, "pe-uk-ld4")
    lab.break_(healthy.directory, "way-back", None, quiet)
    set_session(healthy, shut=True)
    assert eventually(lambda: healthy.carrying() == ("uk-ld7", "uk-ld4"))
    lab.heal(healthy.directory, "way-back", None, quiet)
    assert eventually(lambda: healthy.carrying() == MOVED)
    set_session(healthy, shut=False)
    assert eventually(lambda: healthy.carrying() == HEALTHY)
    assert bgp_config(healthy, "pe-uk-ld4") == before


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_a_drain_is_honoured_unless_the_provider_ignores_it(healthy: Bench) -> None:
    signal = "set community graceful-shutdown additive"
    before = bgp_config(healthy, "pe-uk-ld4")
    entry = "route-map OUT-uk-ld4 permit 1"
    healthy.run("edge1", "vtysh", "-c", "configure terminal", "-c", entry, "-c", signal, "-c", "on-match next")
    assert eventually(lambda: healthy.carrying()[1] == "uk-ld7")
    lab.break_(healthy.directory, "ignore-drain", None, quiet)
    assert eventually(lambda: healthy.carrying()[1] == "uk-ld4")
    lab.heal(healthy.directory, "ignore-drain", None, quiet)
    assert eventually(lambda: healthy.carrying()[1] == "uk-ld7")
    healthy.run("edge1", "vtysh", "-c", "configure terminal", "-c", f"no {entry}")
    assert eventually(lambda: healthy.carrying() == HEALTHY)
    assert bgp_config(healthy, "pe-uk-ld4") == before


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_icmp_is_policed_while_https_answers(healthy: Bench) -> None:
    lab.break_(healthy.directory, "icmp", None, quiet)
    assert 0 < healthy.answered(60) < 30
    assert https_answers(healthy)
    lab.heal(healthy.directory, "icmp", None, quiet)
    assert healthy.answered(60) == 60


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_the_service_stops_while_the_path_stays(healthy: Bench) -> None:
    lab.break_(healthy.directory, "service", None, quiet)
    assert not https_answers(healthy)
    assert healthy.answered(20) == 20
    lab.heal(healthy.directory, "service", None, quiet)
    assert https_answers(healthy)


def https_answers(bench: Bench) -> bool:
    code = (
        "import ssl, sys, urllib.request as r; trust = ssl.create_default_context(cafile=sys.argv[2])\n"
        "try: r.urlopen(sys.argv[1], context=trust, timeout=2); print('yes')\n"
        "except OSError: print('no')"
    )
    return bench.run("ops", "python3", "-c", code, bench.began.url, bench.began.ca) == "yes\n"


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_several_faults_heal_together_also_on_a_dead_router(healthy: Bench) -> None:
    before = bgp_config(healthy, "pe-uk-ld4")
    for fault, target in (("ignore-drain", "uk-ld4"), ("far-side", "uk-ld4"), ("circuit", "uk-ld7"), ("icmp", None)):
        lab.break_(healthy.directory, fault, target, quiet)
    assert [(each.fault, each.circuit) for each in lab.status(healthy.directory).faults] == [
        ("ignore-drain", "uk-ld4"),
        ("far-side", "uk-ld4"),
        ("circuit", "uk-ld7"),
        ("icmp", None),
    ]
    with pytest.raises(Refused, match="dead already"):
        lab.break_(healthy.directory, "session", "uk-ld4", quiet)
    lab.heal(healthy.directory, None, None, quiet)
    assert lab.status(healthy.directory).faults == ()
    assert eventually(lambda: healthy.carrying() == HEALTHY)
    assert bgp_config(healthy, "pe-uk-ld4") == before


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
def test_a_fault_that_is_in_force_is_not_made_twice(healthy: Bench) -> None:
    said: list[str] = []
    lab.break_(healthy.directory, "session", "uk-ld7", said.append)
    lab.break_(healthy.directory, "session", "uk-ld7", said.append)
    assert said == ["session uk-ld7: pe-uk-ld7 has shut its BGP session", "session uk-ld7 is already in force"]
    assert len(lab.status(healthy.directory).faults) == 1


@pytest.mark.parametrize("bench", ["pair"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "target", "hint"),
    [
        ("sesion", None, "did you mean session?"),
        ("meteor", None, "way-back"),
        ("session", "uk-ld5", "did you mean uk-ld"),
        ("icmp", "uk-ld4", "maintsched lab break icmp"),
    ],
)
def test_an_unknown_fault_or_target_is_refused_with_what_there_is(
    bench: Bench, fault: str, target: str | None, hint: str
) -> None:
    for act in (lab.break_, lab.heal):
        with pytest.raises(InvalidInput) as caught:
            act(bench.directory, fault, target, quiet)
        assert hint in caught.value.hint
