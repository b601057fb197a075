"""What a check sees, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from birthmark.audit.comparable import Compared
from birthmark.audit.findings import Finding
from birthmark.audit.repeats import Again, Time
from birthmark.bundle import Bundle
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Description
from birthmark.models.adapters.base import Answered

WORDS = {
    "constant": "one answer to all probes",
    "partly constant": "one answer to many probes",
    "refused": "refused probes",
    "noise": "answers that change when asked again",
    "drift": "answers that change during the audit",
    "png": "other answers to PNG files",
    "the victim's answers": "the victim's own answers",
    "a reference's answers": "a reference's own answers",
    "rounded or cut": "rounded or cut answers",
    "temperature": "flattened or sharpened probabilities",
}


class Check(BaseModel):
    """One thing that was looked for, as `result.json` holds it.

    Attributes
    ----------
    name
        What was looked for.
    measured
        How much of it there is; None where that is no number, or could not be measured.
    limit
        Above this it is a finding; None where it is no number.
    noticed
        Whether it is; None if it could not be checked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    measured: float | None = None
    limit: float | None = None
    noticed: bool | None = False

    @property
    def words(self) -> str:
        """What was looked for, in plain words."""
        return WORDS.get(self.name, self.name)


@dataclass(frozen=True)
class Seen:
    """What a suspect showed.

    Attributes
    ----------
    bundle
        The fingerprint, with the probes that are compared.
    suspect
        What is known of it.
    given
        Its answers to all probes that were asked, and which it refused.
    answers
        Those that are compared.
    alike
        The same, and all models' answers, in one kind and form.
    again
        What came of asking some probes once more.
    """

    bundle: Bundle
    suspect: Description
    given: Answered
    answers: Outputs
    alike: Compared
    again: Mapping[Time, Again] = field(default_factory=dict)


@dataclass(frozen=True)
class Noticed:
    """What came of a check.

    Attributes
    ----------
    check
        For the result.
    finding
        If something was noticed.
    assumed
        What is taken for granted instead, where it could not be checked.
    """

    check: Check
    finding: Finding | None = None
    assumed: str | None = None
