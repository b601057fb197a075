"""What a status means, and what is said of it."""

from __future__ import annotations

import pytest

from birthmark.models.remote.statuses import Meaning, fix_of, meaning, said


@pytest.mark.parametrize(
    ("status", "before", "proven"),
    [
        (200, Meaning.ANSWER, Meaning.ANSWER),
        (204, Meaning.ANSWER, Meaning.ANSWER),
        (301, Meaning.WRONG, Meaning.WRONG),
        (400, Meaning.REFUSAL, Meaning.REFUSAL),
        (401, Meaning.WRONG, Meaning.WRONG),
        (403, Meaning.WRONG, Meaning.REFUSAL),
        (404, Meaning.WRONG, Meaning.WRONG),
        (451, Meaning.REFUSAL, Meaning.REFUSAL),
    ],
)
def test_statuses(status: int, before: Meaning, proven: Meaning) -> None:
    assert (meaning(status, False), meaning(status, True)) == (before, proven)


def test_what_was_said_fits_in_a_line() -> None:
    assert said(422, b"no\nfaces\x1b[0m") == "422 Unprocessable Entity: no faces [0m"
    assert said(299, b"") == "299"
    assert len(said(400, b"x" * 5000)) < 250


@pytest.mark.parametrize(
    ("status", "fix"), [(404, "model's name"), (405, "method"), (307, "redir")]
)
def test_a_wrong_call_comes_with_a_way_to_mend_it(status: int, fix: str) -> None:
    assert fix in fix_of(status)
