"""What a drill has open: shells on its routers, its probes running, and the baseline that the gates are judged on."""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from maintsched.domain.conflict import Conflict
from maintsched.domain.drill import Check, Sample, TimelineEntry
from maintsched.domain.interval import iso
from maintsched.domain.inventory import Inventory
from maintsched.errors import MaintschedError, ProbeFailed, Refused
from maintsched.probes import Probe, open_probe
from maintsched.probes.icmp import burst
from maintsched.services import steps
from maintsched.services.devices import make_devices, router_platforms
from maintsched.services.drillplan import PlannedDrill
from maintsched.services.gates import Evidence
from maintsched.services.interruption import Interruption
from maintsched.services.journal import Journal
from maintsched.services.planning import allow_lists
from maintsched.services.project import Project
from maintsched.services.reading import Readings
from maintsched.services.traffic import TrafficProof, difference

BURST_PACKETS = 100
BURST_RATE = 100
IDLE_SECONDS = 1.0
FIRST_ANSWER_SECONDS = 5.0
BEFORE_ARMING = timedelta(minutes=2)  # gates and baseline come first; the partner is told a time that holds


@dataclass
class Prepared:
    """A drill ready to be judged, and if the gates are open, to be run."""

    run: steps.Run
    planned: PlannedDrill
    _baseline: tuple[Check, ...] | None = field(default=None)

    def evidence(self, conflicts: Sequence[Conflict], approval: tuple[bool, str]) -> Evidence:
        platform = self.run.readings.device(self.run.readings.primary).platform
        assert platform.deadman is not None  # the plan was refused otherwise
        return Evidence(
            readings=self.run.readings,
            plan=self.run.plan,
            baseline=self.baseline,
            silent=self.silent,
            conflicts=conflicts,
            approval=approval,
            token_state=lambda: steps.token_state(self.run),
            deadman=platform.deadman,
        )

    def baseline(self) -> tuple[Check, ...]:
        """The idle circuit's floor, then a counted burst that must be seen on the primary both ways. Measured once."""
        if self._baseline is None:
            run, readings = self.run, self.run.readings
            run.note("baseline", "started")
            before, began = readings.counters(readings.survivor), time.monotonic()
            run.interruption.wait(IDLE_SECONDS)
            after = readings.counters(readings.survivor)
            run.traffic.learn_floor(readings.survivor, difference(before, after, time.monotonic() - began))
            if readings.survivor.router != readings.primary.router:
                run.routes_before = steps.routes_text(readings, readings.survivor)
            result = run.traffic.measure(readings.primary, readings.survivor)
            self._baseline = run.traffic.checks(result, readings.primary, readings.survivor)
            run.checks += steps.prefixed("baseline", self._baseline)
            run.note("baseline", "done", f"{result.answered} of {result.sent} burst packets answered")
        return self._baseline

    def silent(self) -> tuple[str, ...]:
        """Critical probes that have not yet answered, after a while of waiting for them."""
        deadline = time.monotonic() + FIRST_ANSWER_SECONDS
        while True:
            waiting = tuple(name for name, probe in self.run.probes.items() if probe.critical and not _answered(probe))
            if not waiting or time.monotonic() > deadline:
                return waiting
            self.run.interruption.wait(steps.POLL_SECONDS)

    def stop_probes(self) -> dict[str, tuple[Sample, ...]]:
        """All samples, by probe; one that broke is left out, and said."""
        found = {}
        for name, probe in self.run.probes.items():
            try:
                found[name] = probe.stop()
            except ProbeFailed as error:
                # What it had is evidence for nothing: it may have died in the very moment that counts.
                self.run.note(f"probe:{name}", "failed", error.message, must=False)
        return found


def _answered(probe: Probe) -> bool:
    recent = probe.samples()[-1:]
    return bool(recent) and recent[0].ok and recent[0].rtt_ms is not None


@contextlib.contextmanager
def prepared(
    project: Project,
    planned: PlannedDrill,
    run_id: str,
    journal: Journal,
    ledger: steps.Ledger,
    interruption: Interruption,
    observe: Callable[[TimelineEntry], None],
) -> Iterator[Prepared]:
    """Open everything; close it at the end. Raises Unavailable, ProbeFailed, Refused."""
    plan, inventory = planned.plan, project.inventory
    ends = project.now() + plan.deadman_after + BEFORE_ARMING
    values = {
        "run": run_id,
        "token": f"{run_id}-{secrets.token_hex(4)}",
        "until": iso(ends.replace(microsecond=0)),
        "seconds": str(math.ceil(plan.deadman_after.total_seconds())),
    }
    allowed = allow_lists(plan, router_platforms(inventory, planned.platforms), values)
    devices = make_devices(inventory, allowed, allowed)
    readings = Readings(inventory, plan, devices, run_id)
    target = _burst_target(inventory, plan.probes)
    if not any(inventory.probes[name].critical for name in plan.probes):
        raise Refused(
            "no probe of the playbook is critical, so nothing would prove the service", "set `critical: true`"
        )
    traffic = TrafficProof(readings, lambda: burst(target, BURST_PACKETS, BURST_RATE))
    probes: dict[str, Probe] = {}
    run = steps.Run(
        plan, values, readings, devices, journal, ledger, interruption, traffic, probes, observe
    )  # fmt: skip
    run.note("recovery", "planned", recovery_text(run))
    try:
        for device in devices.values():
            device.open()
            run.note("login", "done", f"{device.router.name} from {device.local_address}")
        for name in plan.probes:
            probe = open_probe(inventory.probes[name])
            probe.start()
            probes[name] = probe
        yield Prepared(run, planned)
    finally:
        for probe in probes.values():
            with contextlib.suppress(MaintschedError):
                probe.stop()
        for device in devices.values():
            device.close()


def recovery_text(run: steps.Run) -> str:
    """All that restoring needs, as JSON: it must be possible from the journal alone, whatever happens to the config."""
    deadman = {command.intent: command for command in run.plan.deadman}
    commands = [command for action in reversed(run.plan.actions) for command in reversed(action.commands)]
    return json.dumps(
        {
            "run": run.values["run"],
            "token": run.values["token"],
            "primary": run.plan.primary,
            "router": deadman["status"].router,
            "neighbors": [str(session.neighbor) for session in run.readings.primary.sessions],
            "undo": [run.text(command.undo) for command in commands],
            "status": run.text(deadman["status"].text),
            "cancel": run.text(deadman["cancel"].text),
        }
    )


def _burst_target(inventory: Inventory, names: Sequence[str]) -> str:
    for name in names:
        probe = inventory.probes[name]
        if probe.kind == "icmp" and probe.target:
            return probe.target
    raise Refused(
        "the playbook names no icmp probe, so no burst can be counted on the circuits",
        "add a probe of kind icmp with a target behind the circuits to the config and to the playbook",
    )
