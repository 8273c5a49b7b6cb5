"""Building a lab, and the command line that runs something in one of its nodes."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from maintsched.domain.inventory import Inventory
from maintsched.errors import InvalidInput, LabFailed, NotFound, Refused, Unavailable
from maintsched.lab import holders, keys, nodes, record, watch, wiring
from maintsched.lab.layout import HTTPS_PORT, OPS, Layout, lay_out
from maintsched.lab.record import Held, Record
from maintsched.lab.state import LabState, state_of
from maintsched.lab.teardown import take_down

Say = Callable[[str], None]
LIMIT = 60.0
HOLDER_SECONDS = 5.0
_PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "bash": "bash",
    "setsid": "util-linux",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "/usr/sbin/sshd": "openssh-server",
    "openssl": "openssl",
    "vtysh": "frr",
    "/usr/lib/frr/bgpd": "frr",
    "/usr/lib/frr/bfdd": "frr",
}


def up(
    inventory: Inventory,
    directory: Path,
    *,
    name: str,
    group: str | None = None,
    udp_reflector: bool = False,
    limit: float = LIMIT,
    say: Say,
) -> LabState:
    """Build the lab of a group and wait until every session is Established and the service answers.

    Refused while a lab of that name or in that directory is up; Unavailable without root, Linux or a program;
    LabFailed with what is not up after `limit` seconds. Whatever goes wrong, nothing stays behind.
    """
    began = time.monotonic()
    holders.check_name(name)
    layout = lay_out(inventory, group, say)
    _check_machine(layout)
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    with record.changing(directory):
        _check_free(name, directory)
        _prepare(inventory, layout, directory, reflector=udp_reflector)
        say(f"building {layout.kind} lab {name}: {', '.join(layout.nodes)}")
        try:
            built = _build(layout, directory, name, began)
            say("waiting for the BGP sessions and the service")
            watch.await_up(built, limit - (time.monotonic() - began))
            _await_service(built, directory, limit - (time.monotonic() - began))
            built = replace(built, stage="up")
            record.write(directory, built)
        except BaseException:
            take_down(name, directory)
            raise
    seconds = time.monotonic() - began
    say(f"lab {name} is up after {seconds:.1f} s")
    return replace(state_of(built, directory), seconds=round(seconds, 2))


def exec_argv(directory: Path, node: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in a node; the operations host sees the caller's files and directory."""
    found = record.read(directory.resolve())
    if node not in found.layout.nodes:
        raise NotFound(f"the lab has no node {node}", f"nodes: {', '.join(found.layout.nodes)}")
    if not argv:
        raise InvalidInput("nothing to run", f"maintsched lab exec --node {node} -- COMMAND")
    held = found.node(node)
    if not holders.alive(held):
        raise LabFailed(f"node {node} of lab {found.name} is not running", "`maintsched lab down`, then `lab up`")
    return holders.entering(held, ["env", f"{holders.ENVIRONMENT}={found.mark}", *argv])


def _check_machine(layout: Layout) -> None:
    if platform.system() != "Linux":
        raise Unavailable(f"the lab needs network namespaces; this is {platform.system()}", "run it on Linux")
    if os.geteuid() != 0:
        raise Unavailable("the lab makes network namespaces, which needs root", "run it as root, or with sudo")
    wanted = dict(_PROGRAMS)
    if any(edge.platform == "bird" for edge in layout.edges):
        wanted |= {"bird": "bird2", "birdc": "bird2"}
    absent = {program: package for program, package in wanted.items() if not shutil.which(program)}
    if absent:
        packages = " ".join(sorted(set(absent.values())))
        raise Unavailable(f"the lab needs {', '.join(absent)}", f"apt-get install {packages}")


def _check_free(name: str, directory: Path) -> None:
    for holder in holders.holders():
        if holder.lab == name or holder.directory == str(directory):
            raise Refused(
                f"lab {holder.lab} is already up in {holder.directory}",
                "`maintsched lab down` ends it, also what a crash left; a second lab needs another name and directory",
            )
    if holders.guests(name, directory):
        raise Refused(f"processes of an earlier lab {name} still run", "`maintsched lab down` ends them")


