"""The server by tables: the protocol's addresses, the forms, repeated keys, hostile bodies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import world
from birthmark import BirthmarkError, Kind
from birthmark.data.images import Image
from birthmark.models.adapters import Suspect
from birthmark.serving import gate
from birthmark.serving.app import application
from birthmark.serving.model import Served


@cache
def models() -> dict[str, Suspect]:
    model = world.trained(slice(0, 300))

    def logits(inputs: Any) -> Any:
        return model.decision_function(inputs.reshape(len(inputs), -1))

    return {
        "logits": world.answering(logits),
        "labels": world.answering(lambda x: logits(x).argmax(axis=1), output="labels"),
        "embeddings": world.answering(logits, output="embeddings"),
    }


def client(kind: str = "logits", **options: Any) -> TestClient:
    app = application(Served(models()[kind], "digits", threshold=0.9), hosts=["name"], **options)
    return TestClient(app, base_url="http://127.0.0.1:8000")


@cache
def images() -> list[Image]:
    return list(world.image_set(6))


def tensor(some: list[Image]) -> dict[str, Any]:
    declaration = models()["logits"].description.declaration
    assert declaration is not None
    batch = declaration.batch(some)
    return {
        "name": "image",
        "datatype": "FP32",
        "shape": list(batch.shape),
        "data": batch.ravel().tolist(),
    }


def files(some: list[Image]) -> dict[str, Any]:
    data = [base64.b64encode(one.data).decode() for one in some]
    return {"name": "image", "datatype": "BYTES", "shape": [len(some)], "data": data}


@pytest.fixture(scope="module")
def running() -> Iterator[TestClient]:
    with client() as one:
        yield one


GET: dict[str, dict[str, Any]] = {
    "/v2": {"name": "birthmark", "extensions": []},
    "/v2/health/live": {"live": True},
    "/v2/health/ready": {"ready": True},
    "/v2/models/digits/ready": {"name": "digits", "ready": True},
    "/v2/models/digits": {
        "name": "digits",
        "versions": ["1"],
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, -1]}],
    },
    "/v2/models/digits/versions/1": {"name": "digits"},
    "/v2/models/digits-files": {
        "name": "digits-files",
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [-1]}],
    },
}


@pytest.mark.parametrize("path", GET)
def test_what_the_protocol_tells(path: str, running: TestClient) -> None:
    reply = running.get(path)
    assert reply.status_code == 200
    said = reply.json()
    assert {name: said[name] for name in GET[path]} == GET[path]


@pytest.mark.parametrize("kind", ["logits", "labels", "embeddings"])
@pytest.mark.parametrize("name", ["digits", "digits-files", "digits/versions/1"])
def test_inference_gives_the_models_own_answers(kind: str, name: str) -> None:
    asked = files(images()) if name.endswith("files") else tensor(images())
    body = {"id": "7", "inputs": [asked], "outputs": [{"name": kind}]}
    said = client(kind).post(f"/v2/models/{name}/infer", json=body).json()
    (output,) = said["outputs"]
    own = models()[kind].answer(images())
    assert (said["id"], said["model_version"]) == ("7", "1")
    assert output["datatype"] == ("INT64" if kind == "labels" else "FP32")
    assert np.array_equal(np.reshape(output["data"], output["shape"]), own.values)


def test_data_may_be_nested() -> None:
    asked = tensor(images())
    asked["data"] = np.reshape(asked["data"], asked["shape"]).tolist()
    said = client().post("/v2/models/digits/infer", json={"inputs": [asked]}).json()
    assert said["outputs"][0]["shape"] == [6, 10]


def form(names: list[str]) -> dict[str, Any]:
    named = zip(names, images(), strict=False)
    return {"files": {name: (f"{name}.png", one.data, "image/png") for name, one in named}}


def in_json(names: list[str]) -> dict[str, Any]:
    named = zip(names, images(), strict=False)
    return {"json": {name: base64.b64encode(one.data).decode() for name, one in named}}


@pytest.mark.parametrize("sent", [form, in_json])
def test_two_images_are_compared(sent: Any) -> None:
    asked = client("embeddings")
    said = asked.post("/v1/compare", **sent(["image1", "image2"])).json()
    one, other = models()["embeddings"].answer(images()[:2]).values.astype(float)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert said["similarity"] == pytest.approx(cosine)
    assert said["match"] is bool(cosine >= 0.9)
    same = base64.b64encode(images()[0].data).decode()
    again = asked.post("/v1/compare", json={"image1": same, "image2": same}).json()
    assert again["match"] is True
    assert asked.get("/stats").json()["answered"] == 2


@pytest.mark.parametrize("sent", [form, in_json])
def test_an_image_is_classified(sent: Any, running: TestClient) -> None:
    said = running.post("/v1/classify", **sent(["image"])).json()["predictions"]
    soft = models()["logits"].answer(images()[:1]).to(Kind.PROBABILITIES).values[0]
    assert [int(one["label"]) for one in said] == np.argsort(-soft)[:5].tolist()
    assert [one["score"] for one in said] == pytest.approx(np.sort(soft)[::-1][:5].tolist())
    (only,) = client("labels").post("/v1/classify", **sent(["image"])).json()["predictions"]
    assert only == {"label": str(np.argmax(soft))}


def test_a_key_is_answered_once_even_at_once() -> None:
    body = {"inputs": [files(images()[:1])]}
    url, headers = "/v2/models/digits/infer", {"Idempotency-Key": "one"}
    with client(latency=0.01) as asked, ThreadPoolExecutor(4) as pool:
        said = list(
            pool.map(lambda _: asked.post(url, json=body, headers=headers).content, range(4))
        )
        stats = asked.get("/stats").json()
        assert len(set(said)) == 1
        assert (stats["calls"], stats["answered"], stats["repeated"]) == (4, 1, 3)
        assert stats["keys"] == {"one": 4}
        other = asked.post("/v2/models/digits-files/infer", json=body, headers=headers)
        assert other.status_code == 422
        assert [asked.post(url, json=body).status_code for _ in range(2)] == [200, 200]
        stats = asked.get("/stats").json()
        assert (stats["answered"], stats["different"], stats["asked_twice"]) == (3, 1, 1)


def test_keys_and_what_is_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_KEPT", 2)
    asked = client()
    body = {"inputs": [files(images()[:1])]}
    for key in ("a", "b", "c", "a"):
        asked.post("/v2/models/digits/infer", json=body, headers={"Idempotency-Key": key})
    stats = asked.get("/stats").json()
    assert stats["repeated"] == 0
    assert stats["keys"] == {"c": 1, "a": 1}
    long = asked.post("/v1/classify", headers={"Idempotency-Key": "k" * 201}, **form(["image"]))
    assert long.status_code == 400


def test_faults_are_made_by_seed_and_not_kept() -> None:
    def statuses(seed: int) -> list[int]:
        asked = client(fail=0.5, seed=seed)
        body = {"inputs": [files(images()[:1])]}
        headers = {"Idempotency-Key": "one"}
        url = "/v2/models/digits/infer"
        return [asked.post(url, json=body, headers=headers).status_code for _ in range(12)]

    first = statuses(1)
    assert first == statuses(1) != statuses(2)
    assert first[first.index(200) :].count(200) == 12 - first.index(200)
    assert set(first) <= {200, *gate.FAULTS}
    assert any(status != 200 for status in statuses(2) + first)


LARGE = {"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": [0.0] * 64}
BAD: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "no json": ("/v2/models/digits/infer", {"content": b"{"}, 400, ""),
    "deep": ("/v2/models/digits/infer", {"content": b"[" * 100_000}, 400, ""),
    "other model": ("/v2/models/other/infer", {"json": {"inputs": [LARGE]}}, 404, "digits is"),
    "version": ("/v2/models/digits/versions/2/infer", {"json": {"inputs": [LARGE]}}, 404, ""),
    "no inputs": ("/v2/models/digits/infer", {"json": {"inputs": []}}, 400, "inputs"),
    "datatype": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"datatype": "FP64"}]}},
        400,
        "datatype",
    ),
    "input": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"name": "x"}]}},
        400,
        "image is",
    ),
    "output": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE], "outputs": [{"name": "x"}]}},
        400,
        "logits is",
    ),
    "shape": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"shape": [1, 8, 8, 1]}]}},
        400,
        "shape",
    ),
    "huge shape": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"shape": [1 << 30, 1, 8, 8]}]}},
        400,
        "shape",
    ),
    "short": ("/v2/models/digits/infer", {"json": {"inputs": [LARGE | {"data": [0.0]}]}}, 400, "1"),
    "ragged": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"data": [[0.0], [0.0, 1.0]]}]}},
        400,
        "finite numbers",
    ),
    "words": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"data": ["a"] * 64}]}},
        400,
        "finite numbers",
    ),
    "huge": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"data": [10**400] * 64}]}},
        400,
        "finite numbers",
    ),
    "no base64": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"datatype": "BYTES", "shape": [1], "data": ["?"]}]}},
        400,
        "base64",
    ),
    "no image": (
        "/v2/models/digits/infer",
        {"json": {"inputs": [LARGE | {"datatype": "BYTES", "shape": [1], "data": ["aaaa"]}]}},
        400,
        "not a readable image",
    ),
    "no form": ("/v1/classify", {"content": b"x"}, 415, "multipart"),
    "broken form": (
        "/v1/classify",
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "",
    ),
    "one image": ("/v1/compare", {"json": {"image1": ""}}, 400, "image2"),
    "a list": ("/v1/compare", {"json": []}, 400, "object"),
    "a number": ("/v1/classify", {"json": {"image": 1}}, 400, "base64"),
    "no embeddings": (
        "/v1/compare",
        {"json": {"image1": "", "image2": ""}},
        400,
        "answers with logits",
    ),
    "nowhere": ("/v3", {"json": {}}, 404, ""),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_requests_get_one_line(case: str, running: TestClient) -> None:
    path, sent, status, said = BAD[case]
    reply = running.post(path, **sent)
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert said in error
    assert "\n" not in error


def test_large_bodies_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_BODY", 1 << 20)
    reply = client().post("/v1/classify", content=b"x" * (2 << 20))
    assert reply.status_code == 413


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(["name", "datatype", "shape", "data", "parameters"])
GOOD = st.sampled_from(["image", "FP32", "BYTES", [1, 1, 8, 8], [1], [0], [0.0] * 64, ["aaaa"]])


@settings(max_examples=40, deadline=None)
@given(
    path=st.sampled_from(["/v2/models/digits/infer", "/v1/compare", "/v1/classify"]),
    body=st.dictionaries(NAMES, VALUES | GOOD).map(lambda one: {"inputs": [one]}) | VALUES,
)
def test_any_json_gets_an_answer_or_one_line(running: TestClient, path: str, body: Any) -> None:
    reply = running.post(
        path, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert reply.status_code in (200, 400)
    assert set(reply.json()) & {"outputs", "error"}


@settings(max_examples=40, deadline=None)
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(["application/json", "multipart/form-data"]),
)
def test_any_bytes_get_one_line(running: TestClient, body: bytes, kind: str) -> None:
    for path in ("/v2/models/digits/infer", "/v1/classify"):
        headers = {"Content-Type": f"{kind};boundary=b"}
        reply = running.post(path, content=body, headers=headers)
        assert reply.status_code == 400
        assert set(reply.json()) == {"error"}


def test_recorded_answers_cannot_be_served(tmp_path: Any) -> None:
    from birthmark.models.adapters.recorded import RecordedSuspect

    np.savez(tmp_path / "a.npz", values=np.eye(4))
    with pytest.raises(BirthmarkError, match="cannot be served"):
        Served(RecordedSuspect(tmp_path / "a.npz", {"output": "logits"}), "a")


HOSTS = {
    "127.0.0.1:8000": 200,
    "[::1]:8000": 200,
    "localhost": 200,
    "LOCALHOST:1": 200,
    "name:8000": 200,
    "evil.example": 421,
    "evil.example:8000": 421,
    "localhost.evil.example": 421,
    "": 421,
    "[::1": 421,
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_someone_pointed_here_is_not_answered(running: TestClient, host: str) -> None:
    assert running.get("/v2", headers={"Host": host}).status_code == HOSTS[host]


PAGES = {
    "none": ({}, True),
    "own": ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, True),
    "another site": ({"Origin": "https://evil.example"}, False),
    "another port": ({"Origin": "http://127.0.0.1:9000"}, False),
    "a file": ({"Origin": "null"}, False),
    "fetched": ({"Sec-Fetch-Site": "cross-site"}, False),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_another_site_cannot_ask(running: TestClient, page: str) -> None:
    headers, allowed = PAGES[page]
    before = running.get("/stats").json()["answered"]
    form = {"image": ("x.png", images()[0].data, "image/png")}
    done = running.post("/v1/classify", files=form, headers=headers)
    assert done.status_code == (200 if allowed else 403)
    assert running.get("/stats").json()["answered"] == before + allowed


def test_no_page_of_it_loads_scripts_from_elsewhere(running: TestClient) -> None:
    assert [running.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]
    assert running.get("/openapi.json").status_code == 200


def test_a_body_of_many_parts_is_refused_before_it_is_parsed(running: TestClient) -> None:
    body = b'{"image":[' + b"{}," * (1 << 20) + b"{}]}"
    headers = {"Content-Type": "application/json"}
    refused = running.post("/v1/classify", content=body, headers=headers)
    assert refused.status_code == 413
    assert "objects and lists" in refused.json()["error"]
