"""`make demo`: the main job on real routers, told so that a newcomer understands it. Every command is a real one."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.mails import equinix_mail

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "demo"
PROGRAM = ROOT / ".venv" / "bin" / "maintsched"
BOLD, DIM, RED, RESET = ("\033[1m", "\033[2m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "", "", "")


class Stopped(Exception):
    """The demo did not go as it should."""


def chapter(text: str) -> None:
    print(f"\n{BOLD}── {text}{RESET}", flush=True)


def tell(text: str) -> None:
    print(f"{DIM}{text}{RESET}", flush=True)


def run(*words: str, expect: int = 0, on_ops: bool = False, quiet: bool = False) -> str:
    """Type one maintsched command; the exit code must be the expected one. Returns what it printed."""
    argv = ["lab", "exec", "--", str(PROGRAM), *words] if on_ops else list(words)
    shown = " ".join(word if " " not in word else f'"{word}"' for word in words)
    if not quiet:
        print(f"\n{BOLD}$ maintsched {shown}{RESET}", flush=True)
    done = subprocess.run(
        [str(PROGRAM), *argv], cwd=PROJECT, text=True, check=False, stdout=subprocess.PIPE if quiet else None
    )
    if done.returncode != expect:
        raise Stopped(f"`maintsched {shown}` ended with {done.returncode}, expected {expect}")
    return done.stdout or ""


def inventory_and_import() -> None:
    chapter("1. What we have: a broker's two edge routers, two cross-connects, one redundancy group")
    run("init", ".", "--layout", "pair")
    _announce()
    run("inventory", "check")
    tell("uk-ld4 (Equinix LD4) is the primary, uk-ld7 (Equinix LD7) the standby; at least one of them must stay up.")
    chapter("2. What the providers announce: mails and calendars, as they really arrive")
    run("calendar", "import", "--source", "equinix")
    run("calendar", "import", "--source", "carrier")
    run("calendar", "import", "--source", "spotware", quiet=True)
    tell(
        "A cancelled one, one at a site that is not ours, and two that count. (The platform's own calendar is in, too.)"
    )


def _night() -> datetime:
    """01:00 UTC of a Wednesday in about three weeks."""
    day = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=21)
    return day + timedelta(days=(2 - day.weekday()) % 7)


def _announce() -> None:
    """Mails that lie ahead of whenever this is run take the place of the samples."""
    inbox = PROJECT / "calendars" / "inbox"
    for sample in inbox.iterdir():
        sample.unlink()
    night = _night()
    moved: dict[str, Any] = {
        "change": "CHG0300102",
        "start": night + timedelta(days=7),
        "hours": 4,
        "site": "LD4",
        "serial": "20931177-A",
    }
    mails = {
        "ld7-switch.eml": equinix_mail(change="CHG0300101", start=night, hours=4),
        "ld4-fibre.eml": equinix_mail(**moved, sent=datetime.now(UTC) - timedelta(days=2)),
        "ld4-fibre-cancelled.eml": equinix_mail(**moved, prefix="CANCELLED - "),
        "sg-fibre.eml": equinix_mail(
            change="CHG0300103", start=night, hours=2, site="SG2", serial="20771234-B", zone="Asia/Singapore"
        ),
    }
    for name, mail in mails.items():
        (inbox / name).write_bytes(mail)


def bookings() -> None:
    chapter("3. Our own change: Equinix takes uk-ld7 down that night, so uk-ld4 must stay")
    what = ("--title", "Replace optics on uk-ld4", "--rollback", "put the old optics back")
    change = ("window", "book", "--circuit", "uk-ld4", "--duration", "2h", *what)
    wanted = f"{_night() + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    run(*change, "--start", wanted, expect=3)
    tell("Refused, with what it collides with. The free slots begin one guard (30 minutes) after Equinix has finished.")
    slots = json.loads(run("window", "suggest", *change[2:6], "--start", wanted, "--json", quiet=True))
    run(*change, "--start", slots["suggestions"][0]["start"])


def _in_december() -> bool:
    return time.gmtime() >= time.strptime("2026-12-01", "%Y-%m-%d")


def routers() -> None:
    chapter("4. The routers: FRR in network namespaces, with a real sshd each; this host's own routing is not touched")
    run("lab", "up", "--name", f"demo-{os.getpid()}")


def approval() -> None:
    chapter("5. A failover drill: first the plan. alice will run it, bob approves exactly these bytes with his SSH key")
    key, signature = PROJECT / "lab" / "bob", PROJECT / "lab" / "bob.sig"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", str(key)], check=True)
    (PROJECT / "lab" / "allowed_signers").write_text(f"bob {key.with_suffix('.pub').read_text()}")
    run("drill", "plan", "uk-shut-primary", on_ops=True)
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    approval = ("drill", "approve", "uk-shut-primary", "--until", until)
    signed = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "maintsched", "-f", str(key)],
        input=run(*approval, "--to-sign", quiet=True).encode(),
        capture_output=True,
        check=True,
    )
    signature.write_bytes(signed.stdout)
    run("--by", "bob", *approval, "--signature", "lab/bob.sig")


def drill() -> None:
    chapter("6. The drill: shut the primary's BGP session, prove the traffic on the standby both ways, restore")
    run("--by", "alice", "drill", "run", "uk-shut-primary", on_ops=True)


def evidence() -> None:
    chapter("7. What is left behind: the report, the calendar feed, an audit trail that shows edits")
    newest = json.loads(run("drill", "runs", "--json", quiet=True))["runs"][0]["id"]
    run("drill", "report", newest, "-o", "report.html")
    run("feed", "export", "-o", "feed.ics")
    run("audit", "verify")


def main() -> int:
    if platform.system() != "Linux" or os.geteuid() != 0:
        print("skipped: the demo builds routers in network namespaces and needs root on Linux", file=sys.stderr)
        return int(os.environ.get("MAINTSCHED_REQUIRE_ALL") == "1")
    began = time.monotonic()
    _leave_nothing_of_the_last_one()
    PROJECT.mkdir()
    os.environ["XDG_STATE_HOME"] = str(PROJECT / "state")
    os.environ.pop("MAINTSCHED_CONFIG", None)
    failure = ""
    try:
        for step in (inventory_and_import, bookings, routers, approval, drill, evidence):
            step()
    except Stopped as error:
        failure = str(error)
    finally:
        if (PROJECT / "lab").is_dir():
            chapter("The lab is taken down")
            subprocess.run([str(PROGRAM), "lab", "down"], cwd=PROJECT, check=False)
    if failure:
        print(f"{RED}the demo failed: {failure}{RESET}", file=sys.stderr)
        return 1
    tell(f"\nDone in {time.monotonic() - began:.0f} s. Everything lies in demo/:")
    tell("  demo/report.html    the drill's report; open it in a browser")
    tell("  demo/feed.ics       the team's calendar")
    tell("  demo/maintsched.yaml and demo/maintsched.db    the project; go on in it with `maintsched status`")
    return 0


def _leave_nothing_of_the_last_one() -> None:
    if (PROJECT / "maintsched.yaml").is_file():
        subprocess.run([str(PROGRAM), "lab", "down"], cwd=PROJECT, check=False, capture_output=True)
    shutil.rmtree(PROJECT, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
