"""Suspects behind an API: what is sent, what is kept, what is refused, and pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import api_world
import world
from api_world import CLASSES, FORMS, Api, access, form, parts, unpacked
from birthmark import BirthmarkError, Image, as_suspect
from birthmark.data.images import silent
from birthmark.data.outputs import Kind
from birthmark.models.adapters.api import ApiSuspect
from birthmark.models.adapters.api_pairs import PairApi
from birthmark.models.adapters.base import PairSuspect, RemoteSuspect
from birthmark.models.adapters.lookup import open_any, open_suspect


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    with api_world.serving(world.victim()) as server:
        yield server


@pytest.fixture
def api(server: Api) -> Api:
    server.posts.clear()
    server.gets.clear()
    return server


@pytest.fixture(scope="module")
def probes() -> list[Image]:
    from birthmark.probes import PROBES, Draw

    return PROBES.make("jpeg25").select(world.image_set(), None, 12, Draw("images", None, 0))


def template(folder: Path, api: Api, name: str = "raw, logits", **limits: Any) -> ApiSuspect:
    path, text = FORMS[name]
    suspect = open_suspect(form(folder, api.url + path, text), access=access(folder, **limits))
    assert isinstance(suspect, ApiSuspect)
    assert isinstance(suspect, RemoteSuspect)
    assert not isinstance(suspect, PairSuspect)
    return suspect


def pairs(folder: Path, api: Api, more: str = "") -> PairApi:
    text = f"""
        [image]
        form = "base64"
        body = {{ a = "{{first}}", b = "{{second}}" }}
        {more}
        [answer]
        kind = "similarity"
        path = "$.score"
        scale = 100
    """
    suspect = open_any(form(folder, api.url + "/compare", text), access=access(folder))
    assert isinstance(suspect, PairApi)
    assert isinstance(suspect, PairSuspect)
    return suspect


@pytest.mark.parametrize("name", FORMS)
def test_the_probes_exact_bytes_are_sent(
    name: str, tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    template(tmp_path, api, name).answer(probes[:3])
    sent = set()
    for path, headers, body in api.posts:
        if path == "/form":
            assert parts(headers, body)["model"] == b"v3"
            sent.add(parts(headers, body)["image"])
        elif path == "/json":
            import json

            sent.add(unpacked(json.loads(body)["image"]["content"]))
        else:
            assert headers["content-type"] == "image/jpeg"
            sent.add(body)
    assert sent == {probe.data for probe in probes[:3]}


def test_a_dry_run_sends_nothing_and_writes_nothing(
    tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    suspect = template(tmp_path, api, price=0.5, rate=2)
    plan = suspect.dry_run(probes)
    assert (plan.calls, plan.known, plan.cost, plan.least_seconds) == (12, 0, 6, 5.5)
    assert plan.example.startswith(f"POST {api.url}/raw, headers Accept, Content-Type, the file")
    assert not api.posts
    assert not (tmp_path / "answers.ledger").exists()
    suspect.answer(probes[:5])
    plan = suspect.dry_run(probes)
    assert (plan.calls, plan.known, plan.cost) == (7, 5, 3.5)
    assert len(api.posts) == 5
    pair = pairs(tmp_path, api).against(probes[:3])
    assert isinstance(pair, RemoteSuspect)
    assert pair.dry_run(probes).calls == 9 * 3 + 3
    assert len(api.posts) == 5


def test_what_is_known_is_not_asked_again_unless_anew(
    tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    told: list[tuple[str, int, int]] = []
    first = template(tmp_path, api).answer_some(probes, lambda *it: told.append(it))
    assert told[-1] == (f"Asking {api.url[7:]}/raw", 12, 12)
    assert len(told) >= 12
    again = template(tmp_path, api)
    assert (again.answer(probes).values == first.outputs.values).all()
    assert len(api.posts) == 12
    again.again(1).answer(probes[:4])
    again.again(1).answer(probes[:4])
    assert len(api.posts) == 16
    assert again.spent().calls == 16


def test_a_mended_reading_costs_nothing(tmp_path: Path, api: Api, probes: list[Image]) -> None:
    text = '[image]\nform = "raw"\n[answer]\nkind = "labels"\npath = "$.label"\n'
    wrong = form(tmp_path, api.url + "/raw", text + 'classes = ["digit 0", "nought"]')
    with pytest.raises(BirthmarkError, match=r"not among the 2 classes; list .* costs nothing"):
        open_suspect(wrong, access=access(tmp_path)).answer(probes)
    right = form(tmp_path, api.url + "/raw", text + CLASSES)
    answers = open_suspect(right, access=access(tmp_path)).answer(probes)
    assert len(api.posts) == 12
    expected = [api.logits(probe.data).argmax() for probe in probes]
    assert answers.values.tolist() == expected
    assert (answers.kind, answers.classes) == (Kind.LABELS, 10)
    found = """kind = "top-k"
        labels_path = "$.tags[*].name"
        scores_path = "$.tags[*].percent"
        scale = 100
    """
    top = form(tmp_path, api.url + "/raw", f'[image]\nform = "raw"\n[answer]\n{found}{CLASSES}')
    tagged = open_suspect(top, access=access(tmp_path)).answer(probes)
    assert tagged.predicted().tolist() == expected
    assert len(api.posts) == 12


def test_secrets_are_sent_and_never_kept(
    tmp_path: Path, api: Api, probes: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hush-hush-hush"
    text = '[headers]\nX-Key = "Key ${A_KEY}"\n' + FORMS["multipart, logits"][1]
    text = text.replace('"v3"', '"${A_KEY}"')
    file = form(tmp_path, api.url + "/form", text)
    limited = replace(access(tmp_path), environment=("A_KEY",))
    suspect: Any = open_suspect(file, access=limited)
    assert "X-Key" in suspect.dry_run(probes).example
    with pytest.raises(BirthmarkError, match="variable A_KEY, which is not set"):
        suspect.answer(probes[:1])
    assert not api.posts
    monkeypatch.setenv("A_KEY", secret)
    site = api.url.removeprefix("http://")
    for allowed in ((), ("OTHER",), ("A_KEY@api.example.com",)):
        limited = replace(access(tmp_path), environment=allowed)
        with pytest.raises(BirthmarkError, match=f"A_KEY to {site}; pass allow_env=A_KEY@{site}"):
            open_suspect(file, access=limited).answer(probes[:1])
    assert not api.posts
    suspect.answer(probes[:1])
    _, headers, body = api.posts[0]
    assert headers["x-key"] == f"Key {secret}"
    assert parts(headers, body)["model"] == secret.encode()
    for kept in tmp_path.iterdir():
        assert secret.encode() not in kept.read_bytes()
    assert secret not in suspect.dry_run(probes).example
    assert secret not in suspect.description.model_dump_json()


def test_refusals_are_told(tmp_path: Path, api: Api, probes: list[Image]) -> None:
    text = FORMS["raw, logits"][1]
    text += '\n[refused]\npath = "$.error.code"\nequals = ["NoDigit", 7]\n'
    suspect: Any = open_suspect(form(tmp_path, api.url + "/picky", text), access=access(tmp_path))
    some = suspect.answer_some(probes, silent)
    assert 0 < len(some.refused) < 12
    assert len(some.outputs) == 12 - len(some.refused)
    assert set(some.refused.values()) == {"'NoDigit'"}
    kept = [i for i in range(12) if i not in some.refused]
    expected = [api.logits(probes[i].data) for i in kept]
    assert np.allclose(some.outputs.values, expected, atol=1e-4)
    first = probes[min(some.refused)].name
    with pytest.raises(BirthmarkError, match=f"of 12 images, first {first}: 'NoDigit'"):
        suspect.answer(probes)
    assert len(api.posts) == 12


def test_pairs_are_asked_once_and_never_an_image_with_itself(
    tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    said = pairs(tmp_path, api).against(probes[:3]).answer(probes)
    assert len(api.posts) == 9 * 3 + 3
    units = np.stack([api.logits(probe.data) for probe in probes])
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    assert said.kind is Kind.SIMILARITIES
    assert np.allclose(said.values, units @ units[:3].T, atol=1e-5)
    assert said.values[0, 0] == said.values[2, 2] == 1
    pairs(tmp_path, api).against(probes[2:5]).answer(probes[2:5])
    assert len(api.posts) == 30 + 1


def test_pairs_in_both_orders_where_that_matters(
    tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    pairs(tmp_path, api, "symmetric = false").against(probes[:3]).answer(probes[:3])
    assert len(api.posts) == 6


def test_a_service_of_pairs_cannot_be_asked_about_one_image(tmp_path: Path, api: Api) -> None:
    pairs(tmp_path, api)
    with pytest.raises(BirthmarkError, match="only compares two images"):
        open_suspect(str(tmp_path / "digits.api.toml"), access=access(tmp_path))


def test_names_are_without_query_and_fragment(tmp_path: Path, api: Api) -> None:
    address = f"{api.url}/v1/models/digits?key=hush#out"
    one = open_suspect(address, {"output": "logits"}, access=access(tmp_path))
    assert one.description.name == f"{api.url[7:]}/v1/models/digits"


def test_an_open_inference_server_is_known_by_what_it_says(tmp_path: Path, api: Api) -> None:
    def digest(model: str) -> str | None:
        address = f"{api.url}/v2/models/{model}"
        one = open_suspect(address, {"output": "logits"}, access=access(tmp_path))
        return one.description.digest

    assert digest("files") == digest("files/infer") != digest("files/versions/1")
    assert not api.posts


DIGITS = "/v2/models/digits"
WRONG: dict[str, tuple[str, Any, str]] = {
    "no such model": ("/v2/models/none", world.DECLARED, "with status 404"),
    "no such output": (DIGITS + "#x", world.DECLARED, "has the outputs logits, label; name one"),
    "undeclared": (
        DIGITS,
        None,
        "'image' FP32 [-1, 1, 8, 8]): Birthmark must know its preprocessing and output",
    ),
    "wrong size": (DIGITS, world.DECLARED | {"size": (9, 8)}, "declared image is [1, 1, 8, 9]"),
    "numbers for files": ("/v2/models/files", world.DECLARED, "takes image files, but channels"),
    "no kind": ("/v2/models/files", None, "pass output with one of logits"),
    "whole numbers": (
        "/v2/models/flat",
        world.DECLARED | {"layout": "flat"},
        "takes whole numbers; declare range=(0, 255)",
    ),
    "half declared": (
        "/v1/models/x",
        {"output": "logits", "size": (8, 8)},
        "output (channels, range",
    ),
    "pairs": ("/v1/models/x", {"output": "similarities"}, "pass output with one of logits"),
    "another address": ("/predict", world.DECLARED, "is not an address of a known protocol"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_before_anything_is_sent(
    case: str, tmp_path: Path, api: Api
) -> None:
    path, declared, said = WRONG[case]
    with pytest.raises(BirthmarkError) as error:
        open_suspect(api.url + path, declared, access=access(tmp_path))
    assert said in str(error.value)
    assert not api.posts


def test_nothing_is_asked_without_a_ledger(tmp_path: Path, api: Api) -> None:
    file = form(tmp_path, api.url + "/raw", FORMS["raw, logits"][1])
    for spec in (api.url + DIGITS, file):
        with pytest.raises(BirthmarkError, match="pass ledger=FILE"):
            as_suspect(spec, world.DECLARED)


def test_more_than_the_file_says_is_refused(tmp_path: Path, api: Api) -> None:
    file = form(tmp_path, api.url + "/raw", FORMS["raw, logits"][1])
    with pytest.raises(BirthmarkError, match="says what it answers"):
        open_suspect(file, world.DECLARED, access=access(tmp_path))


ANSWERS: dict[str, tuple[str, Any, object, str]] = {
    "no outputs": (DIGITS, "logits", {"error": "no"}, "without output 'logits'"),
    "no list": (DIGITS, "logits", {"outputs": 3}, "without output 'logits'"),
    "other shape": (
        DIGITS,
        "logits",
        {"outputs": [{"name": "logits", "shape": [2, 2], "data": [1, 2]}]},
        "2 numbers of the shape [2, 2]",
    ),
    "words": (
        DIGITS,
        "logits",
        {"outputs": [{"name": "logits", "shape": [1], "data": ["a"]}]},
        "has 'a' at output 'logits'",
    ),
    "many labels": (
        DIGITS,
        "labels",
        {"outputs": [{"name": "logits", "shape": [1, 2], "data": [1, 2]}]},
        "2 numbers of the shape",
    ),
    "no prediction": ("/v1/models/x", "logits", {"error": "no"}, "with other than one prediction"),
    "two": (
        "/v1/models/x",
        "logits",
        {"predictions": [[1], [2]]},
        "with other than one prediction",
    ),
    "several": (
        "/v1/models/x",
        "logits",
        {"predictions": [{"a": [1], "b": [2]}]},
        "an object of 2 (a, b); name one of its outputs",
    ),
    "a number": ("/v1/models/x", "logits", {"predictions": [3]}, "has 3 at predictions[0]"),
    "half a label": ("/v1/models/x", "labels", {"predictions": [[0.5]]}, "is not a label"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_broken_answers_are_one_line(case: str, tmp_path: Path, api: Api) -> None:
    import json
    from datetime import UTC, datetime

    from birthmark.models.remote import Reply

    path, output, document, said = ANSWERS[case]
    fields = world.DECLARED | {"output": output}
    suspect: Any = open_suspect(api.url + path, fields, access=access(tmp_path))
    with pytest.raises(BirthmarkError) as error:
        suspect._service.take(Reply(200, json.dumps(document).encode(), datetime.now(UTC)))
    assert said in str(error.value)


def test_readers_of_one_ledger_do_not_end_each_others_locks(
    tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    kept = []
    for name in FORMS:
        suspect = template(tmp_path, api, name)
        suspect.answer(probes)
        kept.append(suspect._client.fetch([suspect._call([p]) for p in probes], suspect._accept))
    assert all(len(one[0].body) > 0 for one in kept)  # type: ignore[union-attr]
