"""The report: what it says, what it never lets in, and that it is the same each time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from birthmark.audit.audit import Audited, audit
from birthmark.audit.verdict import Verdict
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.data.outputs import Kind, Outputs
from birthmark.fingerprint import Fingerprint
from birthmark.models.adapters import Description, as_suspect
from birthmark.models.adapters.callable import CallableSuspect
from birthmark.report import render_report, sentences
from birthmark.report.matrices import correlation_of, matrices
from birthmark.scores.correlation import Correlation

HOSTILE = "<script>alert(1)</script>"
DECLARED = {"size": (8, 8), "channels": 1, "range": (0, 1), "mean": (0,), "std": (1,)}
VOID = {"meta", "img", "source", "br"}


class Said:
    """A suspect that gives answers known beforehand."""

    batch = None

    def __init__(self, name: str, outputs: Outputs) -> None:
        self.outputs = outputs
        self.description = Description(name=name, adapter="recorded", output=outputs.kind)

    def answer(self, images: Sequence[Image]) -> Outputs:
        assert len(images) == len(self.outputs)
        return self.outputs


class Page(HTMLParser):
    """Fails on a tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += " " + " ".join(data.split())


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    loaded = load_digits()
    return ImageSet.from_arrays((loaded.images * 15).astype(np.uint8)[1000:], loaded.target[1000:])


@pytest.fixture(scope="module")
def bundle(digits: ImageSet) -> Bundle:
    loaded = load_digits()
    pixels = (loaded.images * 15).astype(np.uint8).reshape(len(loaded.images), -1) / 255

    def fitted(
        part: slice | NDArray[np.int64], name: str, lineage: str | None = None
    ) -> CallableSuspect:
        model = LogisticRegression(tol=0.01)
        model.fit(pixels[part], loaded.target[part])
        suspect = as_suspect(
            model, DECLARED | {"output": "probabilities"}, name=name, lineage=lineage
        )
        assert isinstance(suspect, CallableSuspect)
        return suspect

    references = [
        fitted(
            np.random.default_rng(i).choice(np.arange(300, 1000), 120, replace=False),
            f"r{i}",
            ("odd", "even", None)[i % 3],
        )
        for i in range(20)
    ]
    victim = fitted(slice(0, 300), "victim", "odd")
    return Fingerprint.enroll(
        victim, digits, references, n=60, method="sac-jc", start="random"
    ).bundle


@pytest.fixture(scope="module")
def audits(bundle: Bundle) -> list[Audited]:
    rng = np.random.default_rng(0)
    victim = bundle.victim
    shuffled = replace(victim, values=victim.values[rng.permutation(len(victim))])
    return [
        audit(bundle, Said("copy", victim)),
        audit(bundle, Said(HOSTILE, bundle.references[3])),
        audit(bundle, Said("$\\frac{1$ 模型 \u202egnp.exe", shuffled), alpha=0.1),
        audit(bundle, Said("labels", victim.to(Kind.LABELS))),
    ]


def embedding_fingerprint(digits: ImageSet, n: int) -> Bundle:
    def projected(seed: int) -> CallableSuspect:
        weights = np.random.default_rng(seed).normal(size=(64, 5))

        def function(batch: NDArray[np.float32]) -> NDArray[np.float64]:
            product: NDArray[np.float64] = batch.reshape(len(batch), -1) @ weights
            return product

        return CallableSuspect(
            function, DECLARED | {"output": "embeddings"}, name=f"p{seed}", lineage=f"{seed % 3}"
        )

    references = [projected(seed) for seed in range(1, 20)]
    return Fingerprint.enroll(projected(0), digits, references, n=n).bundle


def require_self_contained(text: str) -> Page:
    page = Page(text)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "script" not in [tag for tag, _ in page.tags]
    for tag, attributes in page.tags:
        assert (attributes.get("href") or "#").startswith("#")
        assert not {"action", "onload", "onerror", "style"} & attributes.keys()
        for name in {"src", "srcset"} & attributes.keys():
            assert (attributes[name] or "").startswith("data:image/")
        if tag == "img":
            assert attributes.get("alt")
    assert ("html", {"lang": "en"}) in page.tags
    assert "default-src 'none'" in text
    return page


