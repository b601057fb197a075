"""A result with what other witnesses say beside it."""

from __future__ import annotations

from collections.abc import Sequence

from birthmark.audit.joint import Joint, joint
from birthmark.audit.result import Result
from birthmark.audit.testimony import Testimony

INIT = "init"
"""What the checkpoint's file is called among a testimony's sources."""


def may_accuse(testimony: Testimony) -> bool:
    """Whether a witness counts towards derived.

    Weights do so only if they were compared beyond what the victim began from: two strangers who
    run the same code with `seed=0` begin from the same weights, and so do two who take the same
    checkpoint.
    """
    return testimony.witness != "weights" or INIT in testimony.sources


def with_witnesses(
    result: Result, testimonies: Sequence[Testimony], alpha: float | Joint | None
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
    """
    if not testimonies or alpha is None:
        return result
    rate = alpha.alpha if isinstance(alpha, Joint) else alpha
    accusing = [may_accuse(one) for one in testimonies]
    found = joint(result.verdict, testimonies, rate, accusing)
    return result.model_copy(update={"witnesses": list(testimonies), "joint": found})
