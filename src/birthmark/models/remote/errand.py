"""A call that the courier is to make, with what it needs to know of its past."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from birthmark.models.remote.masking import secrets_of, shown
from birthmark.models.remote.sending import build
from birthmark.models.remote.wires import Request
from birthmark.models.remote.writing import Intent


@dataclass(eq=False)
class Errand:
    """A call on its way through attempts.

    Attributes
    ----------
    number
        By which the client knows it.
    key, method, url, headers, body, about
        The `Call`.
    attempts
        How many attempts the ledger holds.
    used
        How many whole answers were of no use: each takes a new idempotency key.
    suspect
        Digest of the suspect.
    busy
        Whether an attempt is written down and not yet recorded as ended: not to be cancelled.
    verdict
        Set by the client: what the answer is worth, and why.
    """

    number: int
    key: str
    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    about: str
    attempts: int
    used: int
    suspect: str
    busy: bool = False
    verdict: asyncio.Future[tuple[str, str | None]] | None = None
    digest: str = ""

    @classmethod
    def of(cls, fields: dict[str, Any], body: bytes) -> Errand:
        """From a frame."""
        fields = {name: value for name, value in fields.items() if name != "op"}
        return cls(body=body, digest=hashlib.sha256(body).hexdigest(), **fields)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of the request may be a secret."""
        return secrets_of(self.url, tuple(self.headers.items()))

    def request(self) -> Request:
        """The HTTP request; an API that knows the header `Idempotency-Key` answers it once.

        Raises
        ------
        ValueError
            If it can't be sent.
        """
        name = "\n".join((self.suspect, self.key, str(self.used)))
        idempotency = str(uuid.uuid5(uuid.NAMESPACE_URL, f"birthmark:{name}"))
        return build(self.method, self.url, self.headers, self.body, idempotency)

    def intent(self, request: Request, price: float) -> Intent:
        """The next attempt as the ledger has it."""
        self.attempts += 1
        return Intent(
            key=self.key,
            attempt=self.attempts,
            method=self.method,
            url=shown(self.url),
            headers=" ".join(name.decode("ascii", "replace") for name, _ in request.headers),
            body_sha256=f"sha256:{self.digest}",
            body_bytes=len(self.body),
            about=self.about,
            price=price,
        )
