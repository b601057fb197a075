"""What the weights in a suspect's file say, beside those in the victim's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from birthmark.audit.testimony import Testimony
from birthmark.common.errors import BirthmarkError
from birthmark.models.adapters.model_files import located
from birthmark.models.adapters.parts import digest_of_files, files_of
from birthmark.models.sandbox import Limits
from birthmark.models.weights import Tensor, read_weights
from birthmark.witnesses.weights.added import LEAST, Added, added
from birthmark.witnesses.weights.in_place import InPlace, in_place
from birthmark.witnesses.weights.matching import Matching, matching

WAYS = 3
"""Tests of a file: by place, by order, by agreement. The least p-value counts, times three."""
SURE = math.log(1e-9)
"""Where places alone say as much, units are not matched."""
SMALLEST = 1e-300


@dataclass(frozen=True)
class Compared:
    """Two files' weights, compared in every way that is open.

    Attributes
    ----------
    in_place
        Layers of one shape, unit by unit; None if no two have one shape.
    matching
        Layers matched whatever the order of their units; None if none could be, or need be.
    """

    in_place: InPlace | None
    matching: Matching | None

    @property
    def log_p(self) -> float | None:
        """Natural logarithm of the p-value; None if nothing could be compared."""
        found = [log for log, _ in self._logs()]
        return min(0.0, min(found) + math.log(WAYS)) if found else None

    @property
    def p_value(self) -> float | None:
        """The p-value, at least 1e-300."""
        return None if self.log_p is None else max(SMALLEST, math.exp(self.log_p))

    @property
    def exact(self) -> bool:
        """Whether the p-value rests on nothing but independent initialisation."""
        return not min(((log, not exact) for log, exact in self._logs()), default=(0.0, False))[1]

    def _logs(self) -> Iterator[tuple[float, bool]]:
        if self.in_place is not None:
            yield self.in_place.log_p, True
        if self.matching is not None:
            yield self.matching.log_p_in_order, True
            yield self.matching.log_p_agreeing, False


def compare(victim: Sequence[Tensor], suspect: Sequence[Tensor]) -> Compared:
    """Compare two files' weights."""
    placed = in_place(victim, suspect)
    if placed is not None and placed.log_p <= SURE:
        return Compared(placed, None)
    return Compared(placed, matching(victim, suspect))


def weights(
    victim: str | Path,
    suspect: str | Path,
    *,
    alpha: float,
    start: str | None = None,
    init: str | Path | None = None,
    references: Sequence[str | Path] = (),
) -> Testimony:
    """Compare a suspect's file with the victim's.

    Parameters
    ----------
    victim, suspect
        Files or folders of models.
    alpha
        The p-value that it takes to say that they have a common ancestor.
    start
        What the victim began from, in words: `random`, a checkpoint's name, or None if nobody says.
    init
        The checkpoint's file, if the victim began from one. Then what was added to it is compared.
    references
        Files of other networks that began from it, for the owner's task, without the victim.

    Raises
    ------
    BirthmarkError
        If a file can't be read, or references come without a checkpoint.
    """
    if references and init is None:
        raise BirthmarkError(
            "--references", "are compared by what they added to a checkpoint", "pass --init FILE"
        )
    own, other = read_weights(victim), read_weights(suspect)
    names = Path(victim).name, Path(suspect).name
    files = {"victim": victim, "suspect": suspect} | ({} if init is None else {"init": init})
    files |= {f"reference {i}": one for i, one in enumerate(references)}
    sources = {what: digest_of(one) for what, one in files.items()}
    if init is None:
        return _ancestor(*names, compare(own, other), alpha, start, sources)
    found = added(read_weights(init), own, other, [read_weights(one) for one in references])
    return _beyond(*names, found, alpha, sources)


def digest_of(spec: str | Path) -> str:
    """Digest of a model's file, or of the files of its folder."""
    path = Path(located(str(spec)))
    limit = Limits.of_environment().file
    return digest_of_files(path, files_of(path, limit), limit)


