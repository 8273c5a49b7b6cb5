"""From a drill of the config to a Plan: every command rendered; printing it is the dry run, hashing it the approval."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

from maintsched.domain.chain import canonical_json
from maintsched.domain.drill import Action, Command, Plan
from maintsched.domain.inventory import Address, Circuit, DrillConfig, Group, Inventory
from maintsched.domain.platform import AllowList, Platform, fill
from maintsched.domain.playbook import Playbook
from maintsched.errors import InvalidInput, Refused

MESSAGE_OCTETS = 128  # RFC 9003 section 3: more only for peers that are known to take it
_LONGEST_RUN_ID = "R-20261231-235959-ffff"


def make_plan(
    inventory: Inventory,
    drill: DrillConfig,
    playbook: Playbook,
    platforms: Mapping[str, Platform],
    survivor: str | None = None,
) -> Plan:
    """The plan of `drill` with `survivor` (default: the first beside the primary). Raises Refused, InvalidInput."""
    group = inventory.groups[drill.group]
    chosen = _survivor(group, survivor)
    primary = group.primary if group.primary != chosen else next(name for name in group.circuits if name != chosen)
    if any(prefix.version != 4 for prefix in group.service):
        raise Refused(f"group {group.name} has IPv6 service prefixes, whose routes this version cannot follow")
    circuits = [_drillable(inventory, name) for name in (primary, chosen)]
    for name in playbook.probes:
        if name not in inventory.probes:
            raise InvalidInput(
                f"playbook {playbook.name} names a probe {name}, which the config does not have",
                f"probes of the config: {', '.join(inventory.probes) or 'none'}",
            )
    actions = tuple(
        Action(action.intent, action.budget, tuple(_action_commands(inventory, circuits[0], action.intent, platforms)))
        for action in playbook.actions
    )
    shut = _router(circuits[0])
    plan = Plan(
        drill=drill.name,
        playbook=playbook.name,
        group=group.name,
        primary=primary,
        survivor=chosen,
        actions=actions,
        reads=tuple(_reads(inventory, group, circuits, platforms)),
        deadman=tuple(_deadman(platforms[inventory.routers[shut].platform], shut, actions)),
        prove=playbook.prove,
        sustain=playbook.sustain,
        hold=playbook.hold,
        restore=playbook.restore,
        margin=playbook.margin,
        probes=playbook.probes,
    )
    _check_deadman(plan, platforms[inventory.routers[shut].platform])
    return plan


def _survivor(group: Group, wanted: str | None) -> str:
    others = [name for name in group.circuits if name != group.primary]
    if wanted is None:
        if not others:
            raise Refused(f"group {group.name} has one circuit: there is nothing to fail over to")
        return others[0]
    if wanted not in group.circuits or len(group.circuits) < 2:
        raise InvalidInput(f"{wanted} is no member of {group.name}", f"members: {', '.join(group.circuits)}")
    return wanted


def _drillable(inventory: Inventory, name: str) -> Circuit:
    circuit = inventory.circuits[name]
    if not (circuit.router and circuit.interface and circuit.sessions):
        raise Refused(
            f"circuit {name} cannot be drilled: it has no router, interface or BGP session in the inventory",
            f"add `router:`, `interface:` and `sessions:` to circuits.{name}",
        )
    return circuit


def _router(circuit: Circuit) -> str:
    assert circuit.router is not None  # _drillable saw to it
    return circuit.router


def _action_commands(
    inventory: Inventory, circuit: Circuit, intent: str, platforms: Mapping[str, Platform]
) -> Iterator[Command]:
    router = _router(circuit)
    platform = platforms[inventory.routers[router].platform]
    spec = platform.actions.get(intent)
    if spec is None:
        known = ", ".join(platform.actions) or "none"
        raise Refused(f"platform {platform.name} of router {router} cannot do `{intent}`", f"it can do: {known}")
    message = fill(spec.message, {})
    filled = message.replace("{run}", _LONGEST_RUN_ID).replace("{until}", "2026-12-31T23:59:59Z")
    if len(filled.encode()) > MESSAGE_OCTETS:
        raise InvalidInput(f"platform {platform.name}: the shutdown message is longer than {MESSAGE_OCTETS} octets")
    for session in circuit.sessions:
        values = {"neighbor": str(session.neighbor), "local_as": str(session.local_as)}
        yield Command(
            router=router,
            intent=intent,
            text=fill(spec.command, values, raw={"message": message}),
            undo=fill(spec.undo, values),
        )


def _reads(
    inventory: Inventory, group: Group, circuits: list[Circuit], platforms: Mapping[str, Platform]
) -> Iterator[Command]:
    """Every read that the drill may send, each once, per router."""
    seen: set[tuple[str, str]] = set()
    for router in dict.fromkeys(_router(circuit) for circuit in circuits):
        platform = platforms[inventory.routers[router].platform]
        for intent, values in _read_values(inventory, group, circuits, router):
            spec = platform.reads.get(intent)
            if spec is None:
                raise Refused(f"platform {platform.name} of router {router} cannot read `{intent}`")
            text = fill(spec.command, values)
            if (router, text) not in seen:
                seen.add((router, text))
                yield Command(router, intent, text)


def _read_values(
    inventory: Inventory, group: Group, circuits: list[Circuit], router: str
) -> Iterator[tuple[str, dict[str, str]]]:
    yield "clock", {}
    yield "way_to_us", {}
    for prefix in group.service:
        yield "paths", {"prefix": str(prefix)}
    for address in service_addresses(inventory, group):
        yield "fib", {"address": address}
    for circuit in circuits:
        if circuit.router == router:
            yield "counters", {"interface": str(circuit.interface)}
            for session in circuit.sessions:
                yield "session", {"neighbor": str(session.neighbor)}
                yield "link", {"neighbor": str(session.neighbor)}
                yield "our_lines", {"neighbor": str(session.neighbor)}


def service_addresses(inventory: Inventory, group: Group) -> tuple[str, ...]:
    """One address of each service prefix, to follow its route: a probe's target where there is one, else its first."""
    targets = [probe.target for probe in inventory.probes.values() if probe.kind == "icmp" and probe.target]
    chosen = []
    for prefix in group.service:
        inside = [target for target in targets if _address(target) in prefix]
        chosen.append(inside[0] if inside else str(next(prefix.hosts())))
    return tuple(chosen)


