from __future__ import annotations

import numpy as np
import pytest

from birthmark import BirthmarkError, Kind, Outputs

SOFT = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])

BAD = {
    "nan": ([[0.1, np.nan], [1, 2]], Kind.LOGITS, "image 0 with NaN or infinity"),
    "overflow": ([[0.1, 1], [1e300, 2]], Kind.LOGITS, "image 1 with NaN or infinity"),
    "one number": ([[1.0], [2.0]], Kind.LOGITS, "output='labels'"),
    "scalars": ([1.0, 2.0], Kind.EMBEDDINGS, "the shape (2,)"),
    "cube": (np.zeros((2, 3, 4)), Kind.LOGITS, "the shape (2, 3, 4)"),
    "ragged": ([[1.0], [2.0, 3.0]], Kind.LOGITS, "differ in length"),
    "text": ([["a", "b"]], Kind.LOGITS, "return numbers"),
    "one similarity": ([0.1, 0.2], Kind.SIMILARITIES, "the shape (2,)"),
    "probabilities as logits": (SOFT, Kind.LOGITS, "declare output='probabilities'"),
    "logits as probabilities": (SOFT * 9, Kind.PROBABILITIES, "divide percentages by 100"),
    "multi-label": (SOFT * 0.9, Kind.PROBABILITIES, "export all models without it"),
    "negative probabilities": (SOFT - 1, Kind.PROBABILITIES, "declare output='logits'"),
    "soft labels": (SOFT, Kind.LABELS, "one whole number per image"),
    "half labels": ([0.5, 1.0], Kind.LABELS, "whole numbers from 0 upwards"),
    "negative labels": ([-1, 1], Kind.LABELS, "whole numbers from 0 upwards"),
    "endless labels": ([0, 10**9], Kind.LABELS, "whole numbers from 0 upwards"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_answers_are_named(case: str) -> None:
    values, kind, said = BAD[case]
    with pytest.raises(BirthmarkError, match="suspect") as error:
        Outputs.checked(values, kind, "suspect.onnx").require_plausible("suspect.onnx")
    assert said in str(error.value)


def test_constant_answers_are_refused() -> None:
    for values, kind in ((np.ones((3, 4)), Kind.LOGITS), ([2, 2, 2], Kind.LABELS)):
        with pytest.raises(BirthmarkError, match="all 3 images the same answer"):
            Outputs.checked(values, kind, "suspect").require_plausible("suspect")


def test_rows_of_reference_images_are_not_looked_at() -> None:
    values = np.zeros((5, 2))
    values[0, 0] = 1
    told = Outputs.checked(values, Kind.SIMILARITIES, "suspect")
    with pytest.raises(
        BirthmarkError, match="all 3 images the same answer; ask it for similarities"
    ):
        told.require_plausible("suspect")
    values[3, 1] = 1
    assert Outputs.checked(values, Kind.SIMILARITIES, "suspect").require_plausible("suspect")


def test_match_or_no_match_may_be_booleans() -> None:
    told = Outputs.checked([[True, False], [False, False]], Kind.SIMILARITIES, "suspect")
    assert told.values.tolist() == [[1, 0], [0, 0]]


def test_kinds_become_coarser_only() -> None:
    logits = Outputs.checked([[1000.0, 0.0], [0.0, 1.0]], Kind.LOGITS, "m")
    soft = logits.to(Kind.PROBABILITIES)
    assert soft.values.sum(axis=1).tolist() == [1, 1]
    assert soft.to(Kind.LABELS).values.tolist() == [0, 1]
    assert soft.to(Kind.LABELS).classes == 2
    with pytest.raises(ValueError, match="cannot be turned"):
        soft.to(Kind.LOGITS)
    with pytest.raises(ValueError, match="cannot be turned"):
        Outputs.checked(SOFT, Kind.EMBEDDINGS, "m").to(Kind.LABELS)
    with pytest.raises(ValueError, match="cannot be turned"):
        Outputs.checked(SOFT, Kind.EMBEDDINGS, "m").to(Kind.SIMILARITIES)


def test_labels_may_be_a_column_of_floats() -> None:
    assert Outputs.checked([[0.0], [3.0]], Kind.LABELS, "m").values.tolist() == [0, 3]


def test_one_sigmoid_unit_tells_two_classes() -> None:
    said = Outputs.checked([[0.25], [0.9]], Kind.PROBABILITIES, "m")
    assert np.allclose(said.values, [[0.75, 0.25], [0.1, 0.9]])
    logits = Outputs.checked([[-1.5], [0.5]], Kind.LOGITS, "m")
    assert logits.predicted().tolist() == [0, 1]
    sigmoid = 1 / (1 + np.exp([1.5, -0.5]))
    assert np.allclose(logits.to(Kind.PROBABILITIES).values[:, 1], sigmoid)


def test_the_digest_tells_kinds_and_shapes_apart() -> None:
    a = Outputs.checked([[1.0, 2.0]], Kind.EMBEDDINGS, "m")
    b = Outputs.checked([[1.0, 2.0]], Kind.LOGITS, "m")
    assert a.digest != b.digest
    assert a.digest == Outputs.checked([[1.0, 2.0]], Kind.EMBEDDINGS, "n").digest
