"""Which addresses may be asked: those of the Internet, and others where the source says that they are meant."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from maintsched.errors import Unavailable
from maintsched.sources.addresses import checked, is_public, resolve

PUBLIC = (
    "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 "
    "192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:4860:4860::8888 "
    "2606:4700:4700::1111 2a00:1450:4001:800::200e ::ffff:8.8.8.8 2002:808:808::1 64:ff9b::8.8.8.8 2003::1"
)

NOT_PUBLIC = (
    "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 169.254.169.254 "
    "172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 "
    "198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 fc00::1 fd12:3456::1 "
    "fe80::1 fe80::1%eth0 fec0::1 ff02::1 2001:db8::1 3fff::1 100::1 5f00::1 2001::1 2001:10::1 "
    "64:ff9b:1::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 2002:7f00:1::1 2002:a00:1::1 "
    "64:ff9b::127.0.0.1 64:ff9b::a00:1 ::127.0.0.1 ::10.0.0.1 4000::1"
)

NEVER = "0.0.0.0 224.0.0.1 255.255.255.255 :: ff02::1 ::ffff:224.0.0.1 ::ffff:0.0.0.0 64:ff9b::224.0.0.1"


@pytest.mark.parametrize("address", PUBLIC.split())
def test_an_address_of_the_internet_may_be_asked(address: str) -> None:
    assert is_public(ip_address(address))
    assert checked([address], "a.example", private=False) == (address,)


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_any_other_may_not(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(Unavailable, match=r"a\.example is at "):
        checked([address], "a.example", private=False)


@pytest.mark.parametrize(
    "address", [address for address in NOT_PUBLIC.split() if address not in (*NEVER.split(), "239.255.255.255")]
)
def test_unless_it_is_meant(address: str) -> None:
    assert checked([address], "a.example", private=True) == (address,)


@pytest.mark.parametrize("address", NEVER.split())
def test_where_no_server_can_be_none_is_asked_even_then(address: str) -> None:
    with pytest.raises(Unavailable, match="where no server can be"):
        checked([address], "a.example", private=True)


def test_one_address_that_may_not_be_asked_spoils_the_name() -> None:
    with pytest.raises(Unavailable, match=r"10\.0\.0\.1") as failure:
        checked(["1.1.1.1", "10.0.0.1"], "a.example", private=False)
    assert "private: true" in failure.value.hint


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "localhost", "127.0.0.1", "::1"])
def test_however_the_loopback_is_written_it_is_the_loopback(host: str) -> None:
    with pytest.raises(Unavailable, match=r"is at (127\.0\.0\.1|::1), which is no address of the Internet"):
        resolve(host, 443, private=False, seconds=10)


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".example", "a..example"])
def test_a_name_without_an_address_is_unavailable(host: str) -> None:
    with pytest.raises(Unavailable, match=r"cannot be resolved|was not resolved in time"):
        resolve(host, 443, private=False, seconds=20)


def test_a_resolver_gets_no_more_time_than_there_is() -> None:
    with pytest.raises(Unavailable, match="was not resolved in time"):
        resolve("localhost", 443, private=True, seconds=0)