def _address(target: str) -> Address:
    try:
        return ip_address(target)
    except ValueError as error:
        raise InvalidInput(f"the icmp probe's target {target} is no address", "give the address, not a name") from error


def _deadman(platform: Platform, router: str, actions: tuple[Action, ...]) -> Iterator[Command]:
    timer = platform.deadman
    if timer is None:
        raise Refused(
            f"platform {platform.name} of router {router} has no dead-man timer", "a drill without one is not run"
        )
    undos = [command.undo for action in reversed(actions) for command in reversed(action.commands) if command.undo]
    yield Command(
        router,
        "arm",
        fill(timer.arm, {}, raw={"restore": "\n".join(fill(timer.each, {}, raw={"undo": undo}) for undo in undos)}),
    )
    yield Command(router, "status", fill(timer.status, {}))
    yield Command(router, "cancel", fill(timer.cancel, {}))


def _check_deadman(plan: Plan, platform: Platform) -> None:
    timer = platform.deadman
    assert timer is not None  # _deadman saw to it
    writes = sum(len(action.commands) for action in plan.actions)
    if timer.kind == "bound" and writes > 1:
        raise Refused(f"platform {platform.name} binds its timer to one write, but the playbook needs several")
    if not timer.minimum <= plan.deadman_after <= timer.maximum:
        raise Refused(
            f"the drill needs a dead-man timer of {_seconds(plan.deadman_after)} s;"
            f" platform {platform.name} takes {_seconds(timer.minimum)} to {_seconds(timer.maximum)} s",
            "shorten the hold or the budgets of the playbook",
        )


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())


def plan_document(plan: Plan, canonical_inventory: bytes, platforms: Mapping[str, Platform]) -> dict[str, Any]:
    """What is approved: the plan's commands and budgets, how answers are read, and the inventory that it rests on."""
    inventory = json.loads(canonical_inventory)["inventory"]
    members = (plan.primary, plan.survivor)
    circuits = {name: inventory["circuits"][name] for name in members}
    routers = {circuit["router"]: inventory["routers"][circuit["router"]] for circuit in circuits.values()}
    return {
        "plan": json.loads(json.dumps(asdict(plan), default=_milliseconds)),
        "group": inventory["groups"][plan.group],
        "circuits": circuits,
        "routers": routers,
        "probes": {name: inventory["probes"][name] for name in plan.probes},
        "readings": {
            name: {intent: dict(read.fields) for intent, read in platforms[name].reads.items()}
            for name in sorted({router["platform"] for router in routers.values()})
        },
        "gates": inventory.get("policy", {}).get("gates", {}),
    }


def plan_hash(plan: Plan, canonical_inventory: bytes, platforms: Mapping[str, Platform]) -> str:
    """SHA-256 of the plan's document; run, token and times are placeholders, so it is the same next month."""
    return sha256(canonical_json(plan_document(plan, canonical_inventory, platforms)).encode()).hexdigest()


def _milliseconds(value: object) -> int:
    if isinstance(value, timedelta):
        return round(value.total_seconds() * 1000)
    raise TypeError(f"not part of a plan: {value!r}")


def allow_lists(plan: Plan, platforms: Mapping[str, Platform], values: Mapping[str, str]) -> dict[str, AllowList]:
    """What may be sent to each router in this run, with the run's own values put in. By router name."""
    texts: dict[str, set[str]] = {}
    actions = [command for action in plan.actions for command in action.commands]
    for command in (*plan.reads, *plan.deadman, *actions):
        allowed = texts.setdefault(command.router, set())
        for text in (command.text, command.undo):
            if text is not None:
                allowed.add(run_text(text, values))
    return {router: AllowList(frozenset(found), platforms[router].deny) for router, found in texts.items()}


def run_text(text: str, values: Mapping[str, str]) -> str:
    """A planned command with the run's id, token and times put in."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
