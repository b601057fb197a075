"""Servers that speak the Open Inference Protocol, version 2, over REST."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import prod
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.common.digests import canonical_json, sha256
from birthmark.common.errors import BirthmarkError, fault_of, one_line
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

MAX_METADATA = 1 << 18
"""Characters by which a model describes itself."""
FLOATS = {"FP64", "FP32", "FP16"}
BINARY = {
    "FP64": "<f8",
    "FP32": "<f4",
    "FP16": "<f2",
    "INT64": "<i8",
    "INT32": "<i4",
    "UINT8": "u1",
}
HEADER = "Inference-Header-Content-Length"
MOST_COPIES = 1024
"""The largest fixed batch that one image is repeated for."""
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

    name: Text = ""
    inputs: Annotated[list[Tensor], Field(max_length=100)] = []
    outputs: Annotated[list[Tensor], Field(max_length=1000)] = []


NOT_TOLD = Tensor(name="input-0", datatype="FP32", shape=[])
"""The input of a server that tells nothing of it: such servers take any name."""


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
    access
        How the server may be asked.

    Raises
    ------
    BirthmarkError
        If the server cannot be reached or is another, or the declaration does not fit the model.
    """

    symmetric = True
    _axes = 1
    _copies = 1

    def __init__(
        self, spec: str, fields: dict[str, Any], lineage: str | None, access: Access
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
        document = described(self._model + self._query, self._name, access)
        metadata = self._metadata(document)
        self._input = metadata.inputs[0] if metadata.inputs else NOT_TOLD
        self._outputs = {one.name: one.datatype for one in metadata.outputs}
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
        if len(json.dumps(document)) > MAX_METADATA:
            raise BirthmarkError(
                self._name, "describes itself at too great a length", "check the address"
            )
        try:
            metadata = Metadata.model_validate(document)
        except ValidationError as error:
            raise BirthmarkError(
                self._name,
                f"does not describe itself by the Open Inference Protocol ({fault_of(error)})",
                "check the address; servers of another protocol take a .api.toml",
            ) from error
        if len(metadata.inputs) > 1:
            names = ", ".join(one_line(one.name, 40) for one in metadata.inputs[:5]) or "none"
            raise BirthmarkError(
                self._name, f"has the inputs {names}", "name a model with one image input"
            )
        return metadata

    def _chosen(self, metadata: Metadata, wanted: str) -> str:
        names = [one.name for one in metadata.outputs]
        if not names:
            return wanted
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
                    f"takes image files, but {', '.join(sorted(extra))} was declared",
                    "declare --output only",
                )
            if prod(shape) not in (1, -1):
                raise BirthmarkError(
                    self._seen, "does not take one file per image", "export it that way"
                )
            return None
        if kind not in FLOATS | {"UINT8"}:
            raise BirthmarkError(
                self._seen, "takes neither numbers nor files", "use FP32, UINT8 or BYTES"
            )
        declaration = Declaration.of(self._seen, fields)
        inner = declaration.shape()
        batched = len(shape) == len(inner) + 1
        if self._input is not NOT_TOLD and not _fits(shape[1:] if batched else shape, inner):
            raise BirthmarkError(self._seen, f"the declared image is {[1, *inner]}", HOW_TO_DECLARE)
        self._axes = 0 if not batched and self._input is not NOT_TOLD else 1
        self._copies = shape[0] if batched and shape[0] > 0 else 1
        if self._copies > MOST_COPIES:
            raise BirthmarkError(
                self._seen,
                f"takes {self._copies} images at a time",
                "serve it with a smaller batch",
            )
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
            values = np.concatenate([values] * self._copies) if self._axes else values[0]
            tensor["shape"] = list(values.shape)
            if self._input.datatype == "FP16":
                return self._binary(tensor, values.astype("<f2").tobytes())
            tensor["data"] = values.ravel().tolist()
            form = f"JSON with {values.size:,} numbers"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return self._request(json_body(self._asked(tensor)), form, headers)

    def _binary(self, tensor: dict[str, Any], raw: bytes) -> Request:
        """JSON has no FP16: the protocol's extension puts the numbers' bytes after it."""
        tensor["parameters"] = {"binary_data_size": len(raw)}
        head = json_body(self._asked(tensor))
        headers = {"Content-Type": "application/octet-stream", HEADER: str(len(head))}
        return self._request(head + raw, f"{len(raw):,} bytes of FP16 after JSON", headers)

    def _asked(self, tensor: dict[str, Any]) -> dict[str, Any]:
        asked: dict[str, Any] = {"inputs": [tensor]}
        if self._output:
            output: dict[str, Any] = {"name": self._output}
            if self._outputs.get(self._output) == "FP16":
                output["parameters"] = {"binary_data": True}
            asked["outputs"] = [output]
        return asked

    def _request(self, body: bytes, form: str, headers: dict[str, str]) -> Request:
        return Request(f"{self._model}/infer{self._query}", body, form, headers=headers)

    def take(self, reply: Reply) -> Taken:
        """The numbers of the chosen output, or its one label."""
        head, raw = split_binary(reply.body)
        document = parsed(head, self._name)
        outputs = document.get("outputs") if isinstance(document, dict) else None
        told = (
            [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
        )
        where = f"output {shown(self._output)}" if self._output else "its first output"
        if raw.strip() and not any(map(_size, told)):
            parsed(reply.body, self._name)
        for one in told:
            binary = _size(one)
            here, raw = raw[:binary], raw[binary:]
            if one.get("name") == self._output or not self._output:
                data = _flat(one.get("data")) if not binary else self._numbers(one, here, where)
                values = [number(x, where, self._name) for x in data]
                self._require_shape(one.get("shape"), len(values), where)
                values = values[: len(values) // self._copies]
                if self.reading.output is not Kind.LABELS:
                    return values
                return self.reading.take({"outputs": values[0]}, self._name)
        raise BirthmarkError(
            self._name, f"answered without {where}: {shown(document)}", "check the model"
        )

    def _require_shape(self, shape: object, count: int, where: str) -> None:
        sides = shape if isinstance(shape, list) else []
        whole = all(isinstance(side, int) and 0 <= side <= count for side in sides)
        single = self.reading.output is Kind.LABELS and count != self._copies
        uneven = count % self._copies
        if not sides or not whole or prod(sides) != count or single or uneven or not count:
            raise BirthmarkError(
                self._name,
                f"answered with {count} numbers of the shape {one_line(str(sides)[:200], 60)} at"
                f" {where}",
                "check the model and --output",
            )

    def _numbers(self, output: dict[str, Any], data: bytes, where: str) -> list[Any]:
        """The numbers of a binary output."""
        dtype = np.dtype(BINARY.get(str(output.get("datatype")), "V1"))
        if dtype.kind == "V" or not data or len(data) % dtype.itemsize:
            raise BirthmarkError(
                self._name,
                f"answered with {len(data)} bytes of {one_line(str(output.get('datatype')), 20)} at"
                f" {where}",
                "name another output after #",
            )
        numbers: list[Any] = np.frombuffer(data, dtype).tolist()
        return numbers

    def refused(self, reply: Reply) -> str | None:  # noqa: ARG002
        """The protocol has no word for it."""
        return None


def _flat(data: object) -> list[Any]:
    """Numbers of a list, which may be nested as the shape is."""
    level: list[Any] = data if isinstance(data, list) else [data]
    while level and all(isinstance(one, list) for one in level):
        level = [inner for one in level for inner in one]
    return level


def _fits(shape: Sequence[int], inner: Sequence[int]) -> bool:
    return len(shape) == len(inner) and all(
        have in (-1, want) for have, want in zip(shape, inner, strict=True)
    )


def split_binary(body: bytes) -> tuple[bytes, bytes]:
    """The JSON that an answer begins with, and the bytes of its binary outputs after it."""
    try:
        _, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    except (ValueError, RecursionError):
        return body, b""
    return body[:end], body[end:]


def _size(output: dict[str, Any]) -> int:
    """How many bytes of an output follow the JSON; 0 if it stands in it."""
    parameters = output.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    return size if isinstance(size, int) and size > 0 else 0


def _plain(declaration: Declaration) -> bool:
    """Whether pixels are left as they are."""
    untouched = {*declaration.mean} == {0} and {*declaration.std} == {1}
    return declaration.range == (0, 255) and untouched


def open_inference(
    spec: str, fields: dict[str, Any], lineage: str | None, access: Access
) -> ApiSuspect:
    """Open a model by its address; see `OpenInferenceService`."""
    service = OpenInferenceService(spec, fields, lineage, access)
    return ApiSuspect(service, access)


ADAPTERS.register(
    r"https?://.*/v2/models/[^/?#]+(/versions/[^/?#]+)?(/infer)?/?(\?[^#]*)?(#.*)?",
    example="https://host/v2/models/NAME",
)(lambda: Remote(open_inference))
