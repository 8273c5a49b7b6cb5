"""A drill planned and approved: the plan, its hash, and who said yes to exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from maintsched import config
from maintsched.domain.actor import Actor
from maintsched.domain.drill import Plan
from maintsched.domain.interval import iso
from maintsched.domain.inventory import DrillConfig
from maintsched.domain.platform import Platform
from maintsched.domain.playbook import Playbook
from maintsched.errors import InvalidInput, NotFound, Refused
from maintsched.services.devices import platforms_of
from maintsched.services.planning import make_plan, plan_hash
from maintsched.services.project import Project, require_in_force
from maintsched.services.signing import verify_signature
from maintsched.store import runs
from maintsched.store.engine import Transaction
from maintsched.store.runs import Approval

TO_SIGN = "`drill approve … --to-sign`, with the same --until and --runs,"


@dataclass(frozen=True, slots=True)
class PlannedDrill:
    plan: Plan
    hash: str
    drill: DrillConfig
    playbook: Playbook
    platforms: Mapping[str, Platform]


def plan_drill(
    project: Project, name: str, *, survivor: str | None = None, hold: timedelta | None = None
) -> PlannedDrill:
    """The plan of a configured drill as it would run now. Raises NotFound, ConfigInvalid, Refused."""
    with project.store.read() as tx:
        require_in_force(project, tx)
    inventory = project.inventory
    drill = inventory.drills.get(name)
    if drill is None:
        raise NotFound(f"there is no drill {name}", f"drills of the config: {', '.join(inventory.drills) or 'none'}")
    playbook = config.load_playbook(Path(drill.playbook))
    if hold is not None:
        playbook = replace(playbook, hold=hold)
    platforms = platforms_of(inventory)
    plan = make_plan(inventory, drill, playbook, platforms, survivor)
    return PlannedDrill(plan, plan_hash(plan, project.canonical, platforms), drill, playbook, platforms)


def statement(planned: PlannedDrill, *, until: datetime | None, times: int) -> str:
    """What a signed approval signs. It must end: a signature that held for ever could be used again by anybody."""
    if until is None:
        raise InvalidInput("a signed approval must end", "give --until T")
    when = iso(until.replace(microsecond=0))
    return f"maintsched approves drill {planned.plan.drill}, plan {planned.hash}, {times} run(s), until {when}"


def approve(
    project: Project,
    planned: PlannedDrill,
    *,
    expected: str | None,
    until: datetime | None,
    times: int,
    signature: Path | None,
) -> int:
    """Say yes to exactly this plan. `expected` (a hash, or its beginning) must fit: nobody approves another one."""
    if expected is not None and (len(expected) < 8 or not planned.hash.startswith(expected.lower())):
        raise Refused(
            f"the plan's hash is {planned.hash[:16]}…, not {expected}",
            f"look at the plan again: maintsched drill plan {planned.plan.drill}",
        )
    if times < 1:
        raise InvalidInput(f"--runs {times}", "give 1 or more")
    now = project.now()
    if until is not None and until <= now:
        raise InvalidInput("the approval would end in the past", "give --until a time to come")
    signed = None
    if signature is not None:
        signed = statement(planned, until=until, times=times)
        verify_signature(project, signed, signature, printed_by=TO_SIGN)
    with project.store.write(project.actor, now) as tx:
        given = runs.approvals(tx, planned.plan.drill)
        if signed is not None and any(
            each.statement == signed and each.by.name == project.actor.name for each in given
        ):
            raise Refused(f"this very approval of {project.actor.name} was given before", "sign another --until")
        return runs.add_approval(
            tx,
            drill=planned.plan.drill,
            plan_hash=planned.hash,
            by=project.actor,
            until=until,
            runs=times,
            statement=signed,
        )


def usable_approval(tx: Transaction, project: Project, planned: PlannedDrill) -> tuple[Approval | None, str]:
    """An approval that covers one more run of this plan by somebody else than who runs it; or None and why not."""
    needed = project.inventory.policy.approvals
    if needed > 1:
        return None, f"policy asks for {needed} approvals; this version can check one"
    given = runs.approvals(tx, planned.plan.drill)
    fitting = [approval for approval in given if approval.holds(planned.hash, tx.now)]
    own = [approval for approval in fitting if not _by_another(approval, project.actor)]
    usable = [approval for approval in fitting if approval not in own]
    if usable:
        best = usable[0]
        how = "signed" if best.signed else f"as {best.by.login}"
        left = f"run {best.used + 1} of {best.runs}"
        return best, f"by {best.by.name} ({how}), {left}, for plan {planned.hash[:16]}"
    if own:
        return None, (
            f"approved by {own[0].by.name} (login {own[0].by.login}) only, who runs it as {project.actor.name}"
            f" (login {project.actor.login}): another person and login, or a signed approval, is needed"
        )
    if given:
        return None, f"no open approval for plan {planned.hash[:16]}: used up, expired, or for another plan"
    return None, f"plan {planned.hash[:16]} has no approval"


def _by_another(approval: Approval, runner: Actor) -> bool:
    """A signature proves the person; without one, name and login must both be another's."""
    if approval.signed:
        return approval.by.name != runner.name
    return approval.by.is_other_than(runner)
