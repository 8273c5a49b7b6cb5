"""`drill list|plan|approve|run|runs|show|report|recover`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import emit, json_option, project, read_duration, read_moment, say, show, table, zone_name
from maintsched.errors import InvalidInput

if TYPE_CHECKING:
    from maintsched.domain.drill import Gate, Run


@click.group()
def drill() -> None:
    """Plan, approve, run and report failover drills."""


@drill.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Drills, and when each survivor was last proven."""
    from maintsched.services import documents
    from maintsched.services.drillbook import drill_rows

    with project() as found:
        rows = drill_rows(found)
        now = found.now()
    if as_json:
        emit(documents.listing(now, [], drills=[row.document() for row in rows]))
        return
    table(
        ["drill", "group", "survivor", "last result", "when", "due", "approval"],
        [
            [r.drill, r.group, r.survivor, r.verdict, show(r.ended) if r.ended else "never", r.due, r.approval]
            for r in rows
        ],
    )
    if not rows:
        say("the config has no drills")


@drill.command()
@click.argument("name")
@click.option("--survivor", metavar="C", help="The member that must carry the traffic (default: the standby).")
@click.option("--hold", metavar="D", help="Hold this long instead of the playbook's time.")
@json_option
def plan(name: str, survivor: str | None, hold: str | None, as_json: bool) -> None:
    """Dry run: the gates as they stand, every command to be sent, budgets, and the hash to approve."""
    from maintsched.services.drillbook import dry_run
    from maintsched.services.drillplan import plan_drill
    from maintsched.services.planning import plan_document

    with project() as found:
        planned = plan_drill(found, name, survivor=survivor, hold=read_duration(hold) if hold else None)
        gates = dry_run(found, planned, say)
        document = plan_document(planned.plan, found.canonical, planned.platforms)
    if as_json:
        rows = [{"id": gate.id, "state": gate.state.value, "evidence": gate.evidence} for gate in gates]
        emit({"drill": name, "hash": planned.hash, "gates": rows, **document})
        return
    found_plan = planned.plan
    click.echo(f"{click.style(name, bold=True)}: {planned.playbook.title}")
    click.echo(f"  group {found_plan.group}: shut {found_plan.primary}, prove {found_plan.survivor}")
    click.echo(click.style("gates now", bold=True))
    for gate in gates:
        click.echo(f"  {_gate(gate)}")
    click.echo(
        click.style("sent, in this order ({run}, {token}, {until}, {seconds} are filled in by the run)", bold=True)
    )
    for number, (router, text) in enumerate(_sequence(planned.plan), 1):
        lines = text.splitlines()
        click.echo(f"  {number}. {router}: {lines[0]}")
        for line in lines[1:]:
            click.echo(f"       {line}")
    click.echo(click.style("budgets", bold=True))
    steps = ", ".join(f"{a.intent} {a.budget.total_seconds():.0f} s" for a in found_plan.actions)
    click.echo(
        f"  {steps}, prove {found_plan.prove.total_seconds():.0f} s, hold {found_plan.hold.total_seconds():.0f} s,"
        f" restore {found_plan.restore.total_seconds():.0f} s; the dead-man fires after"
        f" {found_plan.deadman_after.total_seconds():.0f} s"
    )
    click.echo(f"{click.style('hash', bold=True)} {planned.hash}")


def _sequence(found: object) -> list[tuple[str, str]]:
    from maintsched.domain.drill import Plan

    assert isinstance(found, Plan)
    by_intent = {command.intent: command for command in found.deadman}
    actions = [command for action in found.actions for command in action.commands]
    undos = [(command.router, command.undo or "") for command in reversed(actions)]
    order = [by_intent["arm"], by_intent["status"], *actions]
    cancel = by_intent["cancel"]
    return [*((command.router, command.text) for command in order), *undos, (cancel.router, cancel.text)]


