"""Models beside the victim that help to choose probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from birthmark.common.errors import BirthmarkError
from birthmark.models.adapters import Suspect


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

    def __bool__(self) -> bool:
        return bool(self.surrogates or self.outsiders)

    def require_both(self, name: str, fix: str) -> None:
        """Refuse to make the probes of this name where there are no surrogates or no outsiders.

        Raises
        ------
        BirthmarkError
            Saying which models are missing, and how to pass them.
        """
        for models, option, what in (
            (self.surrogates, "surrogate", "copies of the victim"),
            (self.outsiders, "outsider", "independent models that are not references"),
        ):
            if not models:
                raise BirthmarkError(
                    name,
                    f"no {option}s were given",
                    f"pass {what} with --{option}, {fix}",
                )
