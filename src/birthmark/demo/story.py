"""What happens in the demo; it calls what the commands call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from birthmark.audit.audit import Audited, require_reachable
from birthmark.audit.findings import RANDOM
from birthmark.audit.rule import ALPHA, Rule
from birthmark.audit.verdict import Verdict
from birthmark.data.images import ImageSet, Progress, silent
from birthmark.demo import models
from birthmark.demo.digits import DECLARED, Part, digits
from birthmark.fingerprint import Fingerprint
from birthmark.models.adapters import Suspect, as_suspect

PROBES = 100
REFERENCES_A_LINEAGE = 7
STOLEN, INDEPENDENT = "stolen", "independent"


@dataclass(frozen=True)
class Story:
    """The demo's end.

    Attributes
    ----------
    seed
        What everything was drawn with.
    fingerprint
        The victim's.
    audits
        One a suspect.
    truths
        What each suspect is, by its name: stolen or independent.
    """

    seed: int
    fingerprint: Fingerprint
    audits: list[Audited]
    truths: dict[str, str]

    @property
    def summary(self) -> str:
        """How the verdicts compare with the truth."""
        count: Counter[tuple[str, Verdict]] = Counter()
        for audited in self.audits:
            count[self.truths[audited.result.suspect.name], audited.result.verdict] += 1
        truths = Counter(self.truths.values())
        said = {
            truth: ", ".join(f"{count[truth, v]} {v}" for v in Verdict if count[truth, v])
            for truth in truths
        }
        return (
            f"Of {truths[STOLEN]} stolen models: {said[STOLEN]}."
            f" Of {truths[INDEPENDENT]} independent ones: {said[INDEPENDENT]}."
            " Nothing is scripted: another --seed may turn out differently, misses included. At"
            f" most {self.audits[0].result.false_positive_rate:.1%} of"
            " independent models like the references are called derived at this alpha."
        )


def tell(seed: int = 0, alpha: float = ALPHA, progress: Progress = silent) -> Story:
    """Train, steal, enroll and audit.

    Parameters
    ----------
    seed
        Draws the digits, the models and the probes.
    alpha
        The false-positive rate to accept.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If alpha can't be reached with 42 reference models.
    """
    total = REFERENCES_A_LINEAGE * len(models.LINEAGES)
    require_reachable([*models.LINEAGES] * REFERENCES_A_LINEAGE, None, alpha, Rule.UNSEEN)
    owner, thief, rest = digits(np.random.default_rng(seed))
    victim = models.victim(owner, seed)
    references = []
    for i in range(total):
        lineage = list(models.LINEAGES)[i % len(models.LINEAGES)]
        model = models.independent(lineage, thief, _seed(seed, 1, i))
        references.append(as_suspect(model, DECLARED, name=f"{lineage}-{i}", lineage=lineage))
        progress("Training independent models", i + 1, total)
    fingerprint = Fingerprint.enroll(
        as_suspect(victim, DECLARED, name="victim", lineage="one-layer"),
        ImageSet.from_arrays(rest.images, rest.labels, source="digits"),
        references,
        n=PROBES,
        seed=seed,
        start=RANDOM,
        progress=progress,
    )
    audits, truths = [], {}
    cast = _cast(thief, victim, seed)
    for i, (suspect, truth) in enumerate(cast):
        progress("Stealing and auditing", i, STOLEN_AND_NOT)
        audits.append(fingerprint.audit_with_answers(suspect, alpha=alpha))
        truths[suspect.description.name] = truth
    progress("Stealing and auditing", STOLEN_AND_NOT, STOLEN_AND_NOT)
    return Story(seed, fingerprint, audits, truths)


LAYERS = {"one-layer": (128,), "two-layer": (64, 64)}
EPOCHS = (10, 20)
STOLEN_AND_NOT = len(models.NETWORKS) + len(LAYERS) + len(EPOCHS) + len(models.LINEAGES)


def _cast(thief: Part, victim: Any, seed: int) -> Iterator[tuple[Suspect, str]]:
    for i, lineage in enumerate(models.NETWORKS):
        model = models.stolen_by_labels(lineage, thief, victim, _seed(seed, 2, i))
        yield _suspect(model, f"by-labels-{lineage}"), STOLEN
    for i, (lineage, layers) in enumerate(LAYERS.items()):
        distilled = models.Distilled(layers, thief, victim, _seed(seed, 3, i))
        yield _suspect(distilled, f"by-probabilities-{lineage}"), STOLEN
    for epochs in EPOCHS:
        model = models.fine_tuned(thief, victim, epochs)
        yield _suspect(model, f"fine-tuned-{epochs}-epochs"), STOLEN
    for i, lineage in enumerate(models.LINEAGES):
        model = models.independent(lineage, thief, _seed(seed, 4, i))
        yield _suspect(model, f"innocent-{lineage}"), INDEPENDENT


def _suspect(model: Any, name: str) -> Suspect:
    """As an auditor meets it, who does not know its lineage."""
    return as_suspect(model, DECLARED, name=name)


def _seed(*path: int) -> int:
    """A seed for one model, from the demo's seed and the model's place in it."""
    return int(np.random.SeedSequence(path).generate_state(1)[0])