def _gate(gate: Gate) -> str:
    colour = {"open": "green", "closed": "red"}.get(gate.state.value, "yellow")
    return f"{click.style(gate.state.value.ljust(7), fg=colour)} {gate.id}: {gate.evidence}"


@drill.command()
@click.argument("name")
@click.option("--hash", "expected", metavar="H", help="The hash that you looked at (8 characters or more).")
@click.option("--until", metavar="T", help="The approval ends then.")
@click.option("--runs", "times", type=int, default=1, show_default=True, help="For so many runs.")
@click.option("--survivor", metavar="C", help="Of the plan with this survivor.")
@click.option("--hold", metavar="D", help="Of the plan with this hold.")
@click.option("--signature", type=click.Path(dir_okay=False, path_type=Path), help="SSH signature over the approval.")
@click.option("--to-sign", is_flag=True, help="Print what the signature is over, and do nothing else.")
@json_option
def approve(
    name: str,
    expected: str | None,
    until: str | None,
    times: int,
    survivor: str | None,
    hold: str | None,
    signature: Path | None,
    to_sign: bool,
    as_json: bool,
) -> None:
    """Approve exactly this plan. Who approves must be somebody else than who runs it: another name and another login,
    or signed with an SSH key: `drill approve … --to-sign | ssh-keygen -Y sign -n maintsched -f KEY > FILE`.
    """
    from maintsched.services.drillplan import approve as approve_plan
    from maintsched.services.drillplan import plan_drill, statement

    with project() as found:
        planned = plan_drill(found, name, survivor=survivor, hold=read_duration(hold) if hold else None)
        end = read_moment(until, found, as_json=as_json) if until else None
        if to_sign:
            text = statement(planned, until=end, times=times)
            if as_json:
                emit({"drill": name, "hash": planned.hash, "statement": text})
            else:
                click.echo(text, nl=False)
            return
        approve_plan(found, planned, expected=expected, until=end, times=times, signature=signature)
        who = found.actor.name
    if as_json:
        emit({"drill": name, "hash": planned.hash, "by": who, "runs": times, "signed": signature is not None})
    else:
        click.echo(f"{who} approved {name}, plan {planned.hash[:16]}, for {times} run{'s' if times > 1 else ''}")


@drill.command()
@click.argument("name")
@click.option("--survivor", metavar="C", help="The member that must carry the traffic (default: the standby).")
@click.option("--hold", metavar="D", help="Hold this long instead of the playbook's time.")
@json_option
def run(name: str, survivor: str | None, hold: str | None, as_json: bool) -> int:
    """Run a drill. Ctrl-C restores; what is left behind by a crash is restored first."""
    from maintsched.cli.progress import observer
    from maintsched.services import documents
    from maintsched.services.drilling import run_drill
    from maintsched.services.drillplan import plan_drill
    from maintsched.services.records import exit_code
    from maintsched.services.recovering import recover as recover_all

    with project(quiet=True) as found:
        for lost in recover_all(found, say):
            if lost.our_change_left:
                _tell_left(lost)
                return exit_code(lost)
        planned = plan_drill(found, name, survivor=survivor, hold=read_duration(hold) if hold else None)
        with observer(planned.plan) as observe:
            done = run_drill(found, planned, observe=observe, say=say)
    if as_json:
        emit(documents.run(done).plain())
    else:
        _summary(done)
    return exit_code(done)


def _summary(done: Run) -> None:
    from maintsched.domain.measure import describe

    colour = {"PASS": "green", "SKIPPED": "yellow"}.get(done.verdict.value, "red")
    click.echo(f"{click.style(done.verdict.value, fg=colour, bold=True)} {done.id}: {done.reason}")
    if any(gate.state.value != "open" for gate in done.gates):
        for gate in done.gates:
            click.echo(f"  {_gate(gate)}")
    if done.outage is not None:
        click.echo(f"  outage: {describe(done.outage)}, by {done.outage.method} ({done.outage.what})")
    if done.restored is not None:
        click.echo(f"  restored: {'yes, verified' if done.restored else 'NO'}")
    for finding in done.findings:
        click.echo(f"  finding ({finding.severity}): {finding.message}")
    _tell_left(done)
    click.echo(f"  report: maintsched drill report {done.id} -o report.html")


