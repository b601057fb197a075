"""Models beside the victim that help to choose probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from birthmark.suspects import Suspect


@dataclass(frozen=True)
class Companions:
    """Models whose answers help to choose probes, for the ways to make probes that ask for them.

    None of them may be a reference model as well: probes are chosen for what companions say to
    them, so a companion would answer them unlike an independent model that had no say, and a
    suspect's rank among the references would be biased. The same holds for the models that a
    result is measured on.

    Attributes
    ----------
    surrogates
        Copies of the victim that its owner made, as a thief would.
    outsiders
        Models that were trained independently of the victim.
    """

    surrogates: Sequence[Suspect] = ()
    outsiders: Sequence[Suspect] = ()
