"""Answers of all kinds, good ones and broken ones, and any bytes at all."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birthmark.common.errors import BirthmarkError
from birthmark.data.forms import form_of, largest
from birthmark.data.outputs import Kind, Outputs, joined
from birthmark.models.api_format.document import MAX_ANSWER, parsed
from birthmark.models.api_format.judging import Judging
from birthmark.models.api_format.reading import Reading

ABC = ("a", "b", "c")


def reading(**fields: Any) -> Reading:
    return Reading.model_validate(fields)


def read(one: Reading, *answers: object) -> Outputs:
    """What answers, JSON or bytes, come to."""
    bodies = [a if isinstance(a, bytes) else json.dumps(a).encode() for a in answers]
    taken = [one.take(parsed(body, "it"), "it") for body in bodies]
    return Judging(one, "it").outputs(taken, [f"{i}.jpg" for i in range(len(taken))])


GOOD: dict[str, tuple[dict[str, Any], object, Any]] = {
    "a list": ({"kind": "probabilities", "path": "$.p"}, {"p": [0.25, 0.75]}, [0.25, 0.75]),
    "the answer itself": ({"kind": "logits", "path": "$"}, [3, -1.5], [3, -1.5]),
    "one row of rows": ({"kind": "logits", "path": "$[0]"}, [[3, 4]], [3, 4]),
    "one by one": ({"kind": "logits", "path": "$[*].s"}, [{"s": 1}, {"s": 2}], [1, 2]),
    "percentages": ({"kind": "probabilities", "path": "$", "scale": 100}, [25, 75], [0.25, 0.75]),
    "by label, sorted": ({"kind": "probabilities", "path": "$"}, {"b": 1, "a": 0}, [0, 1]),
    "by label, in order": (
        {"kind": "logits", "path": "$", "classes": ["c", "a", "b"]},
        {"a": 1, "b": 2, "c": 3},
        [3, 1, 2],
    ),
    "twice the same name": ({"kind": "logits", "path": "$"}, b'{"a":1,"b":2,"a":3}', [3, 2]),
    "byte-order mark": ({"kind": "logits", "path": "$"}, b"\xef\xbb\xbf[1,2]", [1, 2]),
    "a filter": (
        {"kind": "embeddings", "path": "$.o[?@.name == 'e'].v"},
        {"o": [{"name": "x", "v": [9]}, {"name": "e", "v": [1, 2]}]},
        [1, 2],
    ),
    "a number of many digits": (
        {"kind": "logits", "path": "$"},
        b"[1.00000000000000000000000000000000001, 100000000000000000000000000000]",
        [1, 1e29],
    ),
    "class number": ({"kind": "labels", "path": "$.l"}, {"l": 7}, 7),
    "class number as 7.0": ({"kind": "labels", "path": "$.l"}, {"l": 7.0}, 7),
    "class name": ({"kind": "labels", "path": "$[0]", "classes": ABC}, ["c"], 2),
    "number as name": ({"kind": "labels", "path": "$", "classes": ["3", "5"]}, 5, 1),
    "top-k, lists": (
        {"kind": "top-k", "labels_path": "$.l", "scores_path": "$.s", "classes": [*ABC, "d"]},
        {"l": ["c", "a"], "s": [0.5, 0.3]},
        [0.3, 0.1, 0.5, 0.1],
    ),
    "top-k, one by one": (
        {"kind": "top-k", "labels_path": "$[*].n", "scores_path": "$[*].p", "classes": ABC},
        [{"n": "b", "p": 0.8}],
        [0.1, 0.8, 0.1],
    ),
    "top-k, nothing": (
        {"kind": "top-k", "labels_path": "$[*].n", "scores_path": "$[*].p", "classes": ABC},
        [],
        [1 / 3] * 3,
    ),
    "top-k, scaled": (
        {"kind": "top-k", "path": "$", "classes": ABC, "rest": "nothing"},
        {"a": 3, "b": 1},
        [0.75, 0.25, 0],
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_answers(case: str) -> None:
    fields, answer, expected = GOOD[case]
    outputs = read(reading(**fields), answer)
    assert np.allclose(outputs.values[0], expected)
    assert outputs.kind is reading(**fields).output


NUMBERS = {"kind": "logits", "path": "$.p"}
TOP = {"kind": "top-k", "labels_path": "$.l", "scores_path": "$.s", "classes": ABC}
BROKEN: dict[str, tuple[dict[str, Any], object, str]] = {
    "cut off": (NUMBERS, b'{"p": [1, 2', "did not answer with JSON: '{\"p\": [1, 2'"),
    "empty": (NUMBERS, b"", "did not answer with JSON"),
    "a page": (NUMBERS, b"<html>\x1b[31m\nno", "'<html> [31m no'"),
    "no UTF-8": (NUMBERS, b'{"p": "\xff"}', "did not answer with JSON"),
    "NaN": (NUMBERS, b'{"p": [NaN, 1]}', "did not answer with JSON"),
    "Infinity": (NUMBERS, b'{"p": [1, -Infinity]}', "did not answer with JSON"),
    "infinite": (NUMBERS, b'{"p": [1, 1e999]}', "has inf at $.p, which is not a number"),
    "too large": (NUMBERS, b'{"p": [1, 1' + b"0" * 400 + b"]}", "over 80 digits at $.p"),
    "far too large": (NUMBERS, b'{"p": [1, 1' + b"0" * 9000 + b"]}", "did not answer with JSON"),
    "deep": (NUMBERS, b"[" * 100_000, "nested too deeply"),
    "long": (NUMBERS, b" " * (MAX_ANSWER + 1), "over 8 MiB"),
    "elsewhere": (NUMBERS, {"q": [1]}, "nothing at $.p: an object of 1 (q)"),
    "no object": (NUMBERS, 3, "nothing at $.p: 3"),
    "words": (NUMBERS, {"p": ["one", "2"]}, "has 'one' at $.p, which is not a number"),
    "booleans": (NUMBERS, {"p": [True, False]}, "has true at $.p, which is not a number"),
    "nulls": (NUMBERS, {"p": [None, 1]}, "has null at $.p"),
    "lists in lists": (NUMBERS, {"p": [[1], [2]]}, "has a list of 1 at $.p"),
    "one number": ({"kind": "embeddings", "path": "$.p"}, {"p": [1]}, "shape (1, 1)"),
    "no probabilities": ({"kind": "probabilities", "path": "$"}, [3, 4], "declares probabilities"),
    "unlisted label": (
        {"kind": "labels", "path": "$", "classes": ABC},
        "e",
        "called 0.jpg 'e', which is not among the 3 classes; list every label in classes; the paid",
    ),
    "no classes": ({"kind": "labels", "path": "$"}, "a", "no classes are listed"),
    "half a class": ({"kind": "labels", "path": "$"}, 1.5, "has 1.5 at $, which is not a label"),
    "a class below 0": ({"kind": "labels", "path": "$"}, -1, "has -1 at $, which is not a label"),
    "two labels": ({"kind": "labels", "path": "$[*]"}, [1, 2], "2 values at $[*]"),
    "some classes": (
        {"kind": "probabilities", "path": "$", "classes": ABC},
        {"a": 1},
        "gave 1 of 3 classes for 0.jpg; declare kind = 'top-k'",
    ),
    "more labels": (TOP, {"l": ["a", "b"], "s": [1]}, "2 labels at $.l, 1 scores at $.s"),
    "a label twice": (TOP, {"l": ["a", "a"], "s": [0.1, 0.2]}, "names a label twice"),
    "percentages": (TOP, {"l": ["a"], "s": [93]}, "sum of 93; declare scale = 100"),
    "no softmax": (TOP, {"l": ["a"], "s": [0.2]}, "left 0.4 to each unlisted class"),
    "below 0": (TOP, {"l": ["a"], "s": [-0.2]}, "a sum of -0.2"),
    "no scores": ({**TOP, "rest": "nothing"}, {"l": [], "s": []}, "gave no score"),
    "top-k in a list": (
        {"kind": "top-k", "path": "$", "classes": ABC},
        [1, 2, 3],
        "has a list of 3 at $, and no scores by label",
    ),
    "hostile text": (
        {"kind": "labels", "path": "$", "classes": ABC},
        "\x1b]0;x\x07\n\u202e" + "y" * 10_000,
        "yyy…'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_answers_are_one_line(case: str) -> None:
    fields, answer, said = BROKEN[case]
    with pytest.raises(BirthmarkError) as error:
        read(reading(**fields), answer)
    assert said in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 800


def test_rows_must_be_of_one_width_and_of_the_same_labels() -> None:
    with pytest.raises(BirthmarkError, match=r"0\.jpg with 2 numbers, 1\.jpg with 3"):
        read(reading(kind="logits", path="$"), [1, 2], [1, 2, 3])
    with pytest.raises(BirthmarkError, match=r"called 1\.jpg 'c'"):
        read(reading(kind="logits", path="$"), {"a": 1, "b": 2}, {"a": 1, "c": 2})


def test_classes_keep_their_order_from_one_batch_to_the_next() -> None:
    judging = Judging(reading(kind="logits", path="$"), "it")
    first = judging.outputs([{"b": 1.0, "a": 2.0}], ["0"])
    second = judging.outputs([{"a": 3.0, "b": 4.0}], ["1"])
    assert [*first.values[0], *second.values[0]] == [2, 1, 3, 4]
    with pytest.raises(BirthmarkError, match="'c', which is not among the 2"):
        judging.outputs([{"a": 3.0, "c": 4.0}], ["2"])


def test_nothing_answered_joins_with_anything() -> None:
    judging = Judging(reading(kind="logits", path="$"), "it")
    none, some = judging.outputs([], []), judging.outputs([[1.0, 2.0, 3.0]], ["0"])
    assert (len(none), none.kind) == (0, Kind.LOGITS)
    assert joined([none, some, none]).values.tolist() == [[1, 2, 3]]
    assert len(joined([none, none])) == 0
    labels = Judging(reading(kind="labels", path="$", classes=ABC), "it").outputs([], [])
    assert (labels.values.shape, labels.classes) == ((0,), 3)


def test_labels_know_how_many_classes_there_are() -> None:
    assert read(reading(kind="labels", path="$", classes=ABC), "a").classes == 3


def test_top_k_is_seen_as_top_k() -> None:
    """So that the victim's answers are treated alike before the comparison."""
    rng = np.random.default_rng(0)
    logits = Outputs(rng.normal(0, 2, (30, 10)).astype(np.float32), Kind.LOGITS, 10)
    whole = logits.to(Kind.PROBABILITIES)
    names = [f"n{i}" for i in range(10)]
    for rest, scaled in (("spread", False), ("nothing", True)):
        one = reading(kind="top-k", path="$", classes=names, rest=rest)
        told = []
        for row in whole.values:
            best = np.argsort(-row)[:3]
            told.append({names[i]: float(row[i]) for i in best})
        outputs = read(one, *told)
        form = form_of(outputs)
        assert (form.largest, form.scaled) == (3, scaled)
        assert np.allclose(outputs.values, largest(whole, 3, scaled=scaled).values, atol=1e-6)