def _ancestor(
    victim: str,
    suspect: str,
    compared: Compared,
    alpha: float,
    start: str | None,
    sources: dict[str, str],
) -> Testimony:
    p = compared.p_value
    begun = "" if start in (None, "random") else f" That may be {start}, {victim}'s start."
    if p is None:
        sentence = (
            f"The weights of {suspect} and {victim} can't be compared: no two layers have the"
            " same shape, and none could be matched."
        )
    elif p <= alpha:
        found = _found(compared)
        sentence = (
            f"{suspect} and {victim} have a common ancestor, or started from the same seed: {found}"
            f" (p = {p:.2g}).{begun}"
        )
    else:
        sentence = (
            f"The weights of {suspect} show no sign of a common ancestor with {victim}"
            f" (p = {p:.2g}), which does not prove that there is none."
        )
    assumes = [
        "If the two were independent, one of them started from its own random weights: not from a"
        " checkpoint or a seed that the other used."
    ]
    if not compared.exact:
        assumes.append(
            "In independent networks, units that are alike by their inputs are alike by their"
            " outputs no more than by chance. This was measured, not proven."
        )
    return Testimony(
        witness="weights",
        sentence=sentence,
        p_value=p,
        exact=compared.exact,
        measured=list(_measured(compared)),
        assumes=assumes,
        cannot_tell=[
            "Which of the two came first, and how the other came by it.",
            "A copy from a common checkpoint, or from the same seed and code: pass --init FILE.",
            "A student that learnt from the victim's answers, or a network trained from scratch:"
            " its weights are its own.",
        ],
        sources=sources,
    )


def _found(compared: Compared) -> str:
    placed, match = compared.in_place, compared.matching
    others = 0.0 if match is None else min(match.log_p_in_order, match.log_p_agreeing)
    if placed is not None and (match is None or placed.log_p <= others):
        return (
            f"of {placed.units} units in a layer, {placed.hits} are nearest to the one in their"
            " own place, where chance gives about one"
        )
    layers = () if match is None else match.layers
    if match is not None and match.log_p_in_order <= match.log_p_agreeing:
        best = max(layers, key=lambda one: one.in_order)
        return (
            f"of {best.units} units in a layer, {best.in_order} come in the same order, though"
            " others are missing"
        )
    best = max(layers, key=lambda one: one.agreeing)
    return (
        f"units are in another order, but of {best.inputs} that were matched by their inputs"
        f" {best.agreeing} match by their outputs too, where chance gives about one"
    )


def _measured(compared: Compared) -> Iterator[str]:
    placed, match = compared.in_place, compared.matching
    if placed is not None:
        yield (
            f"{placed.pairs} pairs of layers with the same shape were compared. In the clearest"
            f" ({placed.victim}, {placed.suspect}), {placed.hits} of {placed.units} units are"
            " nearest to the victim's unit in the same place."
        )
    if match is not None:
        alike = ", ".join(f"{one.alike:.2f}" for one in match.layers)
        agreeing = sum(one.agreeing for one in match.layers)
        inputs = sum(one.inputs for one in match.layers)
        yield (
            f"{len(match.layers)} layers were matched from the image on. The mean cosine of matched"
            f" units is {alike}; {agreeing} of {inputs} inputs match both ways."
        )


def _beyond(
    victim: str, suspect: str, found: Added | None, alpha: float, sources: dict[str, str]
) -> Testimony:
    p = None if found is None else found.p_value
    if found is None:
        sentence = f"{suspect} or {victim} shares no layer with the checkpoint: nothing to compare."
    elif p is None:
        sentence = (
            f"What {suspect} and {victim} added to the checkpoint has a cosine of"
            f" {found.suspect:.2f}. What is usual for innocent models, {LEAST} or more other"
            " networks that started from it would show: pass --references."
        )
    elif p <= alpha:
        sentence = (
            f"{suspect} added to the checkpoint what {victim} added: their cosine is"
            f" {found.suspect:.2f}, that of {len(found.references)} others at most"
            f" {max(found.references):.2f} (p = {p:.2g})."
        )
    else:
        sentence = (
            f"What {suspect} added to the checkpoint shows no sign of {victim}: the cosine is"
            f" {found.suspect:.2f}, that of {len(found.references)} others up to"
            f" {max(found.references):.2f} (p = {p:.2g})."
        )
    return Testimony(
        witness="weights",
        sentence=sentence,
        p_value=None if p is None else max(SMALLEST, p),
        exact=False,
        measured=[]
        if found is None
        else [
            f"Cosine of what was added to the checkpoint: {found.suspect:.3f}; of others"
            f" {', '.join(f'{one:.3f}' for one in found.references) or 'not known'}."
        ],
        assumes=[
            "An innocent suspect is one more network like the references, which started from the"
            " same checkpoint; what they share with the victim is roughly normal."
        ],
        cannot_tell=[
            "A copy from a network that started where a later state of the victim did, if --init"
            " is an earlier one."
        ],
        sources=sources,
    )
