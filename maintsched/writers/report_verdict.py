"""What a drill report says about a run: its verdict in words, whether the network is as before, what to do next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

from maintsched.domain.drill import GateState, Run, Verdict
from maintsched.writers.report_text import in_utc, lasting

_PROVED = ("done", "proved", "passed", "moved")
_RESTORING = ("restor", "unshut", "no-shut", "undrain", "undo")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The first page. `tone` names the colour: the verdict's own, `alarm` where a PASS must not look like one.

    `alarm` stands over the verdict; `contradictions` are things in the record that cannot both be true.
    """

    word: str
    tone: str
    alarm: str
    meaning: str
    tested: str
    restored: str
    restored_why: str
    next_title: str
    next_lines: tuple[str, ...]
    shell: tuple[str, ...]
    contradictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """From the first proof that the traffic had moved to the first restoring step, or else to the end of the run.

    `over` is False where no verified restore ended it: the traffic may still be on the survivor.
    """

    start: datetime
    end: datetime
    over: bool

    @property
    def text(self) -> str:
        return lasting(self.end - self.start) if self.over else f"at least {lasting(self.end - self.start)}"

    @property
    def why(self) -> str:
        if self.over:
            return "from the proof that the traffic had moved, to the start of restoring"
        return "from the proof that the traffic had moved; no verified restore ended it, so it may still be there"


def concluded(run: Run) -> Conclusion:
    """Everything that the summary states about `run`, from the record alone."""
    contradictions = _contradictions(run)
    title, lines, shell = _next(run)
    restored, why = _restored(run)
    wrong_pass = run.verdict is Verdict.PASS and bool(contradictions)
    return Conclusion(
        word=run.verdict.value,
        tone="alarm" if run.our_change_left or wrong_pass else run.verdict.value.lower(),
        alarm=_alarm(run, wrong_pass),
        meaning=_meaning(run),
        tested=_tested(run),
        restored=restored,
        restored_why=why,
        next_title=title,
        next_lines=lines,
        shell=shell,
        contradictions=contradictions,
    )


def on_survivor(run: Run) -> Carried | None:
    """When the survivor carried the traffic; None where no proof that it had moved is on record."""
    proof: datetime | None = None
    for entry in sorted(run.timeline, key=lambda entry: in_utc(entry.at)):
        step, state = entry.step.lower(), entry.state.lower()
        if step.startswith(_RESTORING):
            return Carried(proof, in_utc(entry.at), over=run.restored is True) if proof is not None else None
        if proof is None and ((step.startswith("prov") and state in _PROVED) or state == "proved"):
            proof = in_utc(entry.at)
    return Carried(proof, max(proof, in_utc(run.ended)), over=False) if proof is not None else None


def _alarm(run: Run, wrong_pass: bool) -> str:
    if run.our_change_left:
        return "NOT RESTORED: our change is, or may be, still on a router"
    if run.restored is False:
        return "RESTORED-BUT: our lines are undone, the network is not as before"
    return "Do not rely on this PASS: the record contradicts itself" if wrong_pass else ""


def _meaning(run: Run) -> str:
    return {
        Verdict.PASS: f"{run.survivor} carried the traffic without {run.primary}, and the state before was restored.",
        Verdict.FAIL: "The network is not as it must be: see the checks that failed.",
        Verdict.ERROR: "We could not tell. This run is evidence neither for nor against the network.",
        Verdict.SKIPPED: "Nothing was tested. This run is no evidence that the survivor works.",
        Verdict.ABORTED: "Stopped before its end. This run is no evidence that the survivor works.",
    }[run.verdict]


def _tested(run: Run) -> str:
    sentence = (
        f"The drill {run.drill} set out to take the traffic of group {run.group} off {run.primary},"
        f" to see whether {run.survivor} carries it alone (playbook {run.playbook}, mode {run.mode})."
    )
    untouched = run.restored is None and not run.our_change_left
    return f"{sentence} It stopped before anything was touched." if untouched else sentence


