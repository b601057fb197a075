"""All checks, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable

from birthmark.evasion.base import Noticed, Seen
from birthmark.evasion.constant import constant, partly_constant
from birthmark.evasion.copies import copy_of_reference, copy_of_victim
from birthmark.evasion.form import form
from birthmark.evasion.refusals import refusals
from birthmark.evasion.repeats import drift, noise, png
from birthmark.evasion.temperature import temperature

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
