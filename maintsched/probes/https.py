"""HTTPS requests with verified TLS, a new connection each, every half second in a thread."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

import httpx2

from maintsched.domain.drill import Sample
from maintsched.domain.inventory import ProbeConfig
from maintsched.domain.measure import lost_in_a_row
from maintsched.errors import ProbeFailed

EVERY_S = 0.5
DEFAULT_MAX = timedelta(seconds=2)


class HttpsProbe:
    """GET `config.url` every 500 ms, trusting `config.ca` (a PEM file) or the system's authorities.

    A sample is not ok when the status is 400 or more, the certificate does not verify, or the answer takes longer than
    `config.max`; then `problems` says why. Redirects are not followed: 3xx is an answer. Proxies of the environment
    are ignored.
    """

    def __init__(self, config: ProbeConfig) -> None:
        """Raises ProbeFailed when there is no https URL, or the authorities cannot be read."""
        self.name = config.name
        self.critical = config.critical
        self.rate = 1 / EVERY_S
        self.method = f"https {self.rate:.0f}/s"
        self._url = _checked_url(config)
        self._budget = (config.max or DEFAULT_MAX).total_seconds()
        self._context = _trusting(config)
        self._samples: list[Sample] = []
        self._problems: list[tuple[datetime, str]] = []
        self._lock = Lock()
        self._stopping = Event()
        self._thread: Thread | None = None
        self._broken: BaseException | None = None

    def once(self) -> Sample:
        """One request now, timed from before the connection to the last byte, in ms."""
        at, begun = datetime.now(UTC), time.monotonic()
        problem, came = "", True
        try:
            problem = self._request(begun)
        except httpx2.TimeoutException:
            problem, came = f"no answer within {self._budget * 1000:.0f} ms", False
        except httpx2.TransportError as error:
            certificate = _certificate_problem(error)
            problem, came = certificate or f"{type(error).__name__}: {error}", bool(certificate)
        elapsed = (time.monotonic() - begun) * 1000
        sample = Sample(at, round(elapsed, 3) if came else None, ok=not problem)
        with self._lock:
            self._samples.append(sample)
            if problem:
                self._problems.append((at, problem))
        return sample

    def _request(self, begun: float) -> str:
        """What is wrong with the answer, empty when nothing is."""
        with (
            httpx2.Client(verify=self._context, trust_env=False, timeout=self._budget) as client,
            client.stream("GET", self._url) as response,
        ):
            for _ in response.iter_raw():
                # the client's time-out is per read: an answer that trickles would never end
                if time.monotonic() - begun > self._budget:
                    raise httpx2.ReadTimeout("the answer trickles")
            if response.status_code >= 400:
                return f"HTTP status {response.status_code}"
        late = time.monotonic() - begun > self._budget
        return f"answered, but later than {self._budget * 1000:.0f} ms" if late else ""

    def start(self) -> None:
        """Begin to ask; a service that does not answer is a reading, not an error."""
        if self._thread is not None:
            raise ProbeFailed(f"probe {self.name} was started before", "open a new one")
        self._thread = Thread(target=self._loop, name=f"probe {self.name}", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        begun = time.monotonic()
        try:
            while not self._stopping.is_set():
                self.once()
                # absolute deadlines; those that a slow answer has overrun are left out
                done = (time.monotonic() - begun) % EVERY_S
                self._stopping.wait(EVERY_S - done)
        except Exception as error:  # noqa: BLE001 - whatever it was, the reading is unknown, and the runner must hear it
            self._broken = error

    def samples(self) -> tuple[Sample, ...]:
        """All samples so far. Raises ProbeFailed when the probe itself broke."""
        if self._broken is not None:
            raise self._failure(f"{type(self._broken).__name__}: {self._broken}")
        if self._thread is None:
            raise self._failure("was not started")
        return self.kept()

    def kept(self) -> tuple[Sample, ...]:
        """All samples so far, also after a failure."""
        with self._lock:
            return tuple(self._samples)

    def problems(self) -> tuple[tuple[datetime, str], ...]:
        """When which request was not ok, and why."""
        with self._lock:
            return tuple(self._problems)

    def lost_in_a_row(self) -> int:
        """How many of the latest requests had no good answer."""
        return lost_in_a_row(self.samples())

    def stop(self) -> tuple[Sample, ...]:
        """Wait for the request under way, and give all samples. Raises ProbeFailed when the probe broke."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(self._budget * 4 + 1)
            if self._thread.is_alive():
                raise self._failure("did not end in time")
        return self.samples()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(self._budget * 4 + 1)

    def _failure(self, why: str) -> ProbeFailed:
        return ProbeFailed(
            f"probe {self.name} to {self._url}: {why}",
            "its reading is unknown; `maintsched probe run` tries it alone",
        )


def _checked_url(config: ProbeConfig) -> str:
    try:
        url = httpx2.URL(config.url or "")
    except httpx2.InvalidURL as error:
        raise ProbeFailed(f"probe {config.name}: url {config.url!r}: {error}", "give an https:// address") from error
    if url.scheme != "https" or not url.host:
        raise ProbeFailed(f"probe {config.name}: url {config.url!r} is not https", "give an https:// address")
    return str(url)


def _trusting(config: ProbeConfig) -> ssl.SSLContext:
    """A context that verifies name and chain; with `ca`, against that file alone."""
    try:
        return ssl.create_default_context(cafile=config.ca)
    except (OSError, ssl.SSLError) as error:
        raise ProbeFailed(
            f"probe {config.name}: the authorities in {config.ca} cannot be read: {error}", "`ca` is a PEM file"
        ) from error


def _certificate_problem(error: BaseException) -> str:
    """The verification error beneath a transport error, empty where it was something else."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"certificate: {seen.verify_message}"
        seen = seen.__cause__ or seen.__context__
    return ""
