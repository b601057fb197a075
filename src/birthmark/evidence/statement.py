"""What is signed: an in-toto Statement v1 with a predicate of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from birthmark.audit.result import Result
from birthmark.common.errors import one_line

STATEMENT: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PREDICATE: Literal["urn:birthmark:evidence:1"] = "urn:birthmark:evidence:1"
PAYLOAD_TYPE: Literal["application/vnd.in-toto+json"] = "application/vnd.in-toto+json"

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=2000)]
FORM, PATTERN = "%Y-%m-%dT%H:%M:%SZ", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"


def _possible(text: str) -> str:
    datetime.strptime(text, FORM)
    return text


Time = Annotated[str, StringConstraints(pattern=PATTERN), AfterValidator(_possible)]


class DigestSet(BaseModel):
    """An in-toto DigestSet with one algorithm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Hex


class Subject(BaseModel):
    """Something that the statement is about, by its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    digest: DigestSet


class Predicate(BaseModel):
    """What the signer states.

    Attributes
    ----------
    result
        The audit's result: method, references, verdict, rates, findings, assumptions, versions.
    seal_published
        Where and when the fingerprint's seal was published, in the signer's words; None if it was
        not. Only what is found there proves it.
    signed_at
        The signer's clock. Only a time stamp proves it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    result: Result
    seal_published: Text | None
    signed_at: Time


class Statement(BaseModel):
    """An in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md).

    Attributes
    ----------
    subject
        The fingerprint's file, the answers' file, the report's if there was one, the victim and the
        suspect where they have a digest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(default=STATEMENT, alias="_type")
    subject: list[Subject] = Field(min_length=2, max_length=5)
    predicate_type: Literal["urn:birthmark:evidence:1"] = Field(
        default=PREDICATE, alias="predicateType"
    )
    predicate: Predicate

    @model_validator(mode="after")
    def _about_the_result(self) -> Statement:
        """Its subjects are those of the result, in order; a report may be among them."""
        stated = {one.name: f"sha256:{one.digest.sha256}" for one in self.subject}
        result = self.predicate.result
        files = {name: stated.get(name) for name in (FINGERPRINT, ANSWERS, REPORT)}
        if files[REPORT] is None:
            del files[REPORT]
        expected = files | _models(result)
        if list(stated.items()) != list(expected.items()) or len(stated) != len(self.subject):
            raise ValueError("its subjects do not match the result")
        if result.fingerprint != stated[FINGERPRINT]:
            raise ValueError("the result belongs to another fingerprint")
        return self


FINGERPRINT, ANSWERS, REPORT = "fingerprint.birthmark", "answers.safetensors", "report.html"


def _models(result: Result) -> dict[str, str]:
    """Names and digests of the models that have one."""
    models = {"victim": result.victim, "suspect": result.suspect}
    return {f"{k}: {one.name}": one.digest for k, one in models.items() if one.digest is not None}


def statement_of(
    result: Result,
    materials: dict[str, str],
    *,
    seal_published: str | None = None,
    now: datetime | None = None,
) -> Statement:
    """The statement of an audit.

    Parameters
    ----------
    result
        The audit's result.
    materials
        Digests of the fingerprint's and the answers' file, by `FINGERPRINT` and `ANSWERS`.
    seal_published
        Where and when the seal was published.
    now
        The time to state; the clock's if not given.
    """
    named = materials | _models(result)
    stated = (now or datetime.now(UTC)).strftime(FORM)
    return Statement(
        subject=[
            Subject(name=name, digest=DigestSet(sha256=digest.removeprefix("sha256:")))
            for name, digest in named.items()
        ],
        predicate=Predicate(
            result=result,
            seal_published=None if seal_published is None else one_line(seal_published, 2000),
            signed_at=stated,
        ),
    )
