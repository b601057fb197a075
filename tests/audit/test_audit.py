from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Verdict, as_suspect
from birthmark.audit.rule import Rule
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
    assert stolen.p_value <= stolen.alpha == stolen.false_positive_rate == 0.01
    assert stolen.findings == []
    assert stolen.headline.startswith(
        "Derived: thief is closer to victim than all 20 independent models, by "
    )
    assert stolen.headline.endswith(" standard deviations.")
    assert "would get this verdict at most 1% of the time" in stolen.sentence
    assert stolen.strength is not None
    assert stolen.strength.ratio == pytest.approx(stolen.strength.most)
    assert stolen.strength.sentence in stolen.sentence
    assert stolen.lineage_rate is None
    assert (
        "distances of lineages, and of models within one, are roughly normal"
        in (stolen.assumptions[0])
    )
    other = fingerprint.audit(world.as_digits(world.innocent(25)))
    assert other.verdict is not Verdict.DERIVED
    assert f"no closer to victim than {other.as_close} of 20 independent models" in other.sentence
    assert other.strength is not None
    assert other.strength.ratio < 1
    assert other.as_close == sum(r.score <= other.score for r in other.references) > 0


@pytest.mark.parametrize("output", ["probabilities", "labels"])
def test_coarser_answers_are_compared_with_as_coarse_ones(fingerprint: Any, output: str) -> None:
    suspect = as_suspect(world.victim(), world.DECLARED | {"output": output})
    result = fingerprint.audit(suspect)
    assert result.compared_as == output
    assert result.score < min(reference.score for reference in result.references)
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
        (
            {"rule": Rule.RANK},
            {},
            "enroll 99 reference models or more, or pass alpha=0.048",
        ),
        ({"alpha": 1.5}, {}, "alpha: is 1.5"),
        ({"independent_above": 0.001}, {}, "independent_above: is 0.001"),
        ({}, {"output": "embeddings"}, "embeddings can only be compared with embeddings"),
    ],
)
def test_what_cannot_end_in_a_verdict_is_said_before_any_query(
    fingerprint: Any, options: dict[str, Any], fields: dict[str, Any], said: str
) -> None:
    suspect, batches = asked(world.victim(), **fields)
    with pytest.raises(BirthmarkError) as error:
        fingerprint.audit(suspect, **options)
    assert said in str(error.value)
    assert not batches


def test_every_probe_is_asked_once(fingerprint: Any) -> None:
    suspect, batches = asked(world.victim())
    assert fingerprint.audit(suspect, repeats=0).queries == sum(batches) == 40


def test_a_guesser_is_called_nothing(fingerprint: Any) -> None:
    rng = np.random.default_rng(0)
    guesser = world.answering(lambda x: rng.normal(size=(len(x), 10)))
    result = fingerprint.audit(guesser)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no better than chance" in result.findings[0]
    assert "cannot be called derived or independent" in result.findings[0]


def test_renamed_classes_are_not_cleared_by_their_numbering(fingerprint: Any) -> None:
    suspect = world.answering(
        lambda x: world.innocent(25).decision_function(x.reshape(len(x), -1))[:, ::-1]
    )
    assert fingerprint.audit(suspect).findings == []


def test_the_victims_and_a_references_own_file_are_noticed(built: world.World) -> None:
    from birthmark import Fingerprint

    folder = built.folder / "references"
    made = Fingerprint.enroll(
        built.folder / "victim.onnx",
        world.image_set(),
        folder,
        n=40,
        start="random",
        lineage="linear",
    )
    assert made.audit(built.folder / "victim.onnx").findings == [
        "The suspect's file is the victim's file."
    ]
    own = made.audit(folder / "lda" / "06.onnx", independent_above=0.05)
    assert own.findings == [
        "The suspect's file is the reference model lda/06.onnx. So no verdict is possible."
    ]
    assert own.verdict is Verdict.INCONCLUSIVE


def test_embeddings_are_compared_with_embeddings() -> None:
    from birthmark import Fingerprint

    fields = world.DECLARED | {"output": "embeddings"}

    def embedding(seed: int, width: int = 12) -> Any:
        weights = np.random.default_rng(seed).normal(size=(64, width))
        return as_suspect(
            lambda x: np.tanh(x.reshape(len(x), -1) @ weights),
            fields,
            name=f"e{seed}",
            lineage=f"{seed % 4}",
        )

    references = [embedding(seed, 10 + seed) for seed in range(1, 20)]
    made = Fingerprint.enroll(embedding(0), world.image_set(), references, n=50, start="random")
    assert made.audit(embedding(0)).verdict is Verdict.DERIVED
    assert made.audit(embedding(77)).verdict is not Verdict.DERIVED
    with pytest.raises(BirthmarkError, match="embeddings can only be compared with embeddings"):
        made.audit(world.as_digits(world.victim()))


