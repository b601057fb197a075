"""Only the class is told."""

from __future__ import annotations

from typing import ClassVar

from birthmark.data.outputs import Kind, Outputs
from birthmark.zoo.disguises.base import DISGUISES, Disguise


class LabelsOnly(Disguise):
    """The class of the largest answer and nothing else."""

    for_classes_only: ClassVar[bool] = True

    def said(self, outputs: Outputs) -> Outputs:
        """Labels."""
        return outputs.to(Kind.LABELS)


DISGUISES.register(r"labels-only", example="labels-only")(lambda: LabelsOnly)
