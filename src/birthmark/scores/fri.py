"""Features from reference images, for models that only say how alike two images are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from birthmark.correlation import units
from birthmark.errors import BirthmarkError
from birthmark.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Pooled, Pools, Score

FORMS = ("raw", "centred", "softmax", "match")


class Fri(Pooled):
    """Another score, of the similarities of each probe to fixed reference images.

    The first probes serve as reference images r_1 .. r_m; the answer to any other probe x is
    v(x) = [s(x, r_1) .. s(x, r_m)], s the cosine of two embeddings. It does not change when the
    embeddings are turned or get another width, and a service that answers with similarities, or
    with match and no match alone, can be asked for it.

    Source: SAC-JC, arXiv 2412.20768, "Feature from Reference Images", whose formula is not in the
    text we had; this is our reading.

    Parameters
    ----------
    images
        How many reference images, m.
    form
        `raw` similarities; `centred`, less their mean over the reference images; `softmax` of them;
        `match`, 1 or 0.
    percent
        For `match`: how many percent of a model's pairs match; its threshold follows, as a
        service's does from the false-match rate that it is set to.
    inner
        The score.
    """

    kinds = (Kind.EMBEDDINGS,)
    block = 1
    lines_up = False

    def __init__(self, *, images: str, form: str, percent: str | None, inner: str) -> None:
        self.images = self.reference_images = int(images)
        self.form = form
        self.percent = percent
        self.inner: Score = SCORES.make(inner)

    @property
    def name(self) -> str:
        """`fri<images>-<form>-<inner score>`."""
        return f"fri{self.images}-{self.form}{self.percent or ''}-{self.inner.name}"

    def pools(
        self, victim: Outputs, models: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> Pools:
        """The inner score's."""
        some = [self.relative(one) for one in models]
        return self.inner.pools(
            self.relative(victim), some, [self.relative(one) for one in background]
        )

    def relative(self, outputs: Outputs) -> Outputs:
        """Similarities to the reference images, (n - m, m), as the inner score gets them.

        Raises
        ------
        BirthmarkError
            If there are not two probes besides the reference images.
        """
        if len(outputs) < self.images + 2:
            raise BirthmarkError(
                f"{len(outputs)} probes",
                f"are too few for {self.images} reference images",
                f"ask for {self.images + 2} probes or more",
            )
        rows = units(outputs).rows
        similar = rows[self.images :] @ rows[: self.images].T
        if self.form == "match":
            similar = (similar > np.quantile(similar, 1 - int(self.percent or 0) / 100)).astype(
                np.float32
            )
        kind = Kind.LOGITS if self.form in ("centred", "softmax") else Kind.EMBEDDINGS
        relative = Outputs(similar, kind, self.images)
        return relative.to(Kind.PROBABILITIES) if self.form == "softmax" else relative


SCORES.register(
    r"fri(?P<images>[1-9]\d*)-(?P<form>raw|centred|softmax|match(?=\d))(?P<percent>(?<=match)\d\d?)?"
    r"-(?P<inner>.+)",
    example="fri20-centred-sac-cosine-l1",
)(Fri)
