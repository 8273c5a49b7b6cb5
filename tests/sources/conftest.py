"""The servers that sources are tested against."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons
from .authorities import Authority, made
from .daemons import Mailboxes, Web


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed")
    return tmp_path_factory.mktemp("sources-authorities")


@pytest.fixture(scope="session")
def authority(authorities: Path) -> Authority:
    return made(authorities / "ours")


@pytest.fixture(scope="session")
def stranger(authorities: Path) -> Authority:
    return made(authorities / "strange")


@pytest.fixture(scope="session")
def named(authorities: Path) -> Authority:
    """Its certificate is of a name alone, and of no address."""
    return made(authorities / "named", "DNS:localhost")


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Web]:
    if daemons.NGINX is None:
        pytest.skip("nginx is not installed: MAINTSCHED_REQUIRE_ALL=1 .ci/install system")
    with daemons.web(tmp_path_factory.mktemp("nginx"), authority) as running:
        yield running


@pytest.fixture(scope="session")
def mailboxes(authority: Authority) -> Iterator[Mailboxes]:
    if daemons.DOVECOT is None:
        pytest.skip("dovecot-imapd is not installed: MAINTSCHED_REQUIRE_ALL=1 .ci/install system")
    folder = Path(tempfile.mkdtemp(prefix="msmail-", dir="/tmp"))  # a socket's path must be short
    try:
        with daemons.mailboxes(folder, authority) as running:
            yield running
    finally:
        shutil.rmtree(folder)
