"""One question to an API, and what came back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from birthmark.common.errors import BirthmarkError


@dataclass(frozen=True)
class Call:
    """An HTTP request that asks about one probe, or a pair of them.

    Attributes
    ----------
    key
        Names the question in the ledger, where it is answered once: the probe's digest, or a
        pair's, and which time it is asked.
    method
        GET or POST.
    url
        Where it goes.
    headers
        Sent as they are. Their values are never recorded: they may hold secrets.
    body
        The bytes that are sent.
    about
        How messages call it: the probe's name.
    secrets
        What of the body must not be recorded where it comes back.
    """

    key: str
    method: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    about: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes
    ----------
    status
        The HTTP status.
    body
        The bytes, as received.
    at
        When the whole answer was there, UTC.
    """

    status: int
    body: bytes = field(repr=False)
    at: datetime


@dataclass(frozen=True)
class Refusal:
    """What the suspect said instead of answering.

    Attributes
    ----------
    reason
        The status and the beginning of what it said.
    status
        The HTTP status.
    at
        When the whole answer was there, UTC.
    """

    reason: str
    status: int
    at: datetime


class Unusable(Exception):  # noqa: N818
    """An answer that can't be read: cut off, or of another form.

    Parameters
    ----------
    reason
        What is wrong with it, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answerless(BirthmarkError):  # noqa: N818
    """An answer in full that holds nothing where its numbers should be.

    Asked again, a service would say the same: it found no face, perhaps.
    """


def key_of(*digests: str, time: int = 0) -> str:
    """The key of a question about one probe or two, asked `time` times before."""
    text = "\n".join((*digests, str(time))).encode()
    return f"sha256:{hashlib.sha256(text).hexdigest()}"
