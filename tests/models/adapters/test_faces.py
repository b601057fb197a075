"""Face services: distances in the place of similarities, and pictures without a face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import api_world
import pairs_world
import world
from api_world import Api, access, form
from birthmark import BirthmarkError, Fingerprint, Image, Verdict
from birthmark.data.images import silent
from birthmark.models.adapters.lookup import open_any, open_suspect
from birthmark.models.api_format.reading import Reading
from pairs_world import Comparing, M, fingerprint


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with api_world.serving(world.thief()) as server:
        yield server


@pytest.fixture(scope="module")
def probes() -> list[Image]:
    return fingerprint().probes


def apart(folder: Path, api: Api, kind: str, more: str = "") -> Any:
    text = f"""
        [image]
        form = "base64"
        body = {{ a = "{{first}}", b = "{{second}}" }}
        [answer]
        kind = "{kind}"
        path = "$.distance"
        {more}
    """
    api.posts.clear()
    return open_any(form(folder, api.url + "/apart", text), access=access(folder))


def test_a_thief_that_tells_distances_is_asked_little_and_found_once_they_are_declared(
    tmp_path: Path, api: Api
) -> None:
    own = fingerprint()
    with pytest.raises(
        BirthmarkError,
        match=r"asked about 20 probes, and its similarities run .* kind = 'distance'",
    ):
        own.audit(apart(tmp_path, api, "similarity", "scale = 2"))
    assert len(api.posts) == 20 * M
    result = own.audit(apart(tmp_path, api, "distance"), repeats=0)
    assert result.verdict is Verdict.DERIVED
    assert len(api.posts) == (60 - M) * M - 20 * M


@pytest.mark.parametrize("told", ["similarities", "match"])
def test_similarities_that_run_against_every_references_clear_nobody(told: str) -> None:
    backwards = Comparing(world.thief(), lambda s: 1 - pairs_world.TOLD[told](s))
    result = fingerprint().audit(backwards, repeats=0)
    assert result.verdict is not Verdict.INDEPENDENT
    assert any("run opposite" in finding for finding in result.findings)


def test_a_distance_is_no_similarity() -> None:
    one = Reading(kind="distance", path="$.d", scale=2)
    assert one.similarity(one.take({"d": 0.5}, "it"), "it") == 0.75
    euclidean = Reading(kind="distance", path="$.d", euclidean=True)
    assert euclidean.similarity(2**0.5, "it") == pytest.approx(0)
    with pytest.raises(BirthmarkError, match=r"distance -1, below zero; declare kind = 'simil"):
        one.similarity(-1.0, "it")
    with pytest.raises(BirthmarkError, match="or kind = 'distance' if it is small for the same"):
        Reading(kind="similarity", path="$.d").similarity(1.5, "it")


FACES = {
    "list": ("$.faces[0].embedding", "$.faces"),
    "null": ("$.embedding", "$.embedding"),
    "missing": ("$.embedding", "$.embedding"),
}


def faces(folder: Path, api: Api, kind: str, refused: str = "") -> Any:
    where, _ = FACES[kind]
    text = f'[image]\nform = "raw"\n[answer]\nkind = "embeddings"\npath = "{where}"\n{refused}'
    return open_suspect(form(folder, f"{api.url}/faces/{kind}", text), access=access(folder))


@pytest.mark.parametrize("kind", FACES)
def test_no_face_is_paid_once_and_a_refusal_once_that_is_declared(
    kind: str, tmp_path: Path, api: Api, probes: list[Image]
) -> None:
    api.posts.clear()
    with pytest.raises(BirthmarkError) as told:
        faces(tmp_path, api, kind).answer_some(probes, silent)
    assert f'add [refused] with path = "{FACES[kind][0]}" and empty = true' in str(told.value)
    assert len(api.posts) == 60
    rule = f'[refused]\npath = "{FACES[kind][1]}"\nempty = true\n'
    some = faces(tmp_path, api, kind, rule).answer_some(probes, silent)
    assert len(api.posts) == 60
    none = len(some.refused)
    assert 8 < none < 30
    assert f"said nothing about {none} of 60 images" in str(told.value)


def test_a_service_that_finds_no_more_faces_is_asked_no_more(tmp_path: Path) -> None:
    class Tired(Api):
        def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
            status, said = super().answer(path, headers, body)
            return (status, said) if len(self.posts) < 20 else (status, {"embedding": None})

    own: Fingerprint = fingerprint()
    import threading

    server = Tired(world.thief())
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with pytest.raises(BirthmarkError, match="said nothing about"):
        faces(tmp_path, server, "null").answer_some(own.probes, silent)
    assert 27 <= len(server.posts) <= 35
    server.shutdown()
    server.server_close()


def test_an_empty_list_is_declared_as_such(tmp_path: Path, api: Api) -> None:
    with pytest.raises(BirthmarkError, match="for an empty one set empty = true"):
        faces(tmp_path, api, "list", '[refused]\npath = "$.faces"\nequals = [[]]\n')
