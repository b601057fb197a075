"""The same p-values as crepes, with ties and by lineage."""

from __future__ import annotations

import numpy as np
import pytest
from crepes import ConformalClassifier

from birthmark.calibration import by_lineage, conformal_p


@pytest.mark.parametrize("references", [1, 2, 5, 20, 41])
@pytest.mark.parametrize("ties", [False, True])
def test_the_same_p_values(references: int, ties: bool) -> None:
    rng = np.random.default_rng(references)
    scores = rng.normal(size=references + 30)
    if ties:
        scores = np.round(scores)
    suspects, others = scores[:30], scores[30:]
    theirs = ConformalClassifier().fit(-others).predict_p(-suspects[:, None], smoothing=False)
    ours = [conformal_p(one, others.tolist()) for one in suspects.tolist()]
    assert ours == pytest.approx(theirs.ravel().tolist())


def test_the_same_p_values_by_lineage() -> None:
    rng = np.random.default_rng(0)
    lineages = np.array(["a", "b", "b", "a", "b", "a", "a"])
    scores, suspects = np.round(rng.normal(size=7), 1), np.round(rng.normal(size=20), 1)
    mondrian = ConformalClassifier().fit(-scores, bins=lineages)
    for lineage in ("a", "b"):
        bins = np.full(20, lineage)
        theirs = mondrian.predict_p(-suspects[:, None], bins=bins, smoothing=False).ravel()
        ours = [
            {
                one.lineage: one.p_value
                for one in by_lineage(s, scores.tolist(), lineages.tolist(), 0.1)
            }
            for s in suspects.tolist()
        ]
        assert [one[lineage] for one in ours] == pytest.approx(theirs.tolist())
