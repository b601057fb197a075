"""A zoo's answers, read again without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Outputs
from birthmark.zoo.answers.manifest import Manifest
from birthmark.zoo.disguises import disguise_of
from birthmark.zoo.models.record import Record


@dataclass(frozen=True)
class Recorded:
    """A zoo's answers.

    Attributes
    ----------
    manifest
        What the file says of itself.
    numbers
        uint16, all stored answers.
    """

    manifest: Manifest
    numbers: NDArray[np.uint16]

    @property
    def records(self) -> list[Record]:
        """All models."""
        return self.manifest.records

    def record(self, name: str) -> Record:
        """One model.

        Raises
        ------
        BirthmarkError
            If there is none of that name.
        """
        for record in self.manifest.records:
            if record.name == name:
                return record
        raise BirthmarkError(f"model {name!r}", "is not in this zoo", "see `birthmark zoo show`")

    def labels(self, probes: str) -> list[int | None]:
        """True classes of the probes of a method."""
        return self.manifest.asked[self._place(probes)].labels

    def outputs(self, name: str, probes: str) -> Outputs:
        """A model's answers to the probes of a method.

        Raises
        ------
        BirthmarkError
            If there is no such model, or the probes were not asked.
        """
        record = self.record(name)
        packed = self.manifest.packed.get(name)
        if packed is None:
            inner = self.outputs(record.parent or "", probes)
            return disguise_of(record.recipe, record.parameters).said(inner)
        place = self._place(probes)
        counts = [len(asked.labels) for asked in self.manifest.asked]
        first = packed.begins + sum(counts[:place]) * record.outputs
        part = self.numbers[first : first + counts[place] * record.outputs]
        values = (packed.lowest + packed.step * part.astype(np.float64)).astype(np.float32)
        return Outputs(values.reshape(-1, record.outputs), record.kind, record.outputs)

    def _place(self, probes: str) -> int:
        methods = [asked.method for asked in self.manifest.asked]
        if probes not in methods:
            raise BirthmarkError(
                f"probes {probes!r}", "were not asked", f"choose from {', '.join(methods)}"
            )
        return methods.index(probes)
