"""What every suspect behind an HTTP API shares: one call a question, and a ledger of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.data.images import Image, Progress, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters.base import Answered, Description, DryRun, LedgerRecord
from birthmark.models.api_format.judging import Judging
from birthmark.models.api_format.reading import Reading, Taken
from birthmark.models.remote import Access, Call, Refusal, Reply, key_of
from birthmark.models.remote.client import Client
from birthmark.models.remote.ledger import Ledger, suspect_digest
from birthmark.models.remote.record import Spent

AT_ONCE = 64 << 20
"""Bytes of bodies that are kept at a time."""


@dataclass(frozen=True)
class Request:
    """What is sent for one question.

    Attributes
    ----------
    url
        Where to.
    body
        The bytes.
    form
        What the bytes are, in words.
    method
        POST or PUT.
    headers
        With the values that are sent.
    secrets
        What of all that must not be recorded.
    """

    url: str
    body: bytes
    form: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Service(Protocol):
    """An API: how it is asked, and how its answers are read."""

    @property
    def description(self) -> Description:
        """What is known of the model behind it."""
        ...

    @property
    def identity(self) -> str:
        """What answers in the ledger belong to: all that changes what is asked, and no secret."""
        ...

    @property
    def reading(self) -> Reading:
        """What its answers are."""
        ...

    @property
    def symmetric(self) -> bool:
        """For pairs, whether their order changes nothing."""
        ...

    def request(self, images: Sequence[Image], *, secrets: bool) -> Request:
        """The question about one image, or two; without secrets it can only be shown."""
        ...

    def take(self, reply: Reply) -> Taken:
        """The answer in a reply.

        Raises
        ------
        BirthmarkError
            If there is none.
        """
        ...

    def refused(self, reply: Reply) -> str | None:
        """What the API says to an image that it will not answer about; None if it answers."""
        ...


def identity_of(adapter: str, address: str, asking: str) -> str:
    """What answers in a ledger belong to, as people can read it, without secrets.

    Parameters
    ----------
    adapter
        The protocol.
    address
        Of the model, without its query.
    asking
        Digest of all that says how it is asked, but not of how its answers are read: so that a
        mistake there costs no call.
    """
    return f"{adapter} {address} {asking}"


def stated_reading(output: object, path: str, seen: str) -> Reading:
    """How answers are read whose kind must be declared.

    Parameters
    ----------
    output
        The declared kind.
    path
        Where in an answer the numbers or the label are.
    seen
        The model and what is known of it, for messages.

    Raises
    ------
    BirthmarkError
        If none is declared, or one that only pairs of images have.
    """
    kinds = (Kind.LOGITS, Kind.PROBABILITIES, Kind.LABELS, Kind.EMBEDDINGS)
    if output in kinds:
        return Reading.model_validate({"kind": str(output), "path": path})
    raise BirthmarkError(
        seen, "does not declare what it answers", f"pass --output with one of {', '.join(kinds)}"
    )


class Asking:
    """Questions to a service, sent by a client that keeps the answers."""

    batch: int | None = None

    def __init__(self, service: Service, access: Access, time: int = 0) -> None:
        self._service = service
        self._time = time
        self._name = service.description.name
        self.access = access
        self.description = service.description

    @property
    def _identity(self) -> str:
        """What answers belong to; behind one address a `Host` may choose the model."""
        host = self.access.host
        return (
            f"{self._service.identity} {sha256(host.encode())}" if host else self._service.identity
        )

    @cached_property
    def _client(self) -> Client:
        return Client(self._identity, self.access, self._name)

    def spent(self) -> Spent:
        """What asking has taken so far, all runs on the ledger together."""
        return self._client.spent() if self.access.ledger.exists() else Spent()

    def ledger_record(self) -> LedgerRecord | None:
        """What the ledger holds of it; None if there is none yet."""
        if not self.access.ledger.exists():
            return None
        with Ledger.open(self.access.ledger, thorough=False) as ledger:
            digest = suspect_digest(self._identity)
            spent = ledger.spent(digest)
            return LedgerRecord(
                digest=ledger.digest(digest), calls=spent.calls, in_doubt=spent.in_doubt
            )

    def _key(self, images: Sequence[Image]) -> str:
        digests = [image.digest for image in images]
        return key_of(*(sorted(digests) if self._service.symmetric else digests), time=self._time)

    def _call(self, images: Sequence[Image]) -> Call:
        request = self._service.request(images, secrets=True)
        return Call(
            key=self._key(images),
            method=request.method,
            url=request.url,
            body=request.body,
            about=" and ".join(image.name for image in images),
            headers={**request.headers, **self.access.sent()},
            secrets=request.secrets,
        )

    def _fetched(
        self, asked: Sequence[Sequence[Image]], progress: Progress
    ) -> tuple[dict[int, Taken], dict[int, str]]:
        """By position what was taken from each answer, and what was said where it was refused."""
        taken: dict[int, Taken] = {}
        refused: dict[int, str] = {}
        done = 0
        for calls in self._bundled(asked):

            def told(_: str, count: int, __: int, start: int = done) -> None:
                progress(f"Asking {self._name}", start + count, len(asked))

            for i, reply in enumerate(self._client.fetch(calls, self._accept, told), done):
                said = self._said(reply)
                if said is not None:
                    refused[i] = one_line(said, 200)
                elif isinstance(reply, Reply):
                    taken[i] = self._service.take(reply)
            done += len(calls)
        return taken, refused

    def _bundled(self, asked: Sequence[Sequence[Image]]) -> Iterator[list[Call]]:
        """Calls in as few parts as fit into the memory."""
        part: list[Call] = []
        for images in asked:
            part.append(self._call(images))
            if sum(len(call.body) for call in part) > AT_ONCE:
                yield part
                part = []
        if part:
            yield part

    def _said(self, reply: Reply | Refusal) -> str | None:
        return reply.reason if isinstance(reply, Refusal) else self._service.refused(reply)

    def _accept(self, _: Call, reply: Reply) -> None:
        if self._service.refused(reply) is None:
            self._service.take(reply)

    def _planned(self, asked: Sequence[Sequence[Image]]) -> DryRun:
        """What asking would send; a ledger that is not there is not made."""
        limits = self.access.limits
        first = self._service.request(asked[0], secrets=False)
        about = " and ".join(image.name for image in asked[0])
        calls = [Call(self._key(one), first.method, first.url, b"", "") for one in asked]
        missing, known = len({call.key for call in calls}), 0
        if self.access.ledger.exists():
            missing, known = self._client.plan(calls)
        names = ", ".join(sorted({*first.headers, *dict(self.access.headers)})) or "none"
        return DryRun(
            calls=missing,
            known=known,
            cost=missing * limits.price,
            least_seconds=max(missing - 1, 0) / limits.rate if limits.rate else 0.0,
            example=f"{first.method} {first.url.partition('?')[0]}, headers {names}, {first.form},"
            f" {len(first.body):,} bytes, about {about}",
        )


class ApiSuspect(Asking):
    """A model behind an API that answers about single images.

    Parameters
    ----------
    service
        How it is asked and read.
    access
        Where its answers are kept, and the limits.
    time
        How often it has been asked the same before.
    """

    def __init__(self, service: Service, access: Access, time: int = 0) -> None:
        super().__init__(service, access, time)
        self._judging = Judging(service.reading, self._name)

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:
        """See `RemoteSuspect.answer_some`."""
        taken, refused = self._fetched([[image] for image in images], progress)
        names = [images[i].name for i in taken]
        return Answered(self._judging.outputs(list(taken.values()), names), refused)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """As `answer_some`, where none may be refused."""
        return self.answer_some(images, silent).complete(self._name, images)

    def again(self, time: int) -> ApiSuspect:
        """The same asked anew."""
        return ApiSuspect(self._service, self.access, time)

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        """What `answer_some` would send; nothing is sent."""
        return self._planned([[image] for image in images])
