"""Auditing many suspects by many fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.audit import Audited, require_rate
from birthmark.audit.comparable import compared
from birthmark.audit.rule import ALPHA
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.comparison.map import Map, Point
from birthmark.comparison.row import Row, failed_row, row_of
from birthmark.comparison.table import Comparison
from birthmark.data.images import Progress, silent
from birthmark.data.outputs import Outputs
from birthmark.enrolment.population import counting
from birthmark.fingerprint import Fingerprint
from birthmark.models.adapters import as_suspect
from birthmark.scores.methods import method

MOST_ON_A_MAP = 150


def compare(
    fingerprints: dict[str, Fingerprint],
    suspects: Sequence[Any],
    *,
    alpha: float = ALPHA,
    progress: Progress = silent,
) -> Comparison:
    """Audit every suspect by every fingerprint.

    Parameters
    ----------
    fingerprints
        By the names to show.
    suspects
        Models of any form that `as_suspect` takes.
    alpha
        The false-positive rate of each verdict by itself.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If there are no fingerprints or suspects, or alpha can't be reached. A suspect that cannot
        be compared with a fingerprint gets a row that says why.
    """
    require_rate(alpha)
    if not fingerprints or not suspects:
        missing = "suspects" if fingerprints else "fingerprints"
        raise BirthmarkError("compare", f"there are no {missing}", "name at least one of each")
    models = [as_suspect(one) for one in suspects]
    rows: list[Row] = []
    maps: list[Map] = []
    for name, fingerprint in fingerprints.items():
        audited: list[Audited] = []
        for place, model in enumerate(models):
            progress(f"Comparing with {name}", place, len(models))
            try:
                one = fingerprint.audit_with_answers(model, alpha=alpha)
            except BirthmarkError as error:
                rows.append(failed_row(name, fingerprint, model.description.name, error))
                continue
            audited.append(one)
            rows.append(row_of(name, one))
        progress(f"Comparing with {name}", len(models), len(models))
        maps.append(_map(name, counting(fingerprint.bundle), audited))
    order = {name: place for place, name in enumerate(fingerprints)}
    rows.sort(key=lambda row: (order[row.fingerprint], row.p_value is None, row.p_value, row.score))
    return Comparison(alpha=alpha, rows=rows, maps=maps)


def _map(name: str, bundle: Bundle, audited: Sequence[Audited]) -> Map:
    """The victim, the suspects that can be shown together, and the references in the plane."""
    shown = [one for one in audited if len(one.answers) == len(bundle.probes)]
    kinds = [one.result.compared_as for one in shown]
    shown = [one for one in shown if one.result.compared_as is max(kinds, key=kinds.count)]
    answers: list[Outputs] = [bundle.victim, *bundle.references]
    if shown:
        alike = compared(bundle, shown[0].answers)
        answers = [alike.victim, *(compared(bundle, one.answers).suspect for one in shown)]
        answers += alike.references
    answers = answers[:MOST_ON_A_MAP]
    victim = bundle.manifest.victim.name
    named = [Point(name=victim, role="victim", verdict=None, x=0, y=0)]
    named += [
        Point(name=one.result.suspect.name, role="suspect", verdict=one.result.verdict, x=0, y=0)
        for one in shown
    ]
    named += [
        Point(name=one.name, role="reference", verdict=None, x=0, y=0)
        for one in bundle.manifest.references
    ]
    apart = distances(answers, bundle.manifest.method)
    places, stress = in_the_plane(apart)
    points = [
        point.model_copy(update={"x": float(x), "y": float(y)})
        for point, (x, y) in zip(named, places, strict=False)
    ]
    close = [
        i
        for i, one in enumerate(shown[: len(answers) - 1], 1)
        if one.result.p_value <= one.result.alpha and not one.result.as_close
    ]
    tied = [i for i in close if any(j != i and apart[i, j] <= apart[0, i] for j in close)]
    note = common_ancestor([named[i].name for i in tied]) if tied else None
    return Map(fingerprint=name, points=points, stress=stress, note=note)


def common_ancestor(suspects: Sequence[str]) -> str:
    """What to bear in mind of suspects that are as close to each other as to the victim."""
    return (
        f"{', '.join(suspects)} are as close to each other as to the victim. That is true of"
        " copies of one thief, of models with a common ancestor, and of models of a kind that"
        " the references lack; answers can't tell which. Look at when each was published, and at"
        " what it started from."
    )


def distances(answers: Sequence[Outputs], method_name: str) -> NDArray[np.float64]:
    """The method's score between all pairs of models, (n, n), made symmetric and at least 0.

    Each model is the victim in turn, and all others are its pool.
    """
    score = method(method_name).score
    n = len(answers)
    apart = np.zeros((n, n))
    for i in range(n):
        others = [j for j in range(n) if j != i]
        apart[i, others] = score(answers[i], [answers[j] for j in others])
    both = (apart + apart.T) / 2
    off = ~np.eye(n, dtype=bool)
    both[off] -= min(0.0, float(both[off].min()))
    return both


def in_the_plane(apart: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Places (n, 2) whose distances follow the given ones, and Kruskal's stress-1; no chance in it.

    SMACOF from the classical solution (Borg and Groenen, Modern Multidimensional Scaling, 8 and
    12), turned so that the first model lies on the left.
    """
    from sklearn.manifold import smacof

    n = len(apart)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-centring @ (apart**2) @ centring / 2)
    start = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    places, _ = smacof(apart, init=start, n_init=1, normalized_stress=False)
    plane = np.linalg.norm(places[:, None] - places[None], axis=2)
    total = float((plane**2).sum())
    stress = float(np.sqrt(((plane - apart) ** 2).sum() / total)) if total else 0.0
    angle = np.arctan2(places[0, 1], places[0, 0]) - np.pi
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return places @ turn, stress
