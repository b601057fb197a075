"""Which methods a benchmark measures, and what the tables call them."""

from __future__ import annotations

from birthmark.scores.methods import OURS, PUBLISHED

COMPARED = {
    "birthmark": OURS,
    "partial on jpeg25": "partial0.03@jpeg25",
    "partial pairs": "partial-pairs0.03@peculiar300-jpeg25",
    **{name: PUBLISHED[name] for name in PUBLISHED},
    "SAC-JC by Pearson": "sac-cosine-pearson@jpeg25",
    "SAC-JC by Spearman": "sac-cosine-spearman@jpeg25",
    "SAC-JC whitened": "sac-cosine-whitened@jpeg25",
    "SAC-JC of labels": "sac-labels-l1@jpeg25",
    "SAC-JC by RBF": "sac-rbf-l1@jpeg25",
    "pointwise cosine": "pointwise-cosine@jpeg25",
    "agreement": "agreement@jpeg25",
}
"""Of zoos whose models answer with classes."""

WATERMARK = ("birthmark", "sac-jc", "ewe")
"""Also measured on the other, watermarked victim, where a zoo has one; EWE on that alone."""

VERIFICATION = {
    "birthmark": OURS,
    "partial on jpeg25": "partial0.03@jpeg25",
    "sac-jc": PUBLISHED["sac-jc"],
    "sac-normal": PUBLISHED["sac-normal"],
    "SAC-JC by Pearson": "sac-cosine-pearson@jpeg25",
    "SAC-JC by Spearman": "sac-cosine-spearman@jpeg25",
    "FRI": "fri20-raw-sac-cosine-l1@jpeg25",
    "FRI centred": "fri20-centred-sac-cosine-l1@jpeg25",
    "FRI softmax": "fri20-softmax-sac-cosine-l1@jpeg25",
    "FRI of match or no match": "fri20-match10-sac-cosine-l1@jpeg25",
    "partial FRI": "fri20-centred-partial0.03@jpeg25",
    "partial FRI of match or no match": "fri20-match10-partial0.03@jpeg25",
    "modeldiff": PUBLISHED["modeldiff"],
}
"""Of zoos whose models answer with embeddings."""

PROBES_GRID = (
    "natural",
    "errors",
    "jpeg25",
    "jpeg18",
    "jpeg15",
    "jpeg10",
    "jpeg7",
    "cutmix",
    "cutmix-transposed",
    "noise25",
    "blur1.5",
    "contrast40",
    "pixelate2",
)
SCORES_GRID = (
    "sac-cosine-l1",
    "sac-rbf-l1",
    "sac-labels-l1",
    "sac-cosine-pearson",
    "partial-pairs0.03",
    "partial0.03",
    "pointwise-cosine",
    "agreement",
)
"""The grid of probes and scores, after QuRD (arXiv 2412.13021)."""
