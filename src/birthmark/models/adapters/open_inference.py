"""Servers that speak the Open Inference Protocol, version 2, over REST."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.common.digests import canonical_json, sha256
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.data.images import Image
from birthmark.data.outputs import Kind
from birthmark.models.adapters.api import ApiSuspect, Request, identity_of, stated_reading
from birthmark.models.adapters.base import ADAPTERS, Description, Remote
from birthmark.models.adapters.declaration import HOW_TO_DECLARE, Declaration
from birthmark.models.api_format.address import Address
from birthmark.models.api_format.bodies import base64_of, json_body
from birthmark.models.api_format.document import number, parsed, shown
from birthmark.models.api_format.free import described
from birthmark.models.api_format.reading import Taken
from birthmark.models.remote import Access, Reply

FLOATS = {"FP64", "FP32", "FP16"}
MODEL = re.compile(r"(?P<model>.*/v2/models/[^/]+(?:/versions/[^/]+)?)(?:/infer)?/?")
Text = Annotated[str, Field(max_length=1000)]


class _Lenient(BaseModel):
    """Servers add fields of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Tensor(_Lenient):
    """An input or output as the server describes it; -1 is an axis of any length."""

    name: Text
    datatype: Text
    shape: Annotated[list[Annotated[int, Field(ge=-1, lt=1 << 31)]], Field(max_length=16)]


class Metadata(_Lenient):
    """What a server says of a model."""

    name: Text
    inputs: Annotated[list[Tensor], Field(max_length=100)]
    outputs: Annotated[list[Tensor], Field(min_length=1, max_length=1000)]


