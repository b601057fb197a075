"""The plan in a zoo's folder."""

from __future__ import annotations

import json
from pathlib import Path

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.plan.file import checked
from birthmark.zoo.plan.plan import Plan


def open_zoo(folder: Path) -> Plan:
    """The plan of a zoo's folder.

    Raises
    ------
    BirthmarkError
        If it holds none.
    """
    file = folder / "plan.json"
    if not file.is_file():
        raise BirthmarkError(
            folder, "is not a zoo: plan.json is missing", "run `birthmark zoo build`"
        )
    try:
        fields = json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        raise BirthmarkError(file, f"is not JSON ({error})", "build the zoo again") from error
    return checked(fields, str(file))
