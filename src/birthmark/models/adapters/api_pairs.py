"""Services behind an HTTP API that compare two images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from birthmark.data.images import Image, Progress, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters.api import Asking, Service
from birthmark.models.adapters.base import Answered, DryRun
from birthmark.models.remote import Access


class PairApi(Asking):
    """A service behind an API that compares two images."""

    def against(self, references: Sequence[Image]) -> AgainstSuspect:
        """A suspect that answers an image with its similarity to each of these."""
        return AgainstSuspect(self._service, self.access, references, self._time)


class AgainstSuspect(Asking):
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
        reading = self._service.reading
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
                row.append(reading.similarity(taken[at], self._name))
            else:
                rows.append(row)
        values = np.array(rows, dtype=np.float32).reshape(len(rows), len(self._references))
        return Answered(Outputs(values, Kind.SIMILARITIES, len(self._references)), refused)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """As `answer_some`, where none may be refused."""
        return self.answer_some(images, silent).complete(self._name, images)

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
