"""What lineage a zoo's model is of: architecture, starting weights, and whether it is a student."""

from __future__ import annotations

from birthmark.zoo.models.record import Record
from birthmark.zoo.plan import Role

HONEST = (Role.REFERENCE, Role.INDEPENDENT)
STUDENT = "-student"


def lineage_of(record: Record) -> str:
    """`vgg`, `vgg@checkpoint/0` or `vgg-student`.

    Only a model whose making is known is called a student, a reference or an innocent; a thief is
    of the lineage that its network and start show.
    """
    network = record.family if record.start is None else f"{record.family}@{record.start}"
    learnt = record.role in HONEST and record.recipe.startswith("extracted-")
    keeps = record.recipe == "extracted-adversarial"
    return network + STUDENT if learnt and not keeps else network
