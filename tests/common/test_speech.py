"""Messages name options while a command runs, and arguments in Python."""

from __future__ import annotations

import pytest

from birthmark.common.errors import BirthmarkError
from birthmark.common.speech import options_named

SAID = {
    "pass --alpha 0.05": "pass alpha=0.05",
    "drop --resize, or pass --resize 8x8": "drop resize, or pass resize=(8, 8)",
    "pass --start random or --start NAME": "pass start='random' or start=NAME",
    "pass --stop-early again": "pass stop_early=True again",
    "pass it with --outsider": "pass it with outsiders",
    "pass --input 8x8x1 --range 0:1": "pass size=(8, 8) channels=1 range=(0, 1)",
    "pass -n 40": "pass n=40",
}


@pytest.mark.parametrize("fix", SAID)
def test_errors_name_arguments_in_python_and_options_in_commands(fix: str) -> None:
    error = BirthmarkError("--seed-from", "is 'x'", fix)
    assert str(error) == f"seed_from: is 'x'; {SAID[fix]}"
    with options_named():
        assert str(error) == f"--seed-from: is 'x'; {fix}"
