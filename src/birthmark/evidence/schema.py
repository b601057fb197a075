"""The JSON Schema of evidence, for programs that are not ours.

python -m birthmark.evidence.schema > docs/evidence.schema.json
"""

from __future__ import annotations

import json
from typing import Any

from birthmark.evidence.package import Evidence
from birthmark.evidence.statement import Statement


def schema() -> dict[str, Any]:
    """The schema of `evidence.json`, with that of the statement in its payload under `$defs`."""
    evidence = Evidence.model_json_schema()
    statement = Statement.model_json_schema(by_alias=True)
    definitions = evidence.pop("$defs", {}) | statement.pop("$defs", {}) | {"Statement": statement}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **evidence,
        "$defs": dict(sorted(definitions.items())),
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1, ensure_ascii=False))
