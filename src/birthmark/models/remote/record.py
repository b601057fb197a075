"""What a ledger holds, one attempt a record, and what is written into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from birthmark.models.remote.schema import Outcome


@dataclass(frozen=True)
class Ending:
    """How an attempt ended; see `Record`.

    Attributes
    ----------
    wait
        Seconds until the API wants the next attempt; None if it doesn't say.
    everyone
        Whether that concerns all calls and not only this one.
    final
        Whether no attempt will do better until the user mends something.
    """

    outcome: Outcome
    reason: str | None = None
    status: int | None = None
    answer: bytes | None = None
    wait: float | None = None
    everyone: bool = False
    final: bool = False


@dataclass(frozen=True)
class Record:
    """One attempt at a call; docs/ledger.md says what each column holds.

    Attributes
    ----------
    suspect
        `sha256:` digest of what identifies the suspect.
    url
        Without user, password and the values of its query.
    headers
        Their names alone.
    status, answer, received_at
        None if nothing came back.
    outcome
        None while it is on its way.
    """

    suspect: str
    key: str
    attempt: int
    method: str
    url: str
    headers: tuple[str, ...]
    body_sha256: str
    body_bytes: int
    about: str
    price: float
    sent_at: datetime
    status: int | None
    answer: bytes | None
    received_at: datetime | None
    outcome: Outcome | None
    reason: str | None


@dataclass(frozen=True)
class Spent:
    """What asking a suspect has taken so far, all runs on its ledger together.

    Attributes
    ----------
    calls
        Attempts that were sent, or may have been.
    answered, failed, refused, in_doubt
        What became of them. One that was answered while nothing looked at the answer counts as
        answered; one on its way as in doubt.
    cost
        Of all attempts, each at the price that was stated when it was sent.
    """

    calls: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    in_doubt: int = 0
    cost: float = 0.0


@dataclass(frozen=True)
class State:
    """How far a question is.

    Attributes
    ----------
    row
        Its last attempt in the ledger, or the one that settled it.
    outcome
        Of that attempt.
    attempts
        How many there were.
    used
        How many of them ended with a whole answer that was of no use, so that a service that
        remembers keys must be given a new one.
    """

    row: int
    outcome: Outcome | None
    attempts: int
    used: int


def spends_key(status: int | None) -> bool:
    """Whether an answer of this status is one that a service may repeat to the same key."""
    return status is not None and (200 <= status < 300 or status == 500)


def now() -> str:
    """The moment in UTC, as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
