"""A config file becomes domain values with nothing lost, and with defaults for what it leaves out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from maintsched import config
from maintsched.config import root, shapes, typed
from maintsched.domain import inventory as domain
from maintsched.domain.case import SEVERITIES
from maintsched.domain.inventory import CircuitKind, Drain, GateLimits, Policy, Secret, Session, Waiver

from .inputs import SMALL, changed, example, loaded, problems, project


def test_the_documented_example_loads(tmp_path: Path) -> None:
    inventory = loaded(tmp_path, example())
    assert (inventory.broker, inventory.concurrent_users, inventory.timezone) == (
        "Northgate Markets",
        6000,
        "Europe/London",
    )
    assert list(inventory.circuits) == ["uk-ld4", "uk-ld7", "ld4-ld7", "aws-a", "aws-b"]
    circuit = inventory.circuits["uk-ld4"]
    assert circuit.kind is CircuitKind.CROSS_CONNECT
    assert circuit.speed == 1_000_000_000
    assert circuit.network == ip_network("10.210.4.0/30")
    assert circuit.sessions == (Session(ip_address("10.210.4.2"), 64620, 64710, bfd=True),)
    assert circuit.drain == Drain(prepend=3, local_pref=0)
    assert circuit.all_aliases == ("uk-ld4", "20931177-A", "PP:0101:1100001")
    assert inventory.circuits["aws-a"].account == "123456789012"
    group = inventory.groups["uk-direct"]
    assert (group.primary, group.needs, group.service) == ("uk-ld4", ("ld4-ld7",), (ip_network("10.200.0.0/24"),))
    assert inventory.groups["uk-aws"].concurrent_users == 2000


def test_the_documented_example_keeps_what_stands_around_the_network(tmp_path: Path) -> None:
    inventory = loaded(tmp_path, example())
    spotware, mailbox = inventory.sources["spotware"], inventory.sources["noc-box"]
    assert (spotware.timezone, spotware.affects, spotware.groups) == ("NY+7", "service", ("uk-direct", "uk-aws"))
    assert (spotware.every, spotware.quiet_after) == (timedelta(minutes=15), timedelta(days=45))
    assert (mailbox.location, mailbox.password) == ("imaps://mail.example.net/INBOX", Secret(env="NOC_IMAP_PASSWORD"))
    assert inventory.policy.severity == {"LEAD-TIME": "warn", "SHARED-FATE": "warn"}
    assert inventory.policy.waivers == (Waiver("ADR-2", "uk-ld4", "…", "alice", "2027-06-30"),)
    assert inventory.probes["api"].p95 == timedelta(milliseconds=50)
    drill = inventory.drills["uk-shut-primary"]
    assert (drill.cron, drill.timezone, drill.misfire) == ("0 6 * * SUN", "UTC", timedelta(minutes=30))


def test_relative_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    text = changed("port: 22", "key: lab/key, known_hosts: ~/hosts, password: {file: lab/password}")
    text = text.replace("p95: 50ms", "ca: lab/ca.pem").replace("guard: 30m", "signers: lab/signers")
    inventory = loaded(tmp_path, text + "state_dir: state\nfreezes: [{name: fx, from: calendars/fx.ics}]\n")
    router = inventory.routers["edge2"]
    assert router.key == str(tmp_path / "lab/key")
    assert router.known_hosts == str(Path.home() / "hosts")
    assert router.password == Secret(file=str(tmp_path / "lab/password"))
    assert inventory.probes["api"].ca == str(tmp_path / "lab/ca.pem")
    assert inventory.policy.signers == str(tmp_path / "lab/signers")
    assert inventory.sources["equinix"].location == str(tmp_path / "calendars/inbox")
    assert inventory.freezes["fx"].location == str(tmp_path / "calendars/fx.ics")
    assert inventory.drills["monthly"].playbook == str(tmp_path / "playbooks/shut.yaml")
    assert inventory.database == f"sqlite:///{tmp_path}/maintsched.db"
    assert inventory.state_dir == str(tmp_path / "state")


def test_the_folder_counts_not_where_the_command_runs(tmp_path: Path) -> None:
    text = changed("port: 22", "key: lab/key")
    project(tmp_path / "a", text)
    code = (
        "import pathlib; from maintsched import config\n"
        "print(config.load(pathlib.Path('a/maintsched.yaml')).routers['edge2'].key)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(tmp_path / "a/lab/key")


def test_what_is_left_out_has_the_domains_defaults(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("policy:")].replace("timezone: Europe/London\n", "", 1)
    inventory = loaded(tmp_path, text)
    assert inventory.policy == Policy()
    assert inventory.policy.gates == GateLimits()
    assert inventory.timezone == "UTC"
    assert inventory.routers["edge1"].port == 22
    assert inventory.sources["equinix"].stale_after == timedelta(hours=24)
    assert inventory.circuits["uk-ld7"].drain is None


def test_drain_none_is_no_drain(tmp_path: Path) -> None:
    assert loaded(tmp_path, changed("drain: {prepend: 3}", "drain: none")).circuits["uk-ld4"].drain is None


def test_no_stays_text_where_text_is_meant(tmp_path: Path) -> None:
    circuit = loaded(tmp_path, changed("speed: 1G", "media: no")).circuits["uk-ld4"]
    assert circuit.media == "no"


def test_a_section_whose_entries_are_commented_out_is_empty(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALL + "freezes:\n  # - {name: fx-week, from: x.ics}\n").freezes == {}


def test_two_families_share_a_circuit(tmp_path: Path) -> None:
    second = "{neighbor: 2001:db8:4::2, local_as: 64620, peer_as: 64710}"
    circuit = loaded(tmp_path, changed("bfd: true}]", f"bfd: true}}, {second}]")).circuits["uk-ld4"]
    assert [session.neighbor.version for session in circuit.sessions] == [4, 6]


@pytest.mark.parametrize("network", ["10.210.4.2/31", "10.210.4.0/29", "10.210.4.0/28"])
def test_transfer_networks_of_other_sizes_load(tmp_path: Path, network: str) -> None:
    assert problems(tmp_path, changed("10.210.4.0/30", network)) == ()


def test_link_local_neighbours_may_recur_on_other_circuits(tmp_path: Path) -> None:
    local = "{neighbor: fe80::1, local_as: 64620, peer_as: 64710}"
    text = changed("bfd: true}]", f"bfd: true}}, {local}]").replace(
        "      - neighbor: 10.210.7.2\n", f"      - {local}\n      - neighbor: 10.210.7.2\n"
    )
    assert problems(tmp_path, text) == ()


PAIRS: list[tuple[Any, Any, set[str]]] = [
    (shapes.SiteShape, domain.Site, {"name"}),
    (shapes.ContactShape, domain.Contact, set()),
    (shapes.RouterShape, domain.Router, {"name"}),
    (shapes.SessionShape, domain.Session, set()),
    (shapes.DrainShape, domain.Drain, set()),
    (shapes.CanaryShape, domain.Canary, set()),
    (shapes.CircuitShape, domain.Circuit, {"name"}),
    (shapes.GroupShape, domain.Group, {"name"}),
    (root.CalendarShape, domain.Source, set()),
    (root.FreezeShape, domain.FreezeCalendar, set()),
    (root.WaiverShape, domain.Waiver, set()),
    (root.GatesShape, domain.GateLimits, set()),
    (root.PolicyShape, domain.Policy, set()),
    (root.ProbeShape, domain.ProbeConfig, {"name"}),
    (root.DrillShape, domain.DrillConfig, set()),
]


@pytest.mark.parametrize(("shape", "value", "beside"), PAIRS, ids=[value.__name__ for _, value, _ in PAIRS])
def test_the_file_can_say_all_that_the_domain_holds(shape: Any, value: Any, beside: set[str]) -> None:
    assert set(shape.model_fields) | beside == {field.name for field in fields(value)}


@pytest.mark.parametrize(("shape", "value", "beside"), PAIRS, ids=[value.__name__ for _, value, _ in PAIRS])
def test_defaults_of_the_file_are_those_of_the_domain(shape: Any, value: Any, beside: set[str]) -> None:
    for field in fields(value):
        ours = shape.model_fields.get(field.name)
        if ours is not None and not ours.is_required() and not isinstance(ours.default, root.GatesShape | dict):
            expected = field.default_factory() if callable(field.default_factory) else field.default
            assert ours.get_default(call_default_factory=True) == expected, field.name


def test_every_rule_that_the_domain_knows_can_have_a_severity() -> None:
    assert set(typed.RULES) == SEVERITIES.keys()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, maintsched.config; print([name for name in ('pydantic', 'yaml') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_package_keeps_its_functions_after_the_first_call(tmp_path: Path) -> None:
    inventory = loaded(tmp_path)
    for turn in range(2):
        assert config.scaffold(tmp_path / f"project {turn}")
        assert config.from_canonical(config.canonical(inventory, tmp_path), tmp_path) == inventory
        assert config.differences(inventory, inventory) == ()
        assert config.schema()["type"] == "object"
