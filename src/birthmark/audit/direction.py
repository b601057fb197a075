"""Whether similarities run the way that every reference model's do, and not against them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.findings import Finding
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.base import Answered, RemoteSuspect
from birthmark.models.queries import ask_some
from birthmark.scores import Score
from birthmark.scores.correlation import similarities

FIRST = 20
"""So many probes are asked first of a service that takes money."""
OPPOSED = -0.5
"""A suspect's correlation with the references, in those of the references with the victim."""
RUN = (
    "similarities run opposite to those of the victim and every reference: small where theirs are"
    " large"
)


def require_same_direction(bundle: Bundle, suspect: Suspect, score: Score) -> None:
    """Ask a service about its first pairs, and stop where it answers with distances.

    Answers are kept, and cost nothing once they are read as distances.

    Raises
    ------
    BirthmarkError
        If it does.
    """
    if not isinstance(suspect, RemoteSuspect):
        return
    if suspect.description.output is not Kind.SIMILARITIES:
        return
    count = min(len(bundle.probes), score.reference_images + FIRST)
    given = ask_some(suspect, bundle.probes[:count])
    if runs_against(bundle.first(count), given, score):
        raise BirthmarkError(
            suspect.description.name,
            f"was asked about {count - score.reference_images} probes, and its {RUN}",
            "declare kind = 'distance' if it says how far apart two images are, or swap yes and"
            " no; the answers so far are kept, and reading them again costs nothing",
        )


def of_direction(bundle: Bundle, given: Answered, score: Score) -> list[Finding]:
    """What it means if all similarities do."""
    if given.outputs.kind is not Kind.SIMILARITIES or not runs_against(bundle, given, score):
        return []
    return [
        Finding(
            f"The suspect's {RUN}. They may be distances, so it cannot be called independent."
            " Declare them as distances (kind = 'distance'; in a table, write 1 minus each), and"
            " audit again.",
            clears=False,
        )
    ]


def runs_against(bundle: Bundle, given: Answered, score: Score) -> bool:
    """Whether a suspect's similarities correlate negatively with every model's, and clearly.

    Parameters
    ----------
    bundle
        The fingerprint, with the probes that were asked.
    given
        Similarities to all of them.
    score
        The method's.
    """
    images = score.reference_images
    places = [place for place in given.places if place >= images]
    if len(places) < images + 2 or any(place < images for place in given.refused):
        return False
    said = given.outputs.values[[given.places.index(place) for place in places]]
    others = [
        similarities(one, images).values[[place - images for place in places]]
        for one in [bundle.victim, *bundle.references]
    ]
    theirs = [_alike(others[0], one) for one in others[1:]]
    own = [_alike(said, one) for one in others]
    return max(own) < 0 and float(np.median(own)) <= OPPOSED * float(np.median(theirs))


def _alike(one: NDArray[Any], other: NDArray[Any]) -> float:
    a, b = (rows.astype(np.float64) - rows.mean() for rows in (one, other))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0