def test_match_and_similarity() -> None:
    match = reading(kind="match", path="$.m", yes=["same", 1], no=["other", 0])
    assert [match.take({"m": m}, "it") for m in ("same", 1, "other", 0)] == [1, 1, 0, 0]
    for odd in (True, False, "Same", 2):
        with pytest.raises(BirthmarkError, match="neither yes nor no"):
            match.take({"m": odd}, "it")
    plain = reading(kind="match", path="$")
    assert [plain.take(one, "it") for one in (True, False)] == [1, 0]
    alike = reading(kind="similarity", path="$.s", scale=100)
    assert alike.similarity(alike.take({"s": 87.5}, "it"), "it") == 0.875
    with pytest.raises(BirthmarkError, match="similarity 300, but 100 stands for identical"):
        alike.similarity(300.0, "it")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no path": ({"kind": "logits"}, "give path"),
    "both": ({**TOP, "path": "$"}, "give path, or"),
    "half": ({"kind": "top-k", "labels_path": "$", "classes": ABC}, "both labels_path and"),
    "lists": ({"kind": "logits", "labels_path": "$", "scores_path": "$"}, "for kind = 'top-k'"),
    "no classes": ({"kind": "top-k", "path": "$"}, "needs classes"),
    "one class": ({"kind": "labels", "path": "$", "classes": ["a"]}, "two different labels"),
    "twice": ({"kind": "labels", "path": "$", "classes": ["a", "a"]}, "two different labels"),
    "scale": ({"kind": "logits", "path": "$", "scale": 0}, "greater than 0"),
    "yes and no": ({"kind": "match", "path": "$", "no": [True]}, "something in common"),
    "no JSONPath": ({"kind": "logits", "path": "$[[["}, "is not a JSONPath"),
    "from nowhere": ({"kind": "logits", "path": "scores"}, "is not a JSONPath"),
    "expression": ({"kind": "logits", "path": "$[?match(@.a, '(a*)*b')]"}, "is not a JSONPath"),
    "everywhere": ({"kind": "logits", "path": "$..a..b"}, "more than one '..'"),
    "long": ({"kind": "logits", "path": "$" + ".a" * 300}, "over 500 characters"),
    "kind": ({"kind": "scores", "path": "$"}, "should be"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_readings(case: str) -> None:
    fields, said = WRONG[case]
    with pytest.raises(ValueError, match="validation error") as error:
        reading(**fields)
    assert said in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("plsab"), inner),
    max_leaves=12,
)
READINGS = [
    reading(kind="logits", path="$.p"),
    reading(kind="probabilities", path="$..p"),
    reading(kind="embeddings", path="$[*]"),
    reading(kind="labels", path="$.l", classes=ABC),
    reading(kind="labels", path="$.l"),
    reading(**TOP),
    reading(kind="top-k", path="$", classes=ABC, rest="nothing"),
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(READINGS),
    st.binary(max_size=200) | JSON.map(lambda x: json.dumps(x).encode()),
)
def test_any_bytes_give_a_row_or_one_line(one: Reading, body: bytes) -> None:
    try:
        outputs = read(one, body)
    except BirthmarkError as error:
        assert str(error).isprintable()
    else:
        assert len(outputs) == 1
        assert np.isfinite(outputs.values).all()


@settings(max_examples=100, deadline=None)
@given(JSON.map(lambda x: json.dumps(x).encode()))
def test_any_bytes_of_a_pair_give_a_number_or_one_line(body: bytes) -> None:
    for one in (reading(kind="similarity", path="$.s"), reading(kind="match", path="$.s")):
        try:
            value = one.similarity(one.take(parsed(body, "it"), "it"), "it")
        except BirthmarkError as error:
            assert str(error).isprintable()
        else:
            assert -1.01 <= value <= 1.01