class OpenInferenceService:
    """A model on a server that speaks the Open Inference Protocol.

    Parameters
    ----------
    spec
        `https://host/v2/models/NAME`, perhaps with `/versions/V`, `/infer` and `#OUTPUT`.
    fields
        The declaration's fields; for a model that takes files (BYTES) only `output`.
    lineage
        The model's kind of architecture, if known.
    timeout
        Seconds to wait for the server's description of the model.

    Raises
    ------
    BirthmarkError
        If the server cannot be reached or is another, or the declaration does not fit the model.
    """

    symmetric = True

    def __init__(
        self, spec: str, fields: dict[str, Any], lineage: str | None, timeout: float
    ) -> None:
        address = Address.of(spec)
        base, _, query = address.url.partition("?")
        match = MODEL.fullmatch(base)
        if match is None:
            raise BirthmarkError(
                address.site, "names no model", "write https://host/v2/models/NAME"
            )
        self._query = f"?{query}" if query else ""
        self._model = match["model"]
        self._name = f"{address.site}{self._model.partition(address.site)[2] or address.path}"
        document = described(self._model + self._query, self._name, timeout)
        metadata = self._metadata(document)
        self._input = metadata.inputs[0]
        self._output = self._chosen(metadata, address.fragment)
        self._declaration = self._declared(fields)
        said = self._declaration.output if self._declaration else fields.get("output")
        self.reading = stated_reading(said, "$.outputs", self._seen)
        stated = None if self._declaration is None else self._declaration.model_dump(mode="json")
        self.digest = sha256(canonical_json([self._model, document]))
        asking = [document, self._query, self._output, stated]
        self.identity = identity_of("open-inference", self._model, sha256(canonical_json(asking)))
        self.description = Description(
            name=self._name,
            adapter="open_inference",
            output=self.reading.output,
            digest=self.digest,
            declaration=self._declaration,
            lineage=lineage,
        )

    @property
    def _seen(self) -> str:
        one = self._input
        shape = one_line(str(one.shape), 100)
        return f"{self._name} (its input is {shown(one.name)} {one_line(one.datatype, 20)} {shape})"

    def _metadata(self, document: object) -> Metadata:
        try:
            metadata = Metadata.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise BirthmarkError(
                self._name,
                f"describes itself otherwise than in the Open Inference Protocol"
                f" ({'.'.join(map(str, first['loc']))}: {first['msg']})",
                "check the address; servers of another protocol take a .api.toml",
            ) from error
        if len(metadata.inputs) != 1:
            names = ", ".join(one_line(one.name, 40) for one in metadata.inputs[:5]) or "none"
            raise BirthmarkError(
                self._name, f"has the inputs {names}", "name a model with one image input"
            )
        return metadata

    def _chosen(self, metadata: Metadata, wanted: str) -> str:
        names = [one.name for one in metadata.outputs]
        if wanted and wanted not in names:
            told = ", ".join(one_line(name, 40) for name in names[:5])
            raise BirthmarkError(self._name, f"has the outputs {told}", "name one after #")
        return wanted or names[0]

    def _declared(self, fields: dict[str, Any]) -> Declaration | None:
        kind, shape = self._input.datatype, self._input.shape
        if kind == "BYTES":
            if extra := fields.keys() - {"output"}:
                raise BirthmarkError(
                    self._seen,
                    f"takes image files, and {', '.join(sorted(extra))} was declared",
                    "declare --output only",
                )
            if prod(shape) not in (1, -1):
                raise BirthmarkError(self._seen, "does not take one file", "export it so")
            return None
        if kind not in FLOATS | {"UINT8"}:
            raise BirthmarkError(
                self._seen, "takes neither numbers nor files", "use FP32, UINT8 or BYTES"
            )
        declaration = Declaration.of(self._seen, fields)
        inner = declaration.shape()
        fits = len(shape) == len(inner) + 1 and all(
            have in (-1, want) for have, want in zip(shape, (1, *inner), strict=True)
        )
        if not fits:
            raise BirthmarkError(self._seen, f"the declared image is {[1, *inner]}", HOW_TO_DECLARE)
        if kind == "UINT8" and not _plain(declaration):
            raise BirthmarkError(
                self._seen, "takes whole numbers", "declare --range 0:255 --mean 0 --std 1"
            )
        return declaration

    def request(self, images: Sequence[Image], *, secrets: bool) -> Request:  # noqa: ARG002
        """One image in the protocol's JSON; only the chosen output is asked for."""
        tensor: dict[str, Any] = {"name": self._input.name, "datatype": self._input.datatype}
        if self._declaration is None:
            tensor |= {
                "shape": [1] * max(1, len(self._input.shape)),
                "parameters": {"content_type": "base64"},
                "data": [base64_of(images[0].data)],
            }
            form = "JSON with the file in base64"
        else:
            values: NDArray[Any] = self._declaration.batch(list(images))
            if self._input.datatype == "UINT8":
                values = np.rint(values).astype(np.uint8)
            tensor |= {"shape": list(values.shape), "data": values.ravel().tolist()}
            form = f"JSON with {values.size:,} numbers"
        body = json_body({"inputs": [tensor], "outputs": [{"name": self._output}]})
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return Request(f"{self._model}/infer{self._query}", body, form, headers=headers)

    def take(self, reply: Reply) -> Taken:
        """The numbers of the chosen output, or its one label."""
        document = parsed(reply.body, self._name)
        outputs = document.get("outputs") if isinstance(document, dict) else None
        where = f"output {shown(self._output)}"
        for one in outputs if isinstance(outputs, list) else []:
            if isinstance(one, dict) and one.get("name") == self._output:
                values = [number(x, where, self._name) for x in _flat(one.get("data"))]
                self._require_shape(one.get("shape"), len(values), where)
                if self.reading.output is not Kind.LABELS:
                    return values
                return self.reading.take({"outputs": values[0]}, self._name)
        raise BirthmarkError(
            self._name, f"answered without {where}: {shown(document)}", "check the model"
        )

    def _require_shape(self, shape: object, count: int, where: str) -> None:
        sides = shape if isinstance(shape, list) else []
        whole = all(isinstance(side, int) and 0 <= side <= count for side in sides)
        single = self.reading.output is Kind.LABELS
        if not sides or not whole or prod(sides) != count or (single and count != 1) or not count:
            raise BirthmarkError(
                self._name,
                f"answered with {count} numbers of the shape {one_line(str(sides)[:200], 60)} at"
                f" {where}",
                "check the model and --output",
            )

    def refused(self, reply: Reply) -> str | None:  # noqa: ARG002
        """The protocol has no word for it."""
        return None


def _flat(data: object) -> list[Any]:
    """Numbers of a list, which may be nested as the shape is."""
    level: list[Any] = data if isinstance(data, list) else [data]
    while level and all(isinstance(one, list) for one in level):
        level = [inner for one in level for inner in one]
    return level


def _plain(declaration: Declaration) -> bool:
    """Whether pixels are left as they are."""
    untouched = {*declaration.mean} == {0} and {*declaration.std} == {1}
    return declaration.range == (0, 255) and untouched


def open_inference(
    spec: str, fields: dict[str, Any], lineage: str | None, access: Access
) -> ApiSuspect:
    """Open a model by its address; see `OpenInferenceService`."""
    service = OpenInferenceService(spec, fields, lineage, access.limits.timeout)
    return ApiSuspect(service, access)


ADAPTERS.register(
    r"https?://.*/v2/models/[^/?#]+(/versions/[^/?#]+)?(/infer)?/?(\?[^#]*)?(#.*)?",
    example="https://host/v2/models/NAME",
)(lambda: Remote(open_inference))
