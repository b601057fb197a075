"""A result with what other witnesses say beside it."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.audit.findings import RANDOM
from birthmark.audit.joint import Joint, joint
from birthmark.audit.result import Result
from birthmark.audit.testimony import Testimony

INIT = "init"
"""What the checkpoint's file is called among a testimony's sources."""


def with_witnesses(
    result: Result, testimonies: Sequence[Testimony], alpha: float | Joint | None, start: str | None
) -> Result:
    """The result with testimonies and the verdict of all; the same again if there are none.

    Parameters
    ----------
    result
        Of the resemblance, at `birthmark.audit.joint.level`.
    testimonies
        Of the witnesses that were asked.
    alpha
        The rate of all together, or the verdict that states it.
    start
        What the victim began from. Weights accuse nobody where that is not `random`, unless they
        were compared beyond the checkpoint.
    """
    if not testimonies or alpha is None:
        return result
    rate = alpha.alpha if isinstance(alpha, Joint) else alpha
    accusing = [
        one.witness != "weights" or start == RANDOM or INIT in one.sources for one in testimonies
    ]
    found = joint(result.verdict, testimonies, rate, accusing)
    return result.model_copy(update={"witnesses": list(testimonies), "joint": found})
