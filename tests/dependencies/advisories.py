"""Known advisories of what is installed: python tests/dependencies/advisories.py.

Exit code 1 if there are any. Where no advisories can be had, as without a network, that is said and
nothing fails.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any


def said(audited: dict[str, Any]) -> tuple[list[str], int]:
    """A line for each advisory in what `pip-audit -f json` wrote, and how many were looked up."""
    looked_up = [one for one in audited["dependencies"] if "skip_reason" not in one]
    lines = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in"
        f" {', '.join(flaw['fix_versions']) or 'no version'}"
        for one in looked_up
        for flaw in one["vulns"]
    ]
    return lines, len(looked_up)


def main() -> None:
    """Ask pip-audit, and say what came of it."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "-f", "json"]
    done = subprocess.run([*command, *sys.argv[1:]], capture_output=True, text=True, check=False)
    lines: list[str] = []
    count, reason = 0, done.stderr.strip()[-200:] or "pip-audit told nothing"
    with contextlib.suppress(ValueError):
        audited = json.loads(done.stdout)
        lines, count = said(audited)
        reason = next(
            (one["skip_reason"] for one in audited["dependencies"] if "skip_reason" in one), reason
        )
    if not count:
        print(f"skipped: no advisories can be had here ({reason[:200]})")
        return
    print(*lines, f"{count} packages looked up, {len(lines)} advisories", sep="\n")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
