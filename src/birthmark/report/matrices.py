"""Which correlation matrices to show, and in which order of probes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from birthmark.audit.audit import Audited
from birthmark.audit.comparable import compared
from birthmark.bundle import Bundle
from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.correlation import Correlation, correlation_matrix

Floats = NDArray[np.float32]
MOST_PROBES = 300
MOST_SUSPECTS = 3
NOISE = 1e-5


@dataclass(frozen=True)
class Panel:
    """One model's correlation matrix and, unless it is the victim, what differs in it.

    Attributes
    ----------
    role
        Victim, suspect or nearest independent model.
    name
        The model's name.
    matrix
        Correlations among the n probes shown, float32 (n, n).
    difference
        |matrix - victim's matrix|, float32 (n, n); None for the victim.
    blocks
        Mean correlation within the victim's classes and between them; None for embeddings.
    """

    role: str
    name: str
    matrix: Floats
    difference: Floats | None
    blocks: tuple[float, float] | None

    @property
    def mean_difference(self) -> float:
        """Mean of `difference` over all cells; 0 for the victim."""
        return 0.0 if self.difference is None else float(self.difference.mean(dtype=np.float64))


@dataclass(frozen=True)
class Matrices:
    """The panels, all in one order of probes.

    Attributes
    ----------
    correlation
        Which correlation they hold.
    named
        Whether the method names it, so that the mean difference is the score.
    kind
        The kind of answers they were computed from.
    probes
        How many probes the fingerprint has.
    panels
        The victim, one to three suspects, the nearest independent model.
    """

    correlation: Correlation
    named: bool
    kind: Kind
    probes: int
    panels: list[Panel]

    @property
    def shown(self) -> int:
        """How many probes are shown."""
        return len(self.panels[0].matrix)

    @property
    def alike_is_high(self) -> bool:
        """Whether a high value means alike answers."""
        return self.correlation is Correlation.RBF

    @property
    def formula(self) -> str:
        """What a cell holds."""
        return {
            Correlation.COSINE: "1 - cosine",
            Correlation.HALF_COSINE: "(1 - cosine) / 2",
            Correlation.RBF: "exp(-|a - b|²), scaled to length one,",
        }[self.correlation]

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest correlation in any panel."""
        matrices = [panel.matrix for panel in self.panels]
        return float(min(m.min() for m in matrices)), float(max(m.max() for m in matrices))

    @property
    def largest_difference(self) -> float:
        """What 99% of the cells that differ stay below: the last colour; 0 if none differs."""
        cells = np.stack([p.difference for p in self.panels if p.difference is not None])
        differing = cells[cells > NOISE]
        return float(np.quantile(differing, 0.99)) if differing.size else 0.0


def correlation_of(method: str) -> Correlation | None:
    """The correlation that a method's score is computed from; None if its name holds none."""
    match = re.match(r"sac-([a-z]+)-l1(?:@|$)", method)
    return Correlation(match[1]) if match and match[1] in list(Correlation) else None


def matrices(bundle: Bundle, audited: Sequence[Audited]) -> Matrices:
    """The victim's matrix, those of the closest suspects and of the nearest independent model.

    Suspects that were compared as another kind of answers than the closest one are passed over.
    """
    places = _answered_by_all(audited)
    bundle = bundle.subset(places)
    audited = [replace(one, answers=_to(one, places)) for one in audited]
    named = correlation_of(bundle.manifest.method)
    correlation = named or Correlation.COSINE
    ranked = sorted(audited, key=lambda one: (one.result.p_value, one.result.score))
    suspects = [one for one in ranked if one.result.compared_as is ranked[0].result.compared_as]
    suspects = suspects[:MOST_SUSPECTS]
    alike = compared(bundle, suspects[0].answers)
    references = suspects[0].result.references
    nearest = min(range(len(references)), key=lambda i: references[i].score)
    models = [("Victim", bundle.manifest.victim.name, alike.victim)]
    models += [
        ("Suspect", one.result.suspect.name, compared(bundle, one.answers).suspect)
        for one in suspects
    ]
    models.append(("Nearest independent", references[nearest].name, alike.references[nearest]))

    chosen = _sample(len(alike.victim))
    victim = correlation_matrix(_part(alike.victim, chosen), correlation)
    classes = alike.victim.predicted()[chosen] if alike.kind.tells_classes else None
    order = ordering(victim, correlation, classes)
    classes = None if classes is None else classes[order]
    victim = victim[np.ix_(order, order)]
    panels = []
    for role, name, outputs in models:
        matrix = correlation_matrix(_part(outputs, chosen[order]), correlation)
        difference = None if role == "Victim" else np.abs(matrix - victim)
        panels.append(Panel(role, name, matrix, difference, _blocks(matrix, classes)))
    return Matrices(correlation, named is not None, alike.kind, len(alike.victim), panels)


def _answered_by_all(audited: Sequence[Audited]) -> list[int]:
    """Positions of the probes that every suspect was asked and answered."""
    refused = {place for one in audited for place in one.refused}
    asked = min(one.result.queries for one in audited)
    return [place for place in range(asked) if place not in refused]


def _to(audited: Audited, places: Sequence[int]) -> Outputs:
    """A suspect's answers to the probes at these positions."""
    answered = [place for place in range(audited.result.queries) if place not in audited.refused]
    row = {place: i for i, place in enumerate(answered)}
    return audited.answers.at([row[place] for place in places])


def ordering(
    matrix: Floats, correlation: Correlation, classes: NDArray[np.int64] | None
) -> NDArray[np.intp]:
    """An order of n probes that puts like beside like.

    Parameters
    ----------
    matrix
        The victim's correlations, float32 (n, n).
    correlation
        What they are.
    classes
        The victim's predicted classes, int64 (n,), which come first; None for none.

    Returns
    -------
    numpy.ndarray
        Indices, (n,): by class, and inside it by average linkage.
    """
    apart = (1 - matrix if correlation is Correlation.RBF else matrix).astype(np.float64)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(np.clip(apart, 0, None), checks=False), "average")
    leaves: NDArray[np.intp] = leaves_list(tree).astype(np.intp)
    if classes is None:
        return leaves
    by_class: NDArray[np.intp] = leaves[np.argsort(classes[leaves], kind="stable")]
    return by_class


def _sample(n: int) -> NDArray[np.intp]:
    """At most 300 of n indices, evenly spread."""
    return np.linspace(0, n - 1, min(n, MOST_PROBES)).round().astype(np.intp)


def _part(outputs: Outputs, chosen: NDArray[np.intp]) -> Outputs:
    return Outputs(outputs.values[chosen], outputs.kind, outputs.classes)


def _blocks(matrix: Floats, classes: NDArray[np.int64] | None) -> tuple[float, float] | None:
    if classes is None:
        return None
    same = classes[:, None] == classes
    if same.all():
        return None
    return float(matrix[same].mean()), float(matrix[~same].mean())
