"""What `birthmark`, the method that is used where none is named, is for some models and images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from birthmark.calibration.lineages import LEAST as OF_OWN_LINEAGE
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import ImageSet
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Suspect
from birthmark.probes import Companions, Draw
from birthmark.scores.methods import OURS, PLAIN, method

if TYPE_CHECKING:
    from birthmark.probes.peculiar import Peculiar

SPARED = 4
"""How many references are set aside to choose probes, where none was passed for that."""
LEAST = 20 + SPARED
"""From how many references on."""
ROOM = 99
"""So many references allow a rate of 1%, which setting some aside must not cost."""
LABELLED = 10
"""Candidates a probe, where the victim tells labels only and there are as many images."""
PLENTY = 100
"""From so many embeddings on, probes are not chosen."""
SHARE = 1.5
"""References are set aside for a choice among so many candidates a probe."""


class Chosen(NamedTuple):
    """A method's name, the references that are ranked, and who helps to choose probes."""

    method: str
    references: Sequence[Suspect]
    companions: Companions


def defaults(
    victim: Suspect,
    images: ImageSet,
    references: Sequence[Suspect],
    companions: Companions,
    n: int,
    draw: Draw,
) -> Chosen:
    """What is used where the method is `birthmark`.

    Peculiar probes need outsiders. If none was passed, four of at least 24 references are set
    aside, one a lineage as far as there are so many, the lowest tickets of the draw first; but not
    where that would cost a false-positive rate of 1%, or leave the victim's lineage too few. They
    are ranked no more. Without outsiders, with too few images, or where recorded answers cannot be
    asked for more, probes are taken as they are drawn; so are 100 or more embeddings, of which
    chosen ones find fewer thieves (benchmarks/choice.md).

    Raises
    ------
    BirthmarkError
        If outsiders were passed that cannot be used.
    """
    ours = OURS
    if victim.description.output is Kind.LABELS and len(images) >= LABELLED * n:
        ours = OURS.replace("peculiar300", f"peculiar{max(300, LABELLED * n)}")
    peculiar = cast("Peculiar", method(ours).probes)
    if companions.outsiders and not len(images) >= peculiar.candidates >= n:
        raise BirthmarkError(
            "--outsider",
            f"chooses among {peculiar.candidates} images, but there are {len(images)} for {n}"
            " probes",
            f"add images, pass -n {min(n, peculiar.candidates)} or less, or leave it out",
        )
    share = 1 if companions.outsiders else SHARE
    enough = len(images) >= peculiar.candidates >= share * n
    outsiders, ranked = companions.outsiders, references
    if not outsiders and n >= PLENTY and not victim.description.output.tells_classes:
        return Chosen(PLAIN, references, companions)
    if not outsiders and len(references) >= LEAST and not ROOM <= len(references) < ROOM + SPARED:
        outsiders, ranked = _spared(references, victim.description.lineage, draw)
    asked = all(one.description.adapter != "recorded" for one in (victim, *outsiders))
    if not (enough and asked and outsiders):
        return Chosen(PLAIN, references, companions)
    return Chosen(ours, ranked, Companions(companions.surrogates, outsiders))


def _spared(
    references: Sequence[Suspect], own: str | None, draw: Draw
) -> tuple[list[Suspect], list[Suspect]]:
    """Some references of as many lineages as possible, and the rest."""
    order = sorted(
        range(len(references)),
        key=lambda i: (draw.ticket(references[i].description.digest or str(i)), i),
    )
    lineages = [reference.description.lineage for reference in references]
    if own is not None and lineages.count(own) <= OF_OWN_LINEAGE:
        order = [i for i in order if lineages[i] != own]
    turn: Counter[str | None] = Counter()
    rank = {}
    for i in order:
        rank[i] = turn[lineages[i]]
        turn[lineages[i]] += 1
    chosen = set(sorted(order, key=lambda i: rank[i])[:SPARED])
    return (
        [references[i] for i in sorted(chosen)],
        [one for i, one in enumerate(references) if i not in chosen],
    )
