"""Every kind of wrong input gives file, line, key, what is wrong and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .inputs import SMALL, changed, problems

# what is replaced, by what, and how the only problem reads: its start, and words that follow
CASES = {
    "unknown key": (
        "speed: 1G",
        "sped: 1G",
        "14: circuits.uk-ld4.sped: unknown key; did you mean 'speed'?",
        "allowed: kind",
    ),
    "unknown section": (
        "calendars:",
        "calenders:",
        "43: calenders: unknown key; did you mean 'calendars'?",
        "allowed: broker",
    ),
    "missing key": ("    site: LD4\n", "", "10: circuits.uk-ld4.site: is missing", "a site of `sites`"),
    "missing scalar of the root": ("broker: Northgate Markets", "state_dir: state", "1: broker: is missing", "name"),
    "empty value": ("provider: Equinix", "provider:", "13: circuits.uk-ld4.provider: is empty", "a value"),
    "list for a value": ("provider: Equinix", "provider: [x]", "13: circuits.uk-ld4.provider: is a list", "one value"),
    "value for a list": (
        "aliases: [20931177-A]",
        "aliases: 20931177-A",
        "20: circuits.uk-ld4.aliases: is a single",
        "[ ]",
    ),
    "value for a mapping": ("{kind: interconnect, site: LD4, provider: Equinix}", "x", "34: circuits.ld4-ld7:", "kind"),
    "no circuits in a group": (
        "circuits: [uk-ld4, uk-ld7]",
        "circuits: []",
        "38: groups.uk-direct.circuits:",
        "at least",
    ),
    "odd name": ("  edge2: {site", "  edge 2: {site", "8: routers.edge 2: 'edge 2' does not fit", "letters, digits"),
    "speed without unit": ("speed: 1G", "speed: 1000", "14: circuits.uk-ld4.speed: '1000' is not a speed", "200M, 1G"),
    "duration without unit": ("guard: 30m", "guard: 30", "47: policy.guard: '30' is not a duration; the unit", "90m"),
    "duration of zero": ("every: 15m", "every: 0s", "44: calendars.equinix.every: is zero", "longer"),
    "truth value in another form": ("bfd: true", "bfd: yes", "18: circuits.uk-ld4.sessions[0].bfd:", "write true"),
    "number in words": ("port: 22", "port: ssh", "8: routers.edge2.port: 'ssh' is not a whole number", "65535"),
    "number with a leading zero": (
        "port: 22",
        "port: 022",
        "8: routers.edge2.port: '022' is not a whole number",
        "plain",
    ),
    "number out of range": ("port: 22", "port: 99999", "8: routers.edge2.port: 99999 is out of range", "1 to 65535"),
    "word out of a few": ("kind: icmp", "kind: ping", "51: probes.path.kind: 'ping' is not known", "icmp, udp, tcp"),
    "unknown rule": ("LEAD-TIME", "LEAD-TIMES", "48: policy.severity.LEAD-TIMES:", "did you mean 'LEAD-TIME'"),
    "host bits": ("10.210.4.0/30", "10.210.4.1/30", "17: circuits.uk-ld4.network:", "the network is 10.210.4.0/30"),
    "network without length": ("10.210.4.0/30", "10.210.4.0", "17: circuits.uk-ld4.network:", "no prefix length"),
    "address": ("neighbor: 10.210.4.2", "neighbor: 10.210.4", "18: circuits.uk-ld4.sessions[0].neighbor:", "IPv4"),
    "time zone": ("timezone: Europe/London", "timezone: Europe/Lundon", "2: timezone:", "did you mean 'Europe/London'"),
    "time zone without daylight saving": ("timezone: Europe/London", "timezone: EST", "2: timezone: 'EST'", "IANA"),
    "hours": ('hours: "22:00-06:00"', 'hours: "22-6"', "4: sites.LD4.hours:", "HH:MM-HH:MM"),
    "date": ("until: 2027-06-30", "until: 2027-06-31", "49: policy.waivers[0].until:", "YYYY-MM-DD"),
    "way of draining": ("drain: {prepend: 3}", "drain: soft", "19: circuits.uk-ld4.drain: 'soft'", "none"),
    "drain of nothing": ("drain: {prepend: 3}", "drain: {gshut: false}", "19: circuits.uk-ld4.drain:", "nothing"),
    "hook and signals": ("{prepend: 3}", "{prepend: 3, hook: out}", "19: circuits.uk-ld4.drain: a hook", "alone"),
    "circuit without a router": ("    router: edge1\n", "", "10: circuits.uk-ld4.router: is missing", "edge1, edge2"),
    "circuit at no site": ("    site: LD4", "    site: LD5", "12: circuits.uk-ld4.site:", "did you mean"),
    "circuit on no router": ("router: edge1", "router: edge3", "15: circuits.uk-ld4.router:", "allowed: edge1, edge2"),
    "router at no site": (
        "edge1: {site: LD4",
        "edge1: {site: XX",
        "7: routers.edge1.site: there is no site",
        "LD4, LD7",
    ),
    "router of no platform": ("platform: frr", "platform: fr", "7: routers.edge1.platform:", "did you mean 'frr'"),
    "jump that is nearly a router": ("jump: bastion", "jump: edge22", "7: routers.edge1.jump:", "did you mean 'edge2'"),
    "jump over itself": ("jump: bastion", "jump: edge1", "7: routers.edge1.jump: the way to edge1", "over itself"),
    "group of an unknown circuit": (
        "[uk-ld4, uk-ld7]",
        "[uk-ld4, uk-ld7, uk-ld8]",
        "38: groups.uk-direct.circuits[2]:",
        "did",
    ),
    "circuit twice in a group": (
        "[uk-ld4, uk-ld7]",
        "[uk-ld4, uk-ld7, uk-ld4]",
        "38: groups.uk-direct.circuits[2]:",
        "twice",
    ),
    "primary of another group": (
        "primary: uk-ld4",
        "primary: ld4-ld7",
        "39: groups.uk-direct.primary:",
        "uk-ld4, uk-ld7",
    ),
    "more up than there are": ("min_up: 1", "min_up: 3", "40: groups.uk-direct.min_up:", "from 1 to 2"),
    "none up": ("min_up: 1", "min_up: 0", "40: groups.uk-direct.min_up: 0 is out of range", "from 1"),
    "needs an unknown circuit": ("needs: [ld4-ld7]", "needs: [ld4-ld8]", "41: groups.uk-direct.needs[0]:", "ld4-ld7"),
    "needs its own member": (
        "needs: [ld4-ld7]",
        "needs: [uk-ld7]",
        "41: groups.uk-direct.needs[0]:",
        "outside the group",
    ),
    "canary without a pair": ("proof: first-move", "proof: canary", "42: groups.uk-direct.proof:", "uk-ld7 has none"),
    "calendar of no group": (
        "groups: [uk-direct], not",
        "groups: [uk], not",
        "44: calendars.equinix.groups[0]:",
        "uk-direct",
    ),
    "service of no group": (
        "affects: service, groups: [uk-direct]",
        "affects: service",
        "45: calendars.spotware.groups:",
        "which",
    ),
    "stale before the next fetch": ("every: 15m", "every: 2d", "44: calendars.equinix.stale_after:", "every"),
    "a login without its password": (
        "from: calendars/inbox",
        "from: https://x/y.ics, user: noc",
        "44: calendars.equinix.password: is missing",
        "or neither",
    ),
    "a password without its user": (
        "from: calendars/inbox",
        "from: https://x/y.ics, password: {env: P}",
        "44: calendars.equinix.user: is missing",
        "or neither",
    ),
    "a folder in a private network": ("every: 15m", "private: true", "44: calendars.equinix.private:", "https://…"),
    "a folder with an authority": ("every: 15m", "ca: ca.pem", "44: calendars.equinix.ca:", "https://…"),
    "a folder whose mails are marked": ("every: 15m", "mark_seen: true", "44: calendars.equinix.mark_seen:", "imaps"),
    "everything not ours": ('["2077*"]', '["*"]', "44: calendars.equinix.not_ours[0]:", "hide every notice"),
    "waiver of no circuit": (
        "circuit: uk-ld4, reason",
        "circuit: uk, reason",
        "49: policy.waivers[0].circuit:",
        "uk-ld4",
    ),
    "alias twice": ("- 20931178-A", "- 20931177-a", "33: circuits.uk-ld7.aliases[0]:", "of circuits.uk-ld4 (line 20)"),
    "alias that is a circuit's name": ("- 20931178-A", "- UK-LD4", "33: circuits.uk-ld7.aliases[0]:", "(line 10)"),
    "overlapping networks": ("10.210.7.0/30", "10.210.0.0/21", "27: circuits.uk-ld7.network:", "uk-ld4 (line 17)"),
    "neighbour outside": (
        "- neighbor: 10.210.7.2",
        "- neighbor: 10.210.8.2",
        "29: circuits.uk-ld7.sessions[0]",
        "outside",
    ),
    "neighbour is the network": ("- neighbor: 10.210.7.2", "- neighbor: 10.210.7.0", "29:", "is the network address"),
    "neighbour is the broadcast": (
        "- neighbor: 10.210.7.2",
        "- neighbor: 10.210.7.3",
        "29:",
        "is the broadcast address",
    ),
    "network for one": ("10.210.7.0/30", "10.210.7.2/32", "27: circuits.uk-ld7.network:", "no room"),
    "interface twice": (
        "router: edge2",
        "router: edge1",
        "26: circuits.uk-ld7.interface: the interface eth1",
        "(line 16)",
    ),
    "probe without what it needs": (", target: 10.200.0.10", "", "51: probes.path.target: is missing: icmp", "target"),
    "probe with what it ignores": (
        "rate: 20",
        "url: https://x/",
        "51: probes.path.url: does not belong",
        "target, rate",
    ),
    "probe limits reversed": ("p95: 50ms", "p95: 1s", "52: probes.api.p95: is above `max`", "up to"),
    "probe over plain HTTP": ('"https://10.200', '"http://10.200', "52: probes.api.url: http:// is not", "https://"),
    "drill of no group": (
        "group: uk-direct, cron",
        "group: uk, cron",
        "54: drills.monthly.group:",
        "allowed: uk-direct",
    ),
    "drill without a file": ("shut.yaml", "shutt.yaml", "54: drills.monthly.playbook: there is no file", "'shut.yaml'"),
    "cron with numbers": ("* * SUN", "* * 0", "54: drills.monthly.cron: the weekday '0'", "SUN, MON"),
    "playbook with an unknown probe": (
        "api: {kind",
        "apis: {kind",
        "54: drills.monthly.playbook:",
        "did you mean 'apis'",
    ),
    "calendar over plain HTTP": (
        "from: calendars/inbox",
        "from: http://x/y.ics",
        "44: calendars.equinix.from:",
        "https://",
    ),
    "mailbox without a login": (
        "from: calendars/inbox",
        'from: imaps://x/INBOX, user: noc, senders: ["a@b.c"]',
        "44: calendars.equinix.password: is missing",
        "{env: NAME}",
    ),
    "key of another kind": ("    speed: 1G", "    region: eu-west-2", "14: circuits.uk-ld4.region:", "direct_connect"),
    "two calendars of one name": ("name: spotware", "name: equinix", "45: calendars.equinix.name:", "(line 44)"),
}


@pytest.mark.parametrize(("old", "new", "start", "words"), CASES.values(), ids=CASES.keys())
def test_a_wrong_input_is_named_with_its_line(tmp_path: Path, old: str, new: str, start: str, words: str) -> None:
    found = [line for line in problems(tmp_path, changed(old, new)) if line.startswith(start)]
    assert len(found) == 1, problems(tmp_path, changed(old, new))
    assert words in found[0]


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new, _, _ in CASES.values()], ids=CASES.keys())
def test_a_slip_does_not_cause_a_flood(tmp_path: Path, old: str, new: str) -> None:
    assert 1 <= len(problems(tmp_path, changed(old, new))) <= 4


def test_the_small_config_is_right(tmp_path: Path) -> None:
    assert problems(tmp_path, SMALL) == ()


def test_all_problems_are_told_at_once_by_line(tmp_path: Path) -> None:
    text = (
        changed("speed: 1G", "sped: 1G").replace("guard: 30m", "guard: soon").replace("primary: uk-ld4", "primary: x")
    )
    starts = [line.partition(": ")[0] for line in problems(tmp_path, text)]
    assert starts == ["14", "39", "47"]


def test_an_interconnect_is_no_member_of_a_group(tmp_path: Path) -> None:
    text = changed("[uk-ld4, uk-ld7]", "[uk-ld4, uk-ld7, ld4-ld7]").replace("    needs: [ld4-ld7]\n", "")
    [problem] = problems(tmp_path, text)
    assert problem.startswith("38: groups.uk-direct.circuits[2]: ld4-ld7 is an interconnect")


def test_two_sessions_need_two_neighbours(tmp_path: Path) -> None:
    session = "{neighbor: 10.210.4.2, local_as: 64620, peer_as: 64710}"
    [problem] = problems(tmp_path, changed("sessions: [{", f"sessions: [{session}, {{"))
    assert problem.startswith("18: circuits.uk-ld4.sessions[1].neighbor: the neighbour 10.210.4.2 is already that of")


def test_a_platform_is_only_judged_where_platforms_are_known(tmp_path: Path) -> None:
    from maintsched import config

    from .inputs import project

    path = project(tmp_path, SMALL.replace("platform: frr", "platform: nosuch"))
    assert config.load(path).routers["edge1"].platform == "nosuch"


SECRETS = {
    "a literal": "password: hunter2",
    "a list": "password: [hunter2]",
    "a key of another name": "password: {value: hunter2}",
    "a bare key": "password: {hunter2}",
    "as the name of a variable": "password: {env: hunter-2-hunter2}",
    "both": "password: {env: A, file: hunter2}",
    "enable": "enable: hunter2",
}


@pytest.mark.parametrize("given", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_refused_and_not_repeated(tmp_path: Path, given: str) -> None:
    [problem] = problems(tmp_path, changed("port: 22", given))
    assert "hunter2" not in problem
    assert "allowed: {env: NAME} or {file: PATH}" in problem


URLS = {
    "database": ("timezone: Europe/London", "database: postgresql://noc:hunter2@db/maintsched"),
    "database option": ("timezone: Europe/London", "database: postgresql://db/maintsched?password=hunter2"),
    "calendar": ("from: calendars/inbox", "from: https://noc:hunter2@x/y.ics"),
    "probe": ('"https://10.200', '"https://noc:hunter2@10.200'),
}


@pytest.mark.parametrize(("old", "new"), URLS.values(), ids=URLS.keys())
def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path, old: str, new: str) -> None:
    [problem] = problems(tmp_path, changed(old, new))
    assert "does not belong in this" in problem
    assert "hunter2" not in problem
