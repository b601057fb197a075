"""A method is a score of answers to probes: `sac-cosine-l1@jpeg25`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import Kind, coarser
from birthmark.probes import PROBES, ProbeMethod
from birthmark.scores import SCORES, Score

PUBLISHED = {
    "sac-jc": "sac-cosine-l1@jpeg25",
    "sac-normal": "sac-halfcosine-l1@natural",
    "sac-source": "sac-halfcosine-l1@errors",
    "sac-w": "sac-halfcosine-l1@sac-w",
    "sac-m": "sac-halfcosine-l1@cutmix-transposed",
    "akh": "agreement@errors",
    "ipguard": "agreement@boundary10",
    "cae": "agreement@conferrable8",
    "deepfool": "agreement@deepfool",
    "uap": "pointwise-cosine@uap-pairs10",
    "modeldiff": "ddv@adversarial-pairs8",
    "deepjudge-robd": "robustness@adversarial-pairs8",
    "deepjudge-jsd": "jensen-shannon@adversarial-pairs8",
    "zest": "lime16x40@lime16x40",
    "ewe": "agreement@triggered10-8-0",
}
"""The papers' names for methods, and what they are."""

OURS = "partial0.03@peculiar300-jpeg25"
"""The best we know; see docs/method.md. It needs outsiders."""
PLAIN = "partial0.03@jpeg25"
"""The same without outsiders."""

BEST = "birthmark"
"""The name that leaves it to `birthmark.enrolment.defaults` which of these two it is."""

NAMES = {BEST: OURS, **PUBLISHED}
"""Short names of methods."""


class Method(NamedTuple):
    """How probes are made and how answers to them are compared."""

    probes: ProbeMethod
    score: Score

    @property
    def name(self) -> str:
        """`<score>@<probes>`, with every parameter."""
        return f"{self.score.name}@{self.probes.name}"


def method(name: str) -> Method:
    """Find a method by its full name or the paper's.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    score, at, probes = NAMES.get(name, name).partition("@")
    if not at:
        raise BirthmarkError(
            f"method {name!r}",
            "is not known",
            f"choose from {', '.join(NAMES)}, or write SCORE@PROBES such as sac-rbf-l1@jpeg10",
        )
    return Method(PROBES.make(probes), SCORES.make(score))


FOR_PAIRS = "fri20-centred-partial0.03@jpeg25"
"""For a suspect that says no more than how alike two images are."""


def no_pairs(subject: str, score: Score) -> BirthmarkError:
    """Say that a score takes no similarities, and which method does."""
    return BirthmarkError(
        subject,
        f"say how alike two images are, and {score.name} can't compare that",
        f"enroll a victim that answers with embeddings, with --method {FOR_PAIRS}",
    )


def common_kind(kinds: Sequence[Kind], score: Score) -> Kind:
    """The finest kind that a score compares and that answers of all these kinds can be brought to.

    Raises
    ------
    BirthmarkError
        If there is none.
    """
    for kind in coarser(kinds[0]):
        if kind in score.kinds and all(kind in coarser(other) for other in kinds):
            return kind
    if Kind.SIMILARITIES in kinds and Kind.SIMILARITIES not in score.kinds:
        raise no_pairs("answers", score)
    raise BirthmarkError(
        f"answers for {score.name}",
        f"the victim's are {kinds[0]}, and others are"
        f" {', '.join(sorted(set(kinds[1:])) or 'as well')}",
        "embeddings can only be compared with embeddings: enroll with the kind of answer that the"
        " suspect gives"
        if kinds[0] in score.kinds
        else "use a method that takes them, such as sac-jc",
    )