def _prepare(inventory: Inventory, layout: Layout, directory: Path, *, reflector: bool) -> None:
    routers = [inventory.routers[edge.name] for edge in layout.edges]
    for node in layout.nodes:
        nodes.write_node(layout, node, directory, reflector=reflector)
    for router in routers:
        home = directory / "nodes" / router.name
        keys.login_key(router, directory, home / "authorized_keys")
        copy = home / "ssh_host_ed25519_key"
        copy.unlink(missing_ok=True)
        copy.touch(mode=0o600)
        copy.write_bytes(keys.host_key(router.name, directory).read_bytes())
    keys.pin(routers, directory)
    keys.service_certificate(directory, list(layout.service_addresses))


def _build(layout: Layout, directory: Path, name: str, began: float) -> Record:
    built = Record(name, str(directory), "building", layout)
    record.write(directory, built)
    waiting: list[tuple[str, int]] = []
    for node in layout.nodes:
        outer, heard = holders.spawn(name, node, directory)
        waiting.append((node, heard))
        built = replace(built, outer=(*built.outer, outer))
        record.write(directory, built)
    for node, heard in waiting:
        holders.await_ready(node, heard, began + LIMIT)
    built = replace(built, held=_held(built, directory))
    record.write(directory, built)
    pids = {each.node: each.pid for each in built.held}
    holders.run(built.node(OPS), built.mark, ["ip", "-batch", "-"], text=wiring.cable_batch(layout, pids))
    _boot(built, directory)
    return built


def _inner(directory: Path) -> dict[str, int]:
    return {each.node: each.pid for each in holders.holders() if each.directory == str(directory) and not each.outer}


def _held(built: Record, directory: Path) -> tuple[Held, ...]:
    """The process to enter each node by: the first of its pid namespace; for the operations host the holder."""
    inner, wanted = _inner(directory), {outer.node for outer in built.outer}
    deadline = time.monotonic() + HOLDER_SECONDS
    # A holder says that its namespaces stand before it takes the name that it is found by; in between it has none.
    while not wanted <= set(inner) and time.monotonic() < deadline:
        time.sleep(0.01)
        inner = _inner(directory)
    found = []
    for outer in built.outer:
        pid = outer.pid if outer.node == OPS else inner.get(outer.node, 0)
        start = holders.start_time(pid)
        if start is None:
            raise LabFailed(
                f"node {outer.node}: its first process is gone", "see holder.log of the node in the lab's directory"
            )
        found.append(Held(outer.node, pid, start))
    return tuple(found)


def _boot(built: Record, directory: Path) -> None:
    """Run every node's boot script, all at once; the log of one that failed is in the message."""
    started = []
    for held in built.held:
        home = directory / "nodes" / held.node
        argv = holders.entering(held, ["sh", str(home / "boot.sh"), str(home)])
        with (home / "boot.log").open("wb") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, holders.ENVIRONMENT: built.mark},
            )
        started.append((held.node, home / "boot.log", process))
    failed = []
    deadline = time.monotonic() + LIMIT
    for node, log_path, process in started:
        try:
            code: int | str = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = "no end"
        if code != 0:
            said = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            failed.append(f"{node}: {' / '.join(said) or code}")
    if failed:
        raise LabFailed(
            "nodes did not boot: " + "; ".join(failed), "boot.log of the node in the lab's directory has it all"
        )


def _await_service(built: Record, directory: Path, seconds: float) -> None:
    address = built.layout.service_address
    words = ("ask", address, str(HTTPS_PORT), str(directory / "ca.pem"), f"{max(seconds, 1.0):.1f}")
    argv = [sys.executable, "-m", "maintsched.lab.service", *words]
    try:
        holders.run(built.node(OPS), built.mark, argv, wait=seconds + 10)
    except LabFailed as silent:
        raise LabFailed(
            f"the service at {address}:{HTTPS_PORT} does not answer {OPS}: {silent.message}",
            "see nodes/service/https.log",
        ) from silent
