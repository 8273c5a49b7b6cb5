"""The lab as a caller sees it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maintsched.lab import holders, watch
from maintsched.lab.layout import CORE, HTTPS_PORT, OPS, SERVICE, Layout
from maintsched.lab.record import Fault, Record, read


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node: role (operations, edge, provider, core, service), what it runs, the pid that holds it."""

    name: str
    role: str
    platform: str
    pid: int | None
    alive: bool


@dataclass(frozen=True, slots=True)
class LabState:
    """A lab as it is now. `seconds` is how long `up` took, None when asked later; `ca` is a path."""

    name: str
    directory: str
    stage: str
    layout: str
    group: str
    primary: str
    service: str
    url: str
    ca: str
    nodes: tuple[NodeState, ...]
    sessions: tuple[watch.SessionState, ...]
    faults: tuple[Fault, ...]
    seconds: float | None = None

    def document(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return asdict(self)


def status(directory: Path) -> LabState:
    """The lab of this directory, with the sessions as its routers see them. NotFound when there is none."""
    return state_of(read(directory.resolve()), directory.resolve())


def state_of(found: Record, directory: Path) -> LabState:
    """A record with what the processes and routers say now."""
    layout = found.layout
    held = {each.node: each for each in found.held}
    nodes = []
    for name in layout.nodes:
        role, platform = _role(layout, name)
        pid = held[name].pid if name in held else None
        nodes.append(NodeState(name, role, platform, pid, name in held and holders.alive(held[name])))
    return LabState(
        name=found.name,
        directory=str(directory),
        stage=found.stage,
        layout=layout.kind,
        group=layout.group,
        primary=layout.primary.circuit,
        service=layout.service_address,
        url=f"https://{layout.service_address}:{HTTPS_PORT}/health",
        ca=str(directory / "ca.pem"),
        nodes=tuple(nodes),
        sessions=watch.sessions(found),
        faults=found.faults,
    )


def _role(layout: Layout, node: str) -> tuple[str, str]:
    for edge in layout.edges:
        if edge.name == node:
            return "edge", edge.platform
    if node in (OPS, SERVICE):
        return ("operations" if node == OPS else "service"), "linux"
    return ("core" if node == CORE else "provider"), "frr"
