"""Small files that say they are large are refused before they fill the memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fuzzing.bombs import BOMBS

SLOW = {
    "PNG, iTXt of 1 GiB",
    "PNG, iCCP of 1 GiB",
    "WEBP that moves",
    "zoo answers, 2 GiB of zeros",
    "npz of images, 2 GiB in 2 MB",
    "CSV, 200 million numbers",
}
"""Made or read in over a second: `python -m fuzzing.bombs` measures them."""
LIMIT = 1024
PARTS = 400
"""What small files of many empty objects may take: to parse them takes more."""


def test_bombs_are_refused_within_a_gib() -> None:
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests.parent / "src"), str(tests)])
    names = sorted(BOMBS.keys() - SLOW)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "fuzzing.bombs", *names],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == names
    for name, said, _, peak in rows:
        assert peak < (PARTS if "million empty" in name else LIMIT), name
        assert said != "read" and ";" in said, (name, said)
