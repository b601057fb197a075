"""What `derived` takes."""

from __future__ import annotations

from enum import StrEnum

from birthmark.common.errors import BirthmarkError

ALPHA = 0.01
"""The false-positive rate to accept, if not said."""


class Rule(StrEnum):
    """What `derived` takes."""

    UNSEEN = "unseen"
    """Closer than every reference, and than an innocent of any lineage is likely to come."""
    RANK = "rank"
    """A close rank among all references, and among those of every lineage."""

    @classmethod
    def _missing_(cls, value: object) -> Rule:
        raise BirthmarkError("--rule", f"is {value!r}", f"pass {' or '.join(cls)}")
