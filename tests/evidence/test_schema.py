"""The published schema is the one that is used."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jsonschema

from birthmark.audit.answers import answers_bytes
from birthmark.evidence import sign
from birthmark.evidence.keys import new_key, signer_of
from birthmark.evidence.schema import schema
from evidence.test_evidence import audited_thief

PUBLISHED = Path(__file__).parents[2] / "docs" / "evidence.schema.json"


def test_the_published_schema_is_that_of_the_code() -> None:
    """Written by `python -m birthmark.evidence.schema > docs/evidence.schema.json`."""
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema()


def test_evidence_and_its_statement_follow_it(tmp_path: Path) -> None:
    new_key(tmp_path / "k")
    file, audited = audited_thief(tmp_path)
    signer = signer_of(str(tmp_path / "k"))
    evidence = sign(audited.result, file.read_bytes(), answers_bytes(audited.recorded), signer)
    fields = json.loads(evidence.to_bytes())
    jsonschema.validate(fields, schema())
    statement = json.loads(base64.b64decode(fields["envelope"]["payload"]))
    of_statement = {"$ref": "#/$defs/Statement", "$defs": schema()["$defs"]}
    jsonschema.validate(statement, of_statement)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    del statement["predicate"]["result"]["verdict"]
    assert not jsonschema.Draft202012Validator(of_statement).is_valid(statement)
