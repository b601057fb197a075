"""An API described in a TOML file: where it is, how images are sent, what comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from birthmark.common.errors import BirthmarkError, faults, one_line
from birthmark.common.files import read_bytes
from birthmark.common.tomls import toml_of
from birthmark.models.api_format.address import MAX_ADDRESS, Address
from birthmark.models.api_format.bodies import json_body
from birthmark.models.api_format.document import shown
from birthmark.models.api_format.reading import JsonPath, Reading, Scalar
from birthmark.models.remote.statuses import REFUSALS

FORMAT = "birthmark-api/1"
MAX_FILE = 2 << 20
MAX_DEPTH = 20
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
MANAGED = {"content-length", "transfer-encoding", "connection", "content-type", "accept"}

Text = Annotated[str, Field(max_length=10_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _plain(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("holds more than plain characters")
    return text


Plain = Annotated[Text, AfterValidator(_plain)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sent(_Section):
    """How the images are sent.

    Attributes
    ----------
    form
        multipart (a form with files), base64 (in JSON), raw (the file is the body) or numbers (in
        JSON).
    field, second
        multipart: names of the fields of the first and, for pairs, the second image.
    fields
        multipart: other fields.
    body
        base64: the JSON to send, with `{image}`, or `{first}` and `{second}`, in its texts.
        numbers: with a text `{image}` in whose place the numbers come, nested as the layout is, or
        `{image.flat}` for one list of them.
    input
        numbers: how an image becomes these, the fields of a declaration but `output`.
    content_type
        Media type of the image; if not given, what its bytes say.
    symmetric
        For pairs: whether the order of the two changes nothing, so that each pair is asked once.
    """

    form: Literal["multipart", "base64", "raw", "numbers"]
    field: Name = "image"
    second: Name | None = None
    fields: dict[Name, Text] = {}
    body: dict[str, Any] | list[Any] | None = None
    input: dict[str, Any] | None = None
    content_type: Annotated[str, Field(pattern=r"^[\w.+-]{1,60}/[\w.+-]{1,60}$")] | None = None
    symmetric: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Sent:
        if (self.body is not None) != (self.form in ("base64", "numbers")):
            raise ValueError("body is for form = 'base64' and 'numbers', which need it")
        if (self.input is not None) != (self.form == "numbers"):
            raise ValueError("input is for form = 'numbers', which needs it")
        if self.form != "multipart" and (self.fields or self.second):
            raise ValueError("fields and second are for form = 'multipart'")
        if self.second == self.field:
            raise ValueError("field and second are the same")
        if _depth(self.body) > MAX_DEPTH:
            raise ValueError(f"body is nested over {MAX_DEPTH} deep")
        try:
            json_body(self.body)
        except (TypeError, ValueError) as error:
            raise ValueError("body holds what JSON cannot: a date, NaN or infinity") from error
        return self

    def slots(self) -> set[str]:
        """Which images it has a place for."""
        if self.form == "raw":
            return {"{image}"}
        if self.form == "multipart":
            return {"{first}", "{second}"} if self.second else {"{image}"}
        text = json_body(self.body).decode()
        if self.form == "numbers":
            return {"{image}"} if '"{image}"' in text or '"{image.flat}"' in text else set()
        return {slot for slot in ("{image}", "{first}", "{second}") if slot in text}


class Refused(_Section):
    """How an API says that it will not answer about an image, such as one without a face.

    Attributes
    ----------
    statuses
        HTTP statuses from 200 to 299 that say so. 400, 413, 414, 415, 422 and 451 always do.
    path, equals
        Or one thing in the answer, and what of it says so; with both, either is enough.
    empty
        Whether nothing at `path` says so: no such name, null, or an empty text, list or object.
    """

    statuses: tuple[int, ...] = ()
    path: JsonPath | None = None
    equals: Annotated[tuple[Scalar, ...], Field(max_length=100)] = ()
    empty: bool = False

    @field_validator("equals", mode="before")
    @classmethod
    def _no_lists(cls, value: object) -> object:
        if isinstance(value, list) and any(isinstance(one, list | dict) for one in value):
            raise ValueError("takes no lists or tables; for an empty one set empty = true")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Refused:
        rules = bool(self.equals or self.empty)
        if (self.path is not None) != rules or not (self.statuses or self.path):
            raise ValueError("give statuses, or path and equals or empty = true, or all of them")
        for status in self.statuses:
            if not 200 <= status < 300 and status not in REFUSALS:
                raise ValueError(f"status {status} says nothing about an image")
        return self


class Stated(_Section):
    """Limits where the command gives none; see `birthmark.models.remote.Limits`."""

    max_calls: Annotated[int, Field(ge=0)] | None = None
    price: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    max_cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=32)] | None = None
    rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    timeout: Annotated[float, Field(gt=0, le=3600)] | None = None
    attempts: Annotated[int, Field(ge=1, le=100)] | None = None


class Form(_Section):
    """The file `NAME.api.toml`.

    Attributes
    ----------
    format
        `birthmark-api/1`.
    name
        How to call the service; host and path of its address if not given.
    url
        Where calls go; https, unless it is this machine or `allow_http`.
    method
        POST or PUT.
    allow_http
        Whether images and secrets may be sent where others can read them.
    headers
        With `${NAME}` for variables of the environment.
    image, answer, refused, limits
        See `Sent`, `Reading`, `Refused` and `Stated`.
    """

    format: Literal["birthmark-api/1"]
    name: Name | None = None
    url: Annotated[Plain, Field(max_length=MAX_ADDRESS)]
    method: Literal["POST", "PUT"] = "POST"
    allow_http: bool = False
    headers: dict[Name, Plain] = {}
    image: Sent
    answer: Reading
    refused: Refused | None = None
    limits: Stated = Stated()

    @model_validator(mode="after")
    def _consistent(self) -> Form:
        try:
            address = Address.of(self.url)
        except BirthmarkError as error:
            raise ValueError(f"url {error.problem}: {error.fix}") from error
        if "${" in self.url:
            raise ValueError("url takes no variables, since addresses are shown and recorded")
        if not address.private and not self.allow_http:
            raise ValueError("url is not https; use https, or set allow_http = true")
        for header in self.headers:
            if not TOKEN.fullmatch(header):
                raise ValueError(f"headers: {one_line(header, 40)} is not a header's name")
            if header.lower() in MANAGED:
                raise ValueError(f"headers: {header} is set automatically; leave it out")
        wanted = {"{first}", "{second}"} if self.answer.of_pairs else {"{image}"}
        if self.image.slots() != wanted:
            has = ", ".join(sorted(self.image.slots())) or "none"
            raise ValueError(
                f"kind = '{self.answer.kind}' sends {' and '.join(sorted(wanted))}, but image has"
                f" places for {has} (multipart: second; base64: in body's texts)"
            )
        return self

    @classmethod
    def read(cls, path: Path) -> tuple[Form, bytes]:
        """Read a file; its bytes come too.

        Raises
        ------
        BirthmarkError
            In one line, if it is none or says what cannot be.
        """
        data = read_bytes(path, MAX_FILE)
        return cls.of(data, str(path)), data

    @classmethod
    def of(cls, data: bytes, source: str) -> Form:
        """Take a file's bytes.

        Raises
        ------
        BirthmarkError
            As `read`.
        """
        if len(data) > MAX_FILE:
            raise BirthmarkError(source, "is over 2 MiB", "describe one API per file")
        fields: Mapping[str, Any] = toml_of(data, source, MAX_FILE)
        said = fields.get("format")
        if said != FORMAT:
            raise BirthmarkError(
                source,
                f"its format is {shown(said) if isinstance(said, str) else 'not stated'}",
                f'start it with format = "{FORMAT}"',
            )
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            wrong = "; ".join(islice(faults(error, cls), 5))
            raise BirthmarkError(source, wrong, "docs/api-file.md lists all fields") from error

    def stated_limits(self) -> dict[str, Any]:
        """The fields of `Limits` that it states."""
        return self.limits.model_dump(exclude_unset=True)


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level and deepest <= MAX_DEPTH:
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        level, deepest = inner, deepest + 1
    return deepest