def test_one_audit(bundle: Bundle, audits: list[Audited]) -> None:
    page = require_self_contained(render_report(bundle, audits[:1], title="Copy", note="A note."))
    result = audits[0].result
    assert result.verdict is Verdict.DERIVED
    places = [page.text.index(text) for text in (result.headline, result.rate_sentence, "A note.")]
    assert places == sorted(places)
    for text in (
        *result.assumptions,
        result.answers,
        result.method,
        "of unstated lineage",
        "Population check: the victim fits",
        "Accuracy check: on 60 images that were not chosen by any model's answers",
        "Derived means closer than every reference, p ≤ 0.01",
    ):
        assert text in page.text
    assert "Truth" not in page.text
    assert result.checks
    for check in result.checks:
        assert check.words in page.text


def test_many_audits(bundle: Bundle, audits: list[Audited]) -> None:
    truths = {"copy": "stolen", HOSTILE: "stolen: by a reference"}
    text = render_report(bundle, audits, title="Many", truths=truths)
    page = require_self_contained(text)
    assert HOSTILE in page.text
    assert "<script>" not in text
    assert "\u202e" not in text
    assert "Of 4 suspects: 2 are derived from victim" in page.text
    assert "1 hit," in page.text
    assert "Compared by labels" in page.text
    assert text == render_report(bundle, audits, title="Many", truths=truths)


def test_hostile_title_and_note(bundle: Bundle, audits: list[Audited]) -> None:
    text = render_report(bundle, audits[:1], title=HOSTILE, note=HOSTILE, truths={"copy": HOSTILE})
    assert HOSTILE in require_self_contained(text).text


def test_mean_differences_are_the_scores(bundle: Bundle, audits: list[Audited]) -> None:
    panels = matrices(bundle, audits[:2]).panels
    assert [panel.role for panel in panels] == [
        "Victim",
        "Suspect",
        "Suspect",
        "Nearest independent",
    ]
    result = audits[1].result
    assert panels[2].mean_difference == pytest.approx(result.score, rel=1e-4)
    nearest = min(result.references, key=lambda reference: reference.score)
    assert panels[3].name == nearest.name
    assert panels[3].mean_difference == pytest.approx(nearest.score, rel=1e-4)


def test_line_parts_derived_from_the_rest(audits: list[Audited]) -> None:
    for result in (one.result for one in audits):
        assert (result.score < result.threshold) == (result.verdict is Verdict.DERIVED)


def test_embeddings_and_more_probes_than_are_shown(digits: ImageSet) -> None:
    bundle = embedding_fingerprint(digits, 320)
    audited = audit(bundle, Said("copy", bundle.victim))
    page = require_self_contained(render_report(bundle, [audited], title="Embeddings"))
    assert "300 of 320 probes" in page.text
    assert matrices(bundle, [audited]).shown == 300


def test_refuses_nothing_and_foreign_audits(
    bundle: Bundle, audits: list[Audited], digits: ImageSet
) -> None:
    with pytest.raises(BirthmarkError, match="no audit"):
        render_report(bundle, [], title="None")
    with pytest.raises(BirthmarkError, match="another fingerprint"):
        render_report(embedding_fingerprint(digits, 30), audits, title="Foreign")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("sac-cosine-l1@jpeg25", Correlation.COSINE),
        ("sac-rbf-l1", Correlation.RBF),
        ("sac-other-l1@natural", None),
        ("agreement@natural", None),
    ],
)
def test_correlation_of(method: str, expected: Correlation | None) -> None:
    assert correlation_of(method) is expected


@pytest.mark.parametrize(
    ("verdict", "truth", "expected"),
    [
        (Verdict.DERIVED, "stolen", "hit"),
        (Verdict.DERIVED, "Innocent, same data", "miss: a false accusation"),
        (Verdict.INDEPENDENT, "derived: pruned", "miss: stolen but not noticed"),
        (Verdict.INCONCLUSIVE, "independent", "left open"),
        (Verdict.DERIVED, "who knows", ""),
        (Verdict.DERIVED, "", ""),
    ],
)
def test_judged(verdict: Verdict, truth: str, expected: str) -> None:
    assert sentences.judged(verdict, truth) == expected
