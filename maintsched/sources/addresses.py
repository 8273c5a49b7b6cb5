"""Where a source's host is: every address that its name has, and whether that may be asked."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, Queue
from threading import Thread

from maintsched.errors import Unavailable

Address = IPv4Address | IPv6Address

# What the IANA registries of special-purpose addresses do not give to hosts of the Internet. Python's own `is_global`
# has changed its mind about several of these between the versions that we support.
_NOT_PUBLIC_V4 = (
    ip_network("0.0.0.0/8"),
    ip_network("10.0.0.0/8"),
    ip_network("100.64.0.0/10"),
    ip_network("127.0.0.0/8"),
    ip_network("169.254.0.0/16"),
    ip_network("172.16.0.0/12"),
    ip_network("192.0.0.0/24"),
    ip_network("192.0.2.0/24"),
    ip_network("192.88.99.0/24"),
    ip_network("192.168.0.0/16"),
    ip_network("198.18.0.0/15"),
    ip_network("198.51.100.0/24"),
    ip_network("203.0.113.0/24"),
    ip_network("224.0.0.0/4"),
    ip_network("240.0.0.0/4"),
)
_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC_V6 = tuple(ip_network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_SIX_TO_FOUR = ip_network("2002::/16")
_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether hosts of the Internet have such addresses; one that wraps an IPv4 address is judged by that."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if (inner := _wrapped(address)) is not None:
        return is_public(inner)
    return address in _UNICAST and not any(address in network for network in _NOT_PUBLIC_V6)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _never(address: Address) -> bool:
    """Whether no server can be there: a group's address, or none at all."""
    inner = _wrapped(address) if isinstance(address, IPv6Address) else None
    judged = inner or address
    broadcast = judged == IPv4Address("255.255.255.255")
    return judged.is_multicast or judged.is_unspecified or broadcast


def checked(found: list[str], host: str, private: bool) -> tuple[str, ...]:
    """The addresses of `host`, when all of them may be asked. Raises Unavailable."""
    for text in found:
        address = ip_address(text)
        if _never(address):
            raise Unavailable(f"{host} is at {text}, where no server can be", "correct its entry in the DNS")
        if not private and not is_public(address):
            raise Unavailable(
                f"{host} is at {text}, which is no address of the Internet",
                "where the server is meant to be in your own network: `private: true` of the source",
            )
    return tuple(found)


def resolve(host: str, port: int, private: bool, seconds: float) -> tuple[str, ...]:
    """Every address of `host`, each of them allowed. Raises Unavailable.

    Whoever connects must do so to these: a name may point elsewhere when it is asked again.
    """
    answers: Queue[list[str] | OSError] = Queue()
    Thread(target=_ask, args=(host, port, answers), name=f"name of {host}", daemon=True).start()
    try:
        if seconds <= 0:
            raise Empty
        answer = answers.get(timeout=seconds)
    except Empty:
        raise Unavailable(f"the name {host} was not resolved in time", "is the DNS reachable from here?") from None
    if isinstance(answer, OSError):
        hint = "correct `from:` of the source, or the DNS"
        raise Unavailable(f"the name {host} cannot be resolved: {answer.strerror or answer}", hint) from answer
    return checked(answer, host, private)


def _ask(host: str, port: int, answers: Queue[list[str] | OSError]) -> None:
    """In a thread of its own: the resolver knows no deadline."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answers.put(list(dict.fromkeys(str(place[0]) for *_, place in found)))
    except OSError as error:
        answers.put(error)
    except UnicodeError:
        answers.put(OSError(f"{host!r} is no name that the DNS can have"))
