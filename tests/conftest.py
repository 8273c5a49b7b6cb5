"""What holds for every test: nothing is skipped silently, and generated cases are the same in CI."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

REQUIRE_ALL = os.environ.get("MAINTSCHED_REQUIRE_ALL") == "1"
CORPUS = Path(os.environ.get("MAINTSCHED_CORPUS", Path(__file__).parent.parent / ".." / "shared" / "corpus"))

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Inputs that lie outside the clone are not there for everybody: their tests are left out, not skipped."""
    if CORPUS.is_dir():
        return
    outside = [item for item in items if item.get_closest_marker("corpus")]
    config.hook.pytest_deselected(items=outside)
    items[:] = [item for item in items if item not in outside]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where everything is required, a skip is a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # what pluggy sends in
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but everything is required here: {report.longrepr}"


@pytest.fixture(scope="session")
def machine() -> None:
    """A machine that can have a lab."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        pytest.skip("the lab needs root on Linux")
