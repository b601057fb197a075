"""Features from reference images, for models that only say how alike two images are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from birthmark.data.forms import two_valued
from birthmark.data.outputs import Kind, Outputs
from birthmark.scores.base import SCORES, Pooled, Pools, Score, Stand
from birthmark.scores.correlation import similarities
from birthmark.scores.partial import Partial

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
        service's does from the false-match rate that it is set to. Answers that are match or no
        match already are left so.
    inner
        The score.
    """

    kinds = (Kind.EMBEDDINGS, Kind.SIMILARITIES)
    block = 1
    lines_up = False

    def __init__(self, *, images: str, form: str, percent: str | None, inner: str) -> None:
        self.reference_images = int(images)
        self.form = form
        self.percent = percent
        self.inner: Score = SCORES.make(inner)
        if isinstance(self.inner, Partial):  # reference images have no other names
            self.inner.matches = False

    @property
    def name(self) -> str:
        """`fri<images>-<form>-<inner score>`."""
        return f"fri{self.reference_images}-{self.form}{self.percent or ''}-{self.inner.name}"

    def pools(
        self, victim: Outputs, models: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> Pools:
        """The inner score's."""
        some = [self.relative(one) for one in models]
        return self.inner.pools(
            self.relative(victim), some, [self.relative(one) for one in background]
        )

    def among(self, models: Sequence[Outputs]) -> Stand:
        """The inner score's."""
        return self.inner.among([self.relative(one) for one in models])

    def relative(self, outputs: Outputs) -> Outputs:
        """Similarities to the reference images, (n - m, m), as the inner score gets them.

        Parameters
        ----------
        outputs
            Embeddings (n, width), or similarities (n - m, m) without the reference images' own.

        Raises
        ------
        BirthmarkError
            If there are not two probes besides the reference images.
        """
        if outputs.kind is not Kind.SIMILARITIES:
            outputs = similarities(outputs, self.reference_images)
        similar = outputs.values.astype(np.float32)
        if self.form == "match" and not two_valued(similar):
            similar = (similar > np.quantile(similar, 1 - int(self.percent or 0) / 100)).astype(
                np.float32
            )
        if self.form == "centred":
            similar -= similar.mean(axis=1, keepdims=True)
        kind = Kind.LOGITS if self.form in ("centred", "softmax") else Kind.EMBEDDINGS
        relative = Outputs(similar, kind, self.reference_images)
        return relative.to(Kind.PROBABILITIES) if self.form == "softmax" else relative


SCORES.register(
    r"fri(?P<images>[1-9]\d*)-(?P<form>raw|centred|softmax|match(?=\d))(?P<percent>(?<=match)\d\d?)?"
    r"-(?P<inner>.+)",
    example="fri20-centred-sac-cosine-l1",
)(Fri)