def test_a_bundle_in_memory_is_what_is_read_from_the_file(fingerprint: Any, sealed: Any) -> None:
    from birthmark import Fingerprint

    opened = Fingerprint.open(sealed)
    assert isinstance(opened.bundle, Bundle)
    suspect = world.as_digits(world.thief())
    assert opened.audit(suspect) == fingerprint.audit(suspect)


def test_a_method_may_look_at_labels_only() -> None:
    by_labels = world.fingerprint_of_digits(method="sac-labels-l1@jpeg25")
    result = by_labels.audit(world.as_digits(world.thief()), alpha=0.05)
    assert result.compared_as == "labels"
    assert result.verdict is Verdict.DERIVED
    suspect = as_suspect(world.victim(), world.DECLARED | {"output": "labels"})
    assert by_labels.audit(suspect).score == 0


def test_a_copy_that_is_shown_wrong_images_is_not_called_independent(fingerprint: Any) -> None:
    """Inverted and shrunk pixels: answers unlike the references', so no clearance."""
    for fields in ({"range": (1, 0)}, {"range": (0, 255), "mean": (0,), "std": (1,)}):
        suspect = as_suspect(world.victim(), world.DECLARED | fields, name="victim")
        result = fingerprint.audit(suspect)
        assert result.verdict is Verdict.INCONCLUSIVE
        assert any("the references say nothing about it" in said for said in result.findings)


def test_another_number_of_classes_is_a_finding(fingerprint: Any) -> None:
    model = world.innocent(25)
    suspect = world.answering(
        lambda x: model.decision_function(x.reshape(len(x), -1))[:, :7], output="logits"
    )
    assert (
        "answers with 7 numbers or classes, and the victim with 10"
        in (fingerprint.audit(suspect).findings[0])
    )


def test_an_audit_may_stop_as_soon_as_it_is_sure() -> None:
    made = world.fingerprint_of_digits(n=100)
    suspect, batches = asked(world.thief())
    result = made.audit(suspect, stop_early=True)
    assert result.verdict is Verdict.DERIVED
    assert result.looks is not None
    assert result.queries + result.repeated == sum(batches) < 100
    assert result.repeated == 8
    assert result.looks[1] == 5
    assert f"after {result.queries} probes, at look {result.looks[0]} of 5." in result.sentence
    innocent, batches = asked(world.innocent(25))
    whole = made.audit(innocent, stop_early=True, repeats=0)
    assert whole.verdict is not Verdict.DERIVED
    assert batches == [20, 10, 20, 20, 30]
    assert whole.p_value == made.audit(innocent).p_value


def test_a_stopped_audit_can_be_repeated_from_its_answers(tmp_path: Path) -> None:
    made = world.fingerprint_of_digits(n=100)
    suspect, _ = asked(world.thief())
    first = made.audit(suspect, stop_early=True)
    answers = suspect.answer(made.probes[: first.queries]).values

    def written(rows: Any) -> Path:
        file = tmp_path / "answers.csv"
        head = ["probe", *(str(i) for i in range(10))]
        lines = [
            [probe.name, *map(repr, row.tolist())]
            for probe, row in zip(made.probes, rows, strict=False)
        ]
        file.write_text("\n".join(",".join(line) for line in [head, *lines]))
        return file

    fields = {"output": "logits"}
    again = made.audit(written(answers), declared=fields, stop_early=True)
    assert again.looks == first.looks
    assert (again.verdict, again.p_value) == (first.verdict, first.p_value)
    with pytest.raises(BirthmarkError, match="pass stop_early=True again"):
        made.audit(written(answers), declared=fields)
    innocent, _ = asked(world.innocent(25))
    few = innocent.answer(made.probes[:25]).values
    with pytest.raises(BirthmarkError, match="holds 25 answers, and the next look is after 30"):
        made.audit(written(few), declared=fields, stop_early=True)


@pytest.mark.parametrize(
    ("probes", "block", "marks"),
    [
        (100, 1, [20, 30, 50, 70, 100]),
        (30, 1, [20, 21, 30]),
        (10, 1, [10]),
        (1000, 1, [200, 300, 500, 700, 1000]),
        (100, 40, [40, 80, 100]),
    ],
)
def test_looks_are_planned_by_the_number_of_probes(
    probes: int, block: int, marks: list[int]
) -> None:
    from birthmark.audit.early_stop import schedule

    assert schedule(probes, block) == marks
