"""What a ledger holds, one attempt a record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from birthmark.models.remote.schema import Outcome


@dataclass(frozen=True)
class Record:
    """One attempt at a call.

    Attributes
    ----------
    suspect
        `sha256:` digest of what identifies the suspect.
    key
        The question's key.
    attempt
        Which attempt at this question it is, from 1.
    method, url
        Where it went; the address without user, password and the values of its query.
    headers
        Names of the headers.
    body_sha256, body_bytes
        The request's body.
    about
        The probe's name.
    price
        What the attempt was taken to cost.
    sent_at
        When it was written down, just before it was sent.
    status, answer, received_at
        What came back: the HTTP status, the bytes, and when they were all there; None without.
    outcome
        What became of it; None while it is on its way.
    reason
        Why it has this outcome, where that is not plain.
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


def now() -> str:
    """The moment in UTC, as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
