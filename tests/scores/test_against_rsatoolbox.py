"""Our comparisons of matrices against rsatoolbox's."""

from __future__ import annotations

import numpy as np
import pytest

from birthmark import Kind, Outputs
from birthmark.scores import SCORES
from birthmark.scores.correlation import units

rdm = pytest.importorskip("rsatoolbox.rdm", reason="rsatoolbox is in the extra dev")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("pearson", "corr"), ("spearman", "rho-a"), ("whitened", "cosine_cov")]
)
def test_comparisons_agree(ours: str, theirs: str) -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(30, 8))
    answers = [first, first + rng.normal(size=(30, 8))]
    one, other = (Outputs(a.astype(np.float32), Kind.LOGITS, 8) for a in answers)
    rows = [units(outputs).rows.astype(np.float64) for outputs in (one, other)]
    upper = np.triu_indices(30, 1)
    apart = [(2 - 2 * r @ r.T)[upper][None] for r in rows]  # squared distances of unit vectors
    found = rdm.compare(rdm.RDMs(apart[0]), rdm.RDMs(apart[1]), method=theirs)
    expected = 1 - float(np.asarray(found).ravel()[0])
    assert SCORES.make(f"sac-cosine-{ours}")(one, [other])[0] == pytest.approx(expected, abs=2e-3)
