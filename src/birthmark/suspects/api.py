"""What every suspect behind an HTTP API shares: one call a question, and a ledger of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from birthmark.errors import BirthmarkError, one_line
from birthmark.images import Image, Progress, silent
from birthmark.outputs import Kind, Outputs
from birthmark.remote import Access, Call, Client, Refusal, Reply, Unusable, key_of
from birthmark.remote.judging import Judging
from birthmark.remote.reading import Reading, Taken
from birthmark.suspects.base import Answered, Description, DryRun


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
    """

    url: str
    body: bytes
    form: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


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
    for kind in kinds:
        if output == kind:
            return Reading(kind=kind.value, path=path)
    raise BirthmarkError(
        seen, "it is not declared what it answers", f"pass --output with one of {', '.join(kinds)}"
    )


class _Asking:
    """Questions to a service, sent by a client that keeps the answers."""

    batch: int | None = None

    def __init__(self, service: Service, access: Access, time: int = 0) -> None:
        self._service = service
        self._time = time
        self._client = Client(service.identity, access)
        self.access = access
        self.description = service.description

    def _key(self, images: Sequence[Image]) -> str:
        digests = [image.digest for image in images]
        return key_of(*(sorted(digests) if self._service.symmetric else digests), time=self._time)

    def _call(self, images: Sequence[Image], *, secrets: bool = True) -> Call:
        request = self._service.request(images, secrets=secrets)
        return Call(
            key=self._key(images),
            method=request.method,
            url=request.url,
            body=request.body,
            about=" and ".join(image.name for image in images),
            headers=request.headers,
        )

    def _fetched(
        self, asked: Sequence[Sequence[Image]], progress: Progress
    ) -> tuple[dict[int, Taken], dict[int, str]]:
        """By position what was taken from each answer, and what was said where it was refused."""
        replies = self._client.fetch([self._call(one) for one in asked], self._accept, progress)
        taken: dict[int, Taken] = {}
        refused: dict[int, str] = {}
        for i, reply in enumerate(replies):
            if isinstance(reply, Refusal):
                refused[i] = one_line(reply.said, 200)
            else:
                taken[i] = self._service.take(reply)
        return taken, refused

    def _accept(self, reply: Reply) -> str | None:
        said = self._service.refused(reply)
        if said is None:
            try:
                self._service.take(reply)
            except BirthmarkError as error:
                raise Unusable(error.problem) from error
        return said

    def _planned(self, asked: Sequence[Sequence[Image]]) -> DryRun:
        limits = self.access.limits
        calls = [self._call(one, secrets=False) for one in asked]
        plan = self._client.plan(calls)
        first = self._service.request(asked[0], secrets=False)
        names = ", ".join(sorted(first.headers)) or "none"
        return DryRun(
            calls=plan.calls,
            known=plan.known,
            cost=plan.calls * limits.price,
            least_seconds=max(plan.calls - 1, 0) / limits.rate if limits.rate else 0.0,
            example=f"{first.method} {first.url.partition('?')[0]}, headers {names}, {first.form},"
            f" {len(first.body):,} bytes, about {calls[0].about}",
        )


class ApiSuspect(_Asking):
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
        self._judging = Judging(service.reading, service.description.name)

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:
        """See `RemoteSuspect.answer_some`."""
        taken, refused = self._fetched([[image] for image in images], progress)
        names = [images[i].name for i in taken]
        return Answered(self._judging.outputs(list(taken.values()), names), refused)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """As `answer_some`, where none may be refused."""
        return self.answer_some(images, silent).complete(self.description.name, images)

    def again(self, time: int) -> ApiSuspect:
        """The same asked anew."""
        return ApiSuspect(self._service, self.access, time)

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        """What `answer_some` would send; nothing is sent."""
        return self._planned([[image] for image in images])


class PairApi(_Asking):
    """A service behind an API that compares two images."""

    def against(self, references: Sequence[Image]) -> AgainstSuspect:
        """A suspect that answers an image with its similarity to each of these."""
        return AgainstSuspect(self._service, self.access, references, self._time)


class AgainstSuspect(_Asking):
    """Answers an image with its similarities to reference images, each pair asked once.

    An image is never compared with itself: it is as similar as can be.

    Parameters
    ----------
    service, access, time
        As in `ApiSuspect`.
    references
        What images are compared with.
    """

    def __init__(
        self, service: Service, access: Access, references: Sequence[Image], time: int = 0
    ) -> None:
        super().__init__(service, access, time)
        self._references = list(references)

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:
        """See `RemoteSuspect.answer_some`; an image is refused if one of its pairs is."""
        pairs = self._pairs(images)
        asked = list(pairs.values())
        taken, said = self._fetched(asked, progress)
        place = {key: i for i, key in enumerate(pairs)}
        name, reading = self.description.name, self._service.reading
        rows, refused = [], {}
        for i, image in enumerate(images):
            row = []
            for reference in self._references:
                if image.digest == reference.digest:
                    row.append(1.0)
                    continue
                at = place[self._key([image, reference])]
                if at in said:
                    refused[i] = said[at]
                    break
                row.append(reading.similarity(taken[at], name))
            else:
                rows.append(row)
        values = np.array(rows, dtype=np.float32).reshape(len(rows), len(self._references))
        return Answered(Outputs(values, Kind.SIMILARITIES, len(self._references)), refused)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """As `answer_some`, where none may be refused."""
        return self.answer_some(images, silent).complete(self.description.name, images)

    def again(self, time: int) -> AgainstSuspect:
        """The same asked anew."""
        return AgainstSuspect(self._service, self.access, self._references, time)

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        """What `answer_some` would send; nothing is sent."""
        return self._planned(list(self._pairs(images).values()))

    def _pairs(self, images: Sequence[Image]) -> dict[str, list[Image]]:
        """Each pair to ask about, once, by its key."""
        pairs: dict[str, list[Image]] = {}
        for image in images:
            for reference in self._references:
                if image.digest != reference.digest:
                    pairs.setdefault(self._key([image, reference]), [image, reference])
        return pairs
