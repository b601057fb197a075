"""Files that describe an API: the examples, wrong ones, and any text at all."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birthmark.common.errors import BirthmarkError
from birthmark.models.api_format.address import Address
from birthmark.models.api_format.bodies import media, multipart
from birthmark.models.api_format.environment import resolved
from birthmark.models.api_format.form import Form

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "apis").glob("*.api.toml"))
GOOD = """format = "birthmark-api/1"
url = "https://host.example/v1"
[headers]
Authorization = "Bearer ${KEY}"
[image]
form = "raw"
[answer]
kind = "logits"
path = "$.logits"
"""
BASE64 = 'form = "base64"\nbody = { image = "{image}" }'


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_read(file: Path) -> None:
    Form.read(file)


def test_there_is_an_example_of_every_form() -> None:
    forms = [Form.read(file)[0] for file in EXAMPLES]
    assert {one.image.form for one in forms} == {"multipart", "base64", "raw"}
    kinds = {one.answer.kind for one in forms}
    assert kinds == {"top-k", "probabilities", "labels", "similarity"}


def replaced(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


PAIR = 'kind = "match"'
WRONG = {
    "no TOML": ("url = ", "is not TOML"),
    "nothing": ("", "its format is not stated; start it with format"),
    "another format": (replaced("api/1", "api/2"), "its format is 'birthmark-api/2'"),
    "no address": (replaced("https://host.example/v1", "host"), "url is not an address"),
    "file": (replaced("https://host.example/v1", "file:///etc/passwd"), "url is not an address"),
    "plain": (replaced("https", "http"), "url is not https; use https, or set allow_http = true"),
    "password": (replaced("host.example", "me:pw@host.example"), "holds a user name or password"),
    "secret in address": (replaced("/v1", "/v1?k=${KEY}"), "url takes no variables"),
    "foreign field": ("x = 1\n" + GOOD, "unknown field x"),
    "method": ('method = "DELETE"\n' + GOOD, "method should be"),
    "header": (replaced("Authorization", '"A B"'), "headers: A B is not a header's name"),
    "managed header": (replaced("Authorization", "Accept"), "headers: Accept is set automatically"),
    "two lines": (replaced("Bearer ${KEY}", "a\\r\\nX: b"), "holds more than plain characters"),
    "no answer": (GOOD.partition("[answer]")[0], "missing section [answer]"),
    "path": (replaced("$.logits", "logits"), "answer.path: is not a JSONPath"),
    "no body": (
        replaced("raw", "base64"),
        "image: body is for form = 'base64' and 'numbers', which",
    ),
    "needless body": (replaced('"raw"', '"raw"\nbody = {a = "{image}"}'), "body is for form"),
    "no place": (replaced('form = "raw"', BASE64.replace("{image}", "")), "has places for none"),
    "pair": (replaced('kind = "logits"', PAIR), "sends {first} and {second}, but image has"),
    "half a pair": (
        replaced('kind = "logits"', PAIR).replace('form = "raw"', BASE64),
        "has places for {image}",
    ),
    "same fields": (
        replaced('form = "raw"', 'form = "multipart"\nsecond = "image"'),
        "field and second are the same",
    ),
    "date": (replaced('form = "raw"', BASE64 + "\nbody.d = 2000-01-01"), "is not TOML"),
    "date inside": (
        replaced('form = "raw"', 'form = "base64"\nbody = {i = "{image}", d = 2000-01-01}'),
        "body holds what JSON cannot",
    ),
    "infinity": (
        replaced('form = "raw"', 'form = "base64"\nbody = {i = "{image}", d = inf}'),
        "body holds what JSON cannot",
    ),
    "deep": (
        replaced('form = "raw"', f'form = "base64"\nbody.a = {"[" * 30}"{{image}}"{"]" * 30}'),
        "nested over 20 deep",
    ),
    "very deep": ("a = " + "[" * 100_000, "is nested too deeply"),
    "media type": (replaced('"raw"', '"raw"\ncontent_type = "a\\nb"'), "image.content_type"),
    "price": (GOOD + "[limits]\nprice = -1", "limits.price"),
    "rate": (GOOD + "[limits]\nrate = nan", "limits.rate"),
    "concurrency": (GOOD + "[limits]\nconcurrency = 0", "limits.concurrency"),
    "refusal": (GOOD + '[refused]\npath = "$.a"', "give statuses, or path and equals"),
    "refused key": (GOOD + "[refused]\nstatuses = [401]", "401 says nothing about an image"),
    "large": (GOOD + "#" * (2 << 20), "is over 2 MiB"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_one_line(case: str) -> None:
    text, said = WRONG[case]
    with pytest.raises(BirthmarkError, match=r"x\.api\.toml") as error:
        Form.of(text.encode(), "x.api.toml")
    assert said in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:8000", "127.8.9.1"])
def test_this_machine_needs_no_https(host: str) -> None:
    Form.of(replaced("https://host.example", f"http://{host}").encode(), "x")


def test_plain_http_can_be_allowed() -> None:
    Form.of(("allow_http = true\n" + replaced("https", "http")).encode(), "x")


def test_no_file() -> None:
    with pytest.raises(BirthmarkError, match=r"no\.api\.toml: does not exist"):
        Form.read(Path("no.api.toml"))


LINES = st.lists(st.sampled_from(GOOD.splitlines()) | st.text(max_size=30), max_size=14)


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=100) | LINES.map(lambda lines: "\n".join(lines).encode()))
def test_any_text_is_read_or_one_line(data: bytes) -> None:
    try:
        Form.of(data, "x")
    except BirthmarkError as error:
        assert str(error).isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = ["url", "headers", "image", "answer", "limits", "refused", "name", "method"]


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_any_fields_are_taken_or_refused(fields: dict[str, Any]) -> None:
    from pydantic import ValidationError

    known = {"format": "birthmark-api/1", "url": "https://a", "image": {"form": "raw"}}
    known["answer"] = {"kind": "logits", "path": "$"}
    with contextlib.suppress(ValidationError):
        Form.model_validate(known | fields)


def test_variables_are_put_in_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hush")
    assert resolved("Bearer ${KEY}, $KEY {KEY} ${}", "x") == "Bearer hush, $KEY {KEY} ${}"
    monkeypatch.setenv("KEY", "${OTHER}")
    assert resolved("${KEY}", "x") == "${OTHER}"
    for value in ("hush\r\nX: y", "hüsh", "x" * 20_000):
        monkeypatch.setenv("KEY", value)
        with pytest.raises(BirthmarkError, match="variable KEY, which holds") as error:
            resolved("${KEY}", "x")
        assert "hush" not in str(error.value)
    monkeypatch.delenv("KEY")
    with pytest.raises(BirthmarkError, match="variable KEY, which is not set; set it: export KEY"):
        resolved("${KEY}", "x")


def test_a_form_is_the_same_bytes_each_time() -> None:
    files = [("a", b"\xff\xd8\xffone"), ("b", b"\x89PNGtwo")]
    kind, body = multipart(files, {"n": "1"})
    assert (kind, body) == multipart(files, {"n": "1"})
    assert kind != multipart(files, {"n": "2"})[0]
    boundary = kind.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 4
    assert b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xffone\r\n" in body
    assert b"Content-Type: image/png\r\n\r\n\x89PNGtwo\r\n" in body
    assert media(b"GIF8")[0] == "application/octet-stream"


ADDRESSES = ["", "x", "https://", "https://a:b:c", "ftp://a", "https://[::1", "http://a:99999999"]


@pytest.mark.parametrize("text", [*ADDRESSES, "https://a/" + "b" * 3000])
def test_no_addresses(text: str) -> None:
    with pytest.raises(BirthmarkError, match="is not an address"):
        Address.of(text)


def test_an_address_is_shown_without_secrets() -> None:
    with pytest.raises(BirthmarkError) as error:
        Address.of("https://me:hush@host/a?key=hush")
    assert "hush" not in str(error.value)
    one = Address.of("https://host:81/a/b?key=hush#out")
    assert (one.site, one.path, one.fragment) == ("host:81", "/a/b", "out")
