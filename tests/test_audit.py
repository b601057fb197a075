from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Verdict, as_suspect
from birthmark.bundle import Bundle


def asked(model: Any, **fields: Any) -> tuple[Any, list[int]]:
    """A suspect, and the batches that it was asked about."""
    batches: list[int] = []

    def answer(images: Any) -> Any:
        batches.append(len(images))
        return model.decision_function(images.reshape(len(images), -1))

    return world.answering(answer, **fields), batches


def test_a_thief_is_found_and_innocents_are_not(fingerprint: Any) -> None:
    stolen = fingerprint.audit(world.as_digits(world.thief(), name="thief"))
    assert stolen.verdict is Verdict.DERIVED
    assert stolen.p_value == 1 / 21
    assert stolen.false_positive_rate == 1 / 21
    assert "thief is called derived from victim" in stolen.sentence
    assert "at most 0.0476 of cases" in stolen.sentence
    assert "0 of 20 reference models" in stolen.sentence
    other = fingerprint.audit(world.as_digits(world.innocent(25)))
    assert other.verdict is not Verdict.DERIVED
    assert other.p_value == (1 + sum(r.score <= other.score for r in other.references)) / 21


@pytest.mark.parametrize("output", ["probabilities", "labels"])
def test_coarser_answers_are_compared_with_as_coarse_ones(fingerprint: Any, output: str) -> None:
    suspect = as_suspect(world.victim(), world.DECLARED | {"output": output})
    result = fingerprint.audit(suspect)
    assert result.compared_as == output
    assert result.score == pytest.approx(0, abs=1e-6)
    assert result.verdict is Verdict.DERIVED


def test_the_verdict_is_inconclusive_between_the_levels(fingerprint: Any) -> None:
    suspect = world.as_digits(world.innocent(25))
    p = fingerprint.audit(suspect).p_value
    assert 0.05 < p < 1
    for above, verdict in ((p, Verdict.INCONCLUSIVE), (p - 0.01, Verdict.INDEPENDENT)):
        assert fingerprint.audit(suspect, independent_above=above).verdict is verdict


@pytest.mark.parametrize(
    ("options", "fields", "said"),
    [
        ({"alpha": 0.01}, {}, "enroll 99 reference models or more, or pass --alpha 0.048"),
        ({"alpha": 1.5}, {}, "--alpha: is 1.5"),
        ({"independent_above": 0.01}, {}, "--independent-above: is 0.01"),
        ({}, {"output": "embeddings"}, "embeddings are compared with embeddings only"),
    ],
)
def test_what_cannot_end_in_a_verdict_is_said_before_any_query(
    fingerprint: Any, options: dict[str, float], fields: dict[str, Any], said: str
) -> None:
    suspect, batches = asked(world.victim(), **fields)
    with pytest.raises(BirthmarkError) as error:
        fingerprint.audit(suspect, **options)
    assert said in str(error.value)
    assert not batches


def test_every_probe_is_asked_once(fingerprint: Any) -> None:
    suspect, batches = asked(world.victim())
    assert fingerprint.audit(suspect).queries == sum(batches) == 40


def test_a_guesser_is_never_called_independent(fingerprint: Any) -> None:
    rng = np.random.default_rng(0)
    guesser = world.answering(lambda x: rng.normal(size=(len(x), 10)))
    result = fingerprint.audit(guesser)
    assert result.p_value > result.independent_above
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no better than chance" in result.findings[0]


def test_renamed_classes_are_not_cleared_by_their_numbering(fingerprint: Any) -> None:
    suspect = world.answering(
        lambda x: world.innocent(25).decision_function(x.reshape(len(x), -1))[:, ::-1]
    )
    assert fingerprint.audit(suspect).findings == []


def test_the_victims_and_a_references_own_file_are_noticed(built: world.World) -> None:
    from birthmark import Fingerprint

    references = sorted((built.folder / "references").rglob("*.onnx"))
    made = Fingerprint.enroll(built.folder / "victim.onnx", world.image_set(), references, n=40)
    assert made.audit(built.folder / "victim.onnx").findings == [
        "The suspect's file is the victim's file."
    ]
    own = made.audit(references[3], independent_above=0.05)
    assert own.findings == ["The suspect's file is the reference model 03.onnx."]
    assert own.verdict is Verdict.INCONCLUSIVE


def test_embeddings_are_compared_with_embeddings() -> None:
    from birthmark import Fingerprint

    fields = world.DECLARED | {"output": "embeddings"}

    def embedding(seed: int, width: int = 12) -> Any:
        weights = np.random.default_rng(seed).normal(size=(64, width))
        return as_suspect(
            lambda x: np.tanh(x.reshape(len(x), -1) @ weights), fields, name=f"e{seed}"
        )

    references = [embedding(seed, 10 + seed) for seed in range(1, 20)]
    made = Fingerprint.enroll(embedding(0), world.image_set(), references, n=50)
    assert made.audit(embedding(0)).verdict is Verdict.DERIVED
    assert made.audit(embedding(77)).verdict is not Verdict.DERIVED
    with pytest.raises(BirthmarkError, match="embeddings are compared with embeddings only"):
        made.audit(world.as_digits(world.victim()))


def test_a_bundle_in_memory_is_what_is_read_from_the_file(fingerprint: Any, sealed: Any) -> None:
    from birthmark import Fingerprint

    opened = Fingerprint.open(sealed)
    assert isinstance(opened.bundle, Bundle)
    suspect = world.as_digits(world.thief())
    assert opened.audit(suspect) == fingerprint.audit(suspect)


def test_a_method_may_look_at_labels_only() -> None:
    by_labels = world.fingerprint_of_digits(method="sac-labels-l1@jpeg25")
    result = by_labels.audit(world.as_digits(world.thief()))
    assert result.compared_as == "labels"
    assert result.verdict is Verdict.DERIVED
    suspect = as_suspect(world.victim(), world.DECLARED | {"output": "labels"})
    assert by_labels.audit(suspect).score == 0


def test_a_copy_that_is_shown_wrong_images_is_not_called_independent(fingerprint: Any) -> None:
    """Inverted and shrunk pixels: far from the references' accuracy, so no clearance."""
    for fields in ({"range": (1, 0)}, {"range": (0, 255), "mean": (0,), "std": (1,)}):
        suspect = as_suspect(world.victim(), world.DECLARED | fields, name="victim")
        result = fingerprint.audit(suspect)
        if result.verdict is not Verdict.DERIVED:
            assert result.verdict is Verdict.INCONCLUSIVE
            assert "declared input may be wrong" in result.findings[0]


def test_another_number_of_classes_is_a_finding(fingerprint: Any) -> None:
    model = world.innocent(25)
    suspect = world.answering(
        lambda x: model.decision_function(x.reshape(len(x), -1))[:, :7], output="logits"
    )
    assert (
        "answers with 7 numbers or classes, the victim with 10"
        in (fingerprint.audit(suspect).findings[0])
    )