def _restored(run: Run) -> tuple[str, str]:
    if run.our_change_left:
        return "NO", "our change is, or may be, still on a router"
    if run.restored is None:
        return "NOT NEEDED", "nothing was touched"
    if run.restored:
        return "YES", "the state before the drill was verified"
    return "NO", "our lines are undone, but the network is not as before"


def _contradictions(run: Run) -> tuple[str, ...]:
    if run.verdict is not Verdict.PASS:
        return ()
    found = []
    if run.our_change_left:
        found.append("The verdict is PASS, but our change is, or may be, still on a router.")
    if run.restored is not True:
        found.append("The verdict is PASS, but no verified restore is on record.")
    found += [
        f"The verdict is PASS, but check {check.id} is {check.verdict.value}."
        for check in run.checks
        if check.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.ABORTED)
    ]
    found += [
        f"The verdict is PASS, but gate {gate.id} is {gate.state.value}."
        for gate in run.gates
        if gate.state is not GateState.OPEN
    ]
    return tuple(found)


def _next(run: Run) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Title, sentences, and lines for a shell; the worst state first, since it is what must be done first."""
    show, again = f"maintsched drill show {shlex.quote(run.id)}", f"maintsched drill run {shlex.quote(run.drill)}"
    if run.our_change_left:
        return _page_a_person(run)
    if run.restored is False:
        return _not_as_before(run, show)
    failed, unknown = _named(run, Verdict.FAIL), _named(run, Verdict.ERROR)
    if run.verdict is Verdict.FAIL:
        return (
            "Repair, then run the drill again",
            (
                f"Until a drill passes, count group {run.group} as having no redundancy behind {run.primary}.",
                f"Failed: {failed or 'no single check; see the reason above'}.",
            ),
            (show, again),
        )
    if run.verdict is Verdict.ERROR:
        lines = (f"Could not be judged: {unknown or 'see the reason above'}.", "Make it measurable, then run again.")
        return "Find out why we could not tell", lines, (show, "maintsched probe run", again)
    if run.verdict is Verdict.SKIPPED:
        shut = ", ".join(gate.id for gate in run.gates if gate.state is not GateState.OPEN)
        what = f"Not open: {shut}. The gates below say what was seen." if shut else "See the reason above."
        return "Settle what stopped it, then run the drill again", (what,), (show, again)
    if run.verdict is Verdict.ABORTED:
        return "Settle what stopped it, then run the drill again", ("See the reason above.",), (show, again)
    return _after_a_pass(run)


def _page_a_person(run: Run) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    lines = ["Page a person now. Do not start another drill or change on this group."]
    if run.to_type:
        lines.append(
            "Type the lines below on the routers they name, or let the first command try again;"
            " then check that the sessions are as before."
        )
    else:
        lines.append("The record holds no lines to type: compare the routers with the commands sent, further below.")
    return "Our change must come off the router", tuple(lines), ("maintsched drill recover", "maintsched status")


def _not_as_before(run: Run, show: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    failed = _named(run, Verdict.FAIL)
    lines = [
        f"Nothing of ours is left. Find out why the network differs: {run.primary} may have failed during the drill,"
        f" or the routers kept the older path, over {run.survivor}.",
        f"Until then, count group {run.group} as having no redundancy.",
    ]
    if failed:
        lines.append(f"Failed: {failed}.")
    return "Bring the network back to its state before", tuple(lines), ("maintsched status", show)


def _after_a_pass(run: Run) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    if _contradictions(run):
        return "Settle the contradictions above", ("Until then this run proves nothing.",), ("maintsched audit verify",)
    if not run.findings:
        return "Nothing to do", ("No finding is open from this run.",), ()
    count = len(run.findings)
    noun = "finding needs" if count == 1 else "findings need"
    return "Follow up the findings", (f"{count} {noun} an owner and a date.",), ("maintsched finding list",)


def _named(run: Run, verdict: Verdict) -> str:
    return ", ".join(check.id for check in run.checks if check.verdict is verdict)
