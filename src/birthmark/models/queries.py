"""Putting probes to a model, and a first check that it understood them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, Progress, silent
from birthmark.data.outputs import Outputs, joined
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.base import Answered, Refusing

ENOUGH_LABELS = 30
CHANCE = 0.01
PERMUTATIONS = 199


def ask(
    suspect: Suspect,
    probes: Sequence[Image],
    progress: Progress = silent,
    *,
    plausible: bool = True,
) -> Outputs:
    """Put all probes to a model; if `plausible`, refuse answers that are not.

    Raises
    ------
    BirthmarkError
        If it fails or refuses a probe, answers otherwise than declared, or answers implausibly.
    """
    name = suspect.description.name
    given = ask_some(suspect, probes, progress)
    answers = given.complete(name, probes)
    return answers.require_plausible(name) if plausible else answers


def ask_some(suspect: Suspect, probes: Sequence[Image], progress: Progress = silent) -> Answered:
    """Put probes to a model that may refuse some of them.

    Raises
    ------
    BirthmarkError
        If it fails, or answers otherwise than declared.
    """
    name = suspect.description.name
    if isinstance(suspect, Refusing):
        given = suspect.answer_some(probes, progress)
        if given.asked != len(probes):
            raise BirthmarkError(
                name,
                f"answered {given.asked} of {len(probes)} probes",
                "answer or refuse every probe",
            )
        return given
    step = suspect.batch or len(probes)
    parts: list[Outputs] = []
    for start in range(0, len(probes), step):
        part = suspect.answer(probes[start : start + step])
        parts.append(part)
        require_one_width(name, parts)
        progress(f"Asking {name}", min(start + step, len(probes)), len(probes))
    return Answered(joined(parts))


def together(name: str, parts: Sequence[Answered]) -> Answered:
    """Answers to consecutive probes as one.

    Raises
    ------
    BirthmarkError
        If they are of different widths.
    """
    told = [part.outputs for part in parts if len(part.outputs)]
    if told:
        require_one_width(name, told)
    starts = accumulate((part.asked for part in parts), initial=0)
    refused = {
        start + i: said
        for start, part in zip(starts, parts, strict=False)
        for i, said in part.refused.items()
    }
    return Answered(joined([part.outputs for part in parts]), refused)


def part_of(progress: Progress, start: int, total: int) -> Progress:
    """Progress of a part of the probes, which begins at `start`, as that of all."""
    return lambda what, done, _: progress(what, start + done, total)


def require_one_width(name: str, parts: Sequence[Outputs]) -> None:
    """Refuse batches of answers of which the last is of another width than the first.

    Raises
    ------
    BirthmarkError
        If it is.
    """
    first, last = parts[0].values.shape[1:], parts[-1].values.shape[1:]
    if first != last:
        raise BirthmarkError(
            name,
            f"answered with {first} numbers, then {last}",
            "let it answer every image with the same count",
        )


def chance_p(outputs: Outputs, probes: Sequence[Image]) -> float | None:
    """How often a guesser's answers would go with the true classes as well as these do.

    A permutation test of the agreement between predicted and true classes. It does not ask
    for the same numbering, so renamed and reordered classes pass. Its seed is fixed, so that
    it gives the same number each time.

    Returns
    -------
    float or None
        At least 1 / 200; None for embeddings and similarities, and where fewer than 30 probes have
        a label.
    """
    labelled = sum(probe.label is not None for probe in probes)
    if not outputs.kind.tells_classes or labelled < ENOUGH_LABELS:
        return None
    truth, said = _classes(outputs, probes)
    rng = np.random.default_rng(0)
    observed = _agreement(truth, said)
    as_good = sum(_agreement(rng.permutation(truth), said) >= observed for _ in range(PERMUTATIONS))
    return (1 + as_good) / (PERMUTATIONS + 1)


def accuracy(outputs: Outputs, probes: Sequence[Image]) -> float:
    """Share of the labelled probes that are right under the best renaming of classes, 0 to 1."""
    from scipy.optimize import linear_sum_assignment

    truth, said = _classes(outputs, probes)
    cells = np.zeros((truth.max() + 1, said.max() + 1), dtype=np.int64)
    np.add.at(cells, (truth, said), 1)
    return float(cells[linear_sum_assignment(cells, maximize=True)].sum()) / len(truth)


def _classes(
    outputs: Outputs, probes: Sequence[Image]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """True and predicted classes of the labelled probes, numbered from 0 without gaps."""
    labelled = [i for i, probe in enumerate(probes) if probe.label is not None]
    truth = np.unique([probes[i].label or 0 for i in labelled], return_inverse=True)[1]
    said = np.unique(outputs.predicted()[labelled], return_inverse=True)[1]
    return truth, said


def _agreement(truth: NDArray[np.intp], said: NDArray[np.intp]) -> int:
    """Pairs of probes that share both the true and the predicted class, up to a constant."""
    cells = np.bincount(truth * (said.max() + 1) + said)
    return int((cells * cells).sum())
