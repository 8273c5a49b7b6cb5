"""Real routers in network namespaces, built from an inventory, to rehearse drills on."""

from maintsched.lab.build import exec_argv, up
from maintsched.lab.faults import FAULTS, break_, heal
from maintsched.lab.record import Fault
from maintsched.lab.state import LabState, NodeState, status
from maintsched.lab.teardown import down
from maintsched.lab.watch import SessionState

__all__ = [
    "FAULTS",
    "Fault",
    "LabState",
    "NodeState",
    "SessionState",
    "break_",
    "down",
    "exec_argv",
    "heal",
    "status",
    "up",
]
