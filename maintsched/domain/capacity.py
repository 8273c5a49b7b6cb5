"""What the members of a group carry, and what its users need: three times the provider's minimum."""

from __future__ import annotations

from collections.abc import Iterable

from maintsched.domain.inventory import Group, Inventory

USERS_PER_MEGABIT = 100  # "1 Mbps per 100 concurrent users"
TIMES_NORMAL_LOAD = 3  # "3x normal load"
MEGABIT = 1_000_000


def needed(group: Group, inventory: Inventory) -> int | None:
    """Mbit/s that whatever survives must carry; None where nobody said how many users there are."""
    users = group.concurrent_users or inventory.concurrent_users
    return TIMES_NORMAL_LOAD * -(-users // USERS_PER_MEGABIT) if users else None


def carried(group: Group, members: Iterable[str], inventory: Inventory) -> int:
    """Mbit/s that these members of `group` carry: together where all are active, else the slowest of them.

    In active_standby it is not known which one will carry. A circuit without `speed` counts 0.
    """
    speeds = [inventory.circuits[name].speed or 0 for name in members]
    if not speeds:
        return 0
    return (sum(speeds) if group.mode == "active_active" else min(speeds)) // MEGABIT


def without_speed(members: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """Those of `members` whose speed the inventory does not tell."""
    return tuple(sorted(name for name in members if not inventory.circuits[name].speed))
