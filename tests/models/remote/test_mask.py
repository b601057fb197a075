"""Secrets are found wherever they stand in a call, and masked in every form."""

from __future__ import annotations

import base64

import pytest

from birthmark.models.remote.mask import secrets_of, shown, without


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://u:p@a.b:8/c?k=v&l=#f", "https://a.b:8/c?k=***&l=***"),
        ("http://a/", "http://a/"),
        ("http://[::1]:8/x", "http://[::1]:8/x"),
        ("http://[", "***"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, seen: str) -> None:
    assert shown(url) == seen


LOGIN = base64.b64encode(b"someone:pass word/1").decode()
HEADERS = (
    ("Authorization", f"Basic {LOGIN}"),
    ("Cookie", 'theme=dark; session="abc123=="; last=yesterday'),
    ("X-Key", "Key k-0123456789"),
    ("X-Number", "314159"),
    ("X-Short", "yes"),
    ("Content-Type", "image/jpeg"),
)
SECRETS = secrets_of("https://h/x?key=let%20me+in&n=1", HEADERS, ('quo"te\\d&', "hush-hush"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Basic {LOGIN}", "***"),
        (LOGIN, "***"),
        ("someone:pass word/1", "***"),
        ("'someone' 'pass word/1'", "'***' '***'"),
        ("pass%20word%2F1 pass+word%2F1 pass word\\/1", "*** *** ***"),
        ("session: abc123==, yesterday, dark", "session: ***, ***, dark"),
        ("k-0123456789", "***"),
        ("let%20me+in let me in", "*** ***"),
        ('{"a": "quo\\"te\\\\d&"}', '{"a": "***"}'),
        ("quo&quot;te\\d&amp; hush-hush", "*** ***"),
        ("yes 1 image/jpeg", "yes 1 image/jpeg"),
        ("314159, 3.14159, 0.314159, [314159]", "***, 3.14159, 0.314159, [***]"),
    ],
)
def test_secrets_are_masked(text: str, left: str) -> None:
    assert without(text.encode(), SECRETS).decode() == left


def test_what_is_no_login_is_masked_as_it_is() -> None:
    secrets = secrets_of("http://[", (("Authorization", "Basic not-base64!"),))
    assert without(b"Basic not-base64! not-base64!", secrets) == b"*** ***"
