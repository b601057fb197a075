"""All checks, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable

from birthmark.audit.evasion.base import Noticed, Seen
from birthmark.audit.evasion.constant import constant, partly_constant
from birthmark.audit.evasion.copies import copy_of_reference, copy_of_victim
from birthmark.audit.evasion.form import form
from birthmark.audit.evasion.refusals import refusals
from birthmark.audit.evasion.repeats import drift, noise, png
from birthmark.audit.evasion.temperature import temperature

CHECKS: tuple[Callable[[Seen], Noticed], ...] = (
    constant,
    partly_constant,
    refusals,
    noise,
    drift,
    png,
    copy_of_victim,
    copy_of_reference,
    form,
    temperature,
)


def noticed(seen: Seen) -> list[Noticed]:
    """What all checks say."""
    return [check(seen) for check in CHECKS]