def _tell_left(done: Run) -> None:
    if done.our_change_left:
        click.echo(click.style("  OUR CHANGE MAY STILL BE ON A ROUTER. Type:", fg="red", bold=True))
        for line in done.to_type:
            click.echo(f"    {line}")


@drill.command()
@click.option("--drill", "name", metavar="NAME", help="Only runs of this drill.")
@json_option
def runs(name: str | None, as_json: bool) -> None:
    """Past runs, newest first."""
    from maintsched.domain.interval import iso
    from maintsched.services import documents
    from maintsched.services.drillbook import stored_runs

    with project() as found:
        rows = stored_runs(found, name)
        now = found.now()
    if as_json:
        keys = [
            {
                "id": row.id,
                "drill": row.drill,
                "group": row.group,
                "survivor": row.survivor,
                "state": row.state,
                "verdict": row.verdict,
                "started": iso(row.started),
                "ended": iso(row.ended) if row.ended else None,
            }
            for row in rows
        ]
        emit(documents.listing(now, [], runs=keys))
        return
    table(
        ["run", "drill", "survivor", "started", "state", "verdict"],
        [[row.id, row.drill, row.survivor, show(row.started), row.state, row.verdict or "–"] for row in rows],
    )
    if not rows:
        say("no drill was run yet")


@drill.command(name="show")
@click.argument("run_id", metavar="RUN")
@json_option
def show_(run_id: str, as_json: bool) -> None:
    """One run: gates, checks, timeline."""
    from maintsched.services import documents
    from maintsched.services.drillbook import kept_run

    with project() as found:
        done = kept_run(found, run_id)
    if as_json:
        emit(documents.run(done).plain())
        return
    _summary(done)
    for gate in done.gates:
        click.echo(f"  {_gate(gate)}")
    for check in done.checks:
        click.echo(f"  {check.verdict.value.ljust(5)} {check.id}: {check.evidence}")
    for entry in done.timeline:
        click.echo(f"  {entry.at:%H:%M:%S.%f}Z {entry.step} {entry.state}: {(entry.detail.splitlines() or [''])[0]}")


@drill.command()
@click.argument("run_id", metavar="RUN")
@click.option("--format", "kind", type=click.Choice(["html", "json"]), default="html", show_default=True, help="How.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Into FILE instead of stdout.")
def report(run_id: str, kind: str, output: Path | None) -> None:
    """The report of a run: self-contained HTML, or JSON with every sample."""
    from maintsched.services.drillbook import kept_run
    from maintsched.services.records import run_document
    from maintsched.writers.html import report as html_report

    with project() as found:
        done = kept_run(found, run_id)
        if kind == "html":
            data = html_report(done, zone=zone_name(found), generated=found.now())
        else:
            data = json.dumps(run_document(done, samples=True), ensure_ascii=False, indent=1).encode() + b"\n"
    if output is None:
        click.echo(data.decode(), nl=False)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"{output}: {error.strerror}", "give a file that can be written") from error
    say(f"wrote {output}")


@drill.command()
@json_option
def recover(as_json: bool) -> int:
    """Restore what a dead runner left, verify, and close its record."""
    from maintsched.services import documents
    from maintsched.services.records import exit_code
    from maintsched.services.recovering import recover as recover_all

    with project(quiet=True) as found:
        closed = recover_all(found, say)
    if as_json:
        emit({"runs": [documents.run(done).plain() for done in closed]})
    else:
        for done in closed:
            _summary(done)
        if not closed:
            say("nothing to recover")
    left = [done for done in closed if done.our_change_left or done.restored is False]
    return max((exit_code(done) for done in left), default=0)
