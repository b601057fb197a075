"""How a suspect behind an API may be asked, and where its answers are kept."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from birthmark.common.errors import BirthmarkError

MOST_AT_ONCE = 32
"""The largest concurrency: what one process sends and records without slowing down."""


@dataclass(frozen=True)
class Limits:
    """What asking may cost, in calls, money and time.

    Attributes
    ----------
    max_calls
        The most calls to send, failed ones and those of earlier runs on the same ledger included;
        None for no limit.
    price
        What one call costs, in a currency of the user's.
    max_cost
        The most to spend, as `max_calls`; None for no limit.
    concurrency
        How many calls may be on their way at once, 1 to 32.
    rate
        The most calls a second; None for no limit.
    timeout
        Seconds to wait for one whole answer.
    attempts
        How often to try one call in one run before giving up.
    backoff
        Seconds to wait before the second attempt, unless the API says how long; twice as many
        before each next one, and as many again by chance.

    Raises
    ------
    BirthmarkError
        If a number is out of its range.
    """

    max_calls: int | None = None
    price: float = 0.0
    max_cost: float | None = None
    concurrency: int = 4
    rate: float | None = None
    timeout: float = 30.0
    attempts: int = 8
    backoff: float = 0.5

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_calls", 0, 1e9),
            ("price", 0, 1e9),
            ("max_cost", 0, 1e12),
            ("concurrency", 1, MOST_AT_ONCE),
            ("rate", 1e-4, 1e6),
            ("timeout", 1e-2, 3600),
            ("attempts", 1, 100),
            ("backoff", 0, 600),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise BirthmarkError(
                    name.replace("_", "-"), f"is {value}", f"pass {low:g} to {high:g}"
                )
        if self.max_cost is not None and not self.price:
            raise BirthmarkError("max-cost", "is set without a price", "say what a call costs")


@dataclass(frozen=True)
class Access:
    """Where a suspect's answers are kept, and the limits of asking it.

    Attributes
    ----------
    ledger
        An SQLite file, made if it is not there.
    limits
        See `Limits`.
    environment
        Variables of the environment that a file which describes an API may send: `NAME`, or
        `NAME@HOST` for one host.
    headers
        Headers to send besides, by the names of the environment's variables that hold them: so
        that no key stands in a command or file.
    ca_file
        Certificates (PEM) to trust besides the system's, such as a server's self-signed one.

    Raises
    ------
    BirthmarkError
        If the file holds no certificates.
    """

    ledger: Path
    limits: Limits = field(default_factory=Limits)
    environment: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if self.ca_file is not None:
            verifying(self.ca_file)

    def sent(self) -> dict[str, str]:
        """The headers with their values.

        Raises
        ------
        BirthmarkError
            If a variable is not set, or holds what no header can; its value is not told.
        """
        found = {}
        for header, name in self.headers:
            value = os.environ.get(name, "")
            if not value or not value.isascii() or not value.isprintable():
                fault = "holds more than plain characters" if value else "is not set"
                raise BirthmarkError(
                    "--header",
                    f"{header} uses the environment variable {name}, which {fault}",
                    f"set it: export {name}=...",
                )
            found[header] = value
        return found

    @property
    def host(self) -> str:
        """The header `Host`, which says what model answers where many share an address."""
        return next((v for h, v in self.sent().items() if h.lower() == "host"), "")


@cache
def verifying(ca_file: Path | None = None) -> ssl.SSLContext:
    """What servers' certificates are checked by: the system's authorities, and a file's.

    Raises
    ------
    BirthmarkError
        If the file holds no certificates.
    """
    import httpx

    context = httpx.create_ssl_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:
            raise BirthmarkError(
                ca_file, f"holds no certificates ({error})", "name a PEM file, BEGIN CERTIFICATE"
            ) from error
    return context


def loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing sent there can be read on the way."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
