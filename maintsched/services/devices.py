"""Opening the routers of a plan: key files and pinned host keys from the inventory, passwords from where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from maintsched.config.platform import load_platform
from maintsched.domain.inventory import Inventory, Router
from maintsched.domain.platform import AllowList, Platform
from maintsched.errors import InvalidInput
from maintsched.routers.device import Device
from maintsched.routers.ssh import Shell, open_shell
from maintsched.state import reveal


def platforms_of(inventory: Inventory) -> dict[str, Platform]:
    """The platform of every router, by router platform name."""
    return {name: load_platform(name) for name in dict.fromkeys(r.platform for r in inventory.routers.values())}


def router_platforms(inventory: Inventory, platforms: Mapping[str, Platform]) -> dict[str, Platform]:
    return {name: platforms[router.platform] for name, router in inventory.routers.items()}


def connect(inventory: Inventory, router: Router) -> Shell:
    """One login on `router`. Raises Unavailable, InvalidInput."""
    password = reveal(router.password, f"routers.{router.name}.password") if router.password else None
    return open_shell(router, password=password, jump=_jump(inventory, router))


def _jump(inventory: Inventory, router: Router) -> Router | None:
    if router.jump is None:
        return None
    known = inventory.routers.get(router.jump)
    if known is not None:
        if known.jump is not None:
            raise InvalidInput(f"router {router.name}: jump {known.name} needs a jump itself", "one jump is allowed")
        return known
    return Router(router.jump, router.site, "", router.jump, router.user, 22, router.key, router.known_hosts)


def make_devices(inventory: Inventory, routers: Iterable[str], allowed: Mapping[str, AllowList]) -> dict[str, Device]:
    """A Device for each router, not yet logged in; each may send only what its allow-list has."""
    platforms = platforms_of(inventory)
    devices = {}
    for name in routers:
        router = inventory.routers[name]

        def login(router: Router = router) -> Shell:
            return connect(inventory, router)

        devices[name] = Device(router, platforms[router.platform], allowed[name], login)
    return devices
