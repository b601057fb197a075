"""TensorFlow Serving's REST interface: predict, row format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from birthmark.common.digests import canonical_json, sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image
from birthmark.data.outputs import Kind
from birthmark.models.adapters.api import ApiSuspect, Request, identity_of, stated_reading
from birthmark.models.adapters.base import ADAPTERS, Description, Remote
from birthmark.models.adapters.declaration import Declaration
from birthmark.models.api_format.address import Address
from birthmark.models.api_format.bodies import base64_of, json_body
from birthmark.models.api_format.document import number, parsed, shown
from birthmark.models.api_format.reading import Taken
from birthmark.models.remote import Access, Reply

MODEL = re.compile(r"(?P<model>.*/v1/models/[^/:]+(?:/(?:versions|labels)/[^/:]+)?)(?::predict)?/?")


class TfServingService:
    """A model on TensorFlow Serving.

    Parameters
    ----------
    spec
        `https://host/v1/models/NAME`, perhaps with `/versions/N`, `/labels/L`, `:predict` and
        `#OUTPUT`.
    fields
        The declaration's fields: with more than `output` the model is sent numbers, else files.
    lineage
        The model's kind of architecture, if known.

    Raises
    ------
    BirthmarkError
        If the address names no model, or the declaration lacks something.
    """

    symmetric = True

    def __init__(self, spec: str, fields: dict[str, Any], lineage: str | None) -> None:
        address = Address.of(spec)
        base, _, query = address.url.partition("?")
        match = MODEL.fullmatch(base)
        if match is None:
            raise BirthmarkError(
                address.site, "names no model", "write https://host/v1/models/NAME"
            )
        self._model = match["model"]
        self._url = f"{self._model}:predict" + (f"?{query}" if query else "")
        self._name = f"{address.site}{self._model.partition(address.site)[2] or address.path}"
        self._output = address.fragment
        self._declaration = None
        if fields.keys() - {"output"}:
            self._declaration = Declaration.of(self._name, fields)
        said = self._declaration.output if self._declaration else fields.get("output")
        self.reading = stated_reading(said, "$.predictions", self._name)
        stated = None if self._declaration is None else self._declaration.model_dump(mode="json")
        asking = sha256(canonical_json([self._url, stated]))
        self.identity = identity_of("tf-serving", self._model, asking)
        self.description = Description(
            name=self._name,
            adapter="tf_serving",
            output=self.reading.output,
            declaration=self._declaration,
            lineage=lineage,
        )

    def request(self, images: Sequence[Image], *, secrets: bool) -> Request:  # noqa: ARG002
        """One image as an instance: nested lists of numbers, or its file in base64."""
        if self._declaration is None:
            instances: list[Any] = [{"b64": base64_of(image.data)} for image in images]
            form = "JSON with the file in base64"
        else:
            values = self._declaration.batch(list(images))
            instances, form = values.tolist(), f"JSON with {values.size:,} numbers"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return Request(self._url, json_body({"instances": instances}), form, headers=headers)

    def take(self, reply: Reply) -> Taken:
        """The one prediction's numbers or label; of several outputs the one named after `#`."""
        document = parsed(reply.body, self._name)
        rows = document.get("predictions") if isinstance(document, dict) else None
        if not isinstance(rows, list) or len(rows) != 1:
            raise BirthmarkError(
                self._name,
                f"answered one image with other than one prediction: {shown(document)}",
                "check the address",
            )
        row = rows[0]
        if isinstance(row, dict):
            row = self._of_several(row)
        if self.reading.output is Kind.LABELS:
            label = row[0] if isinstance(row, list) and len(row) == 1 else row
            return self.reading.take({"predictions": label}, self._name)
        where = "predictions[0]"
        if not isinstance(row, list):
            raise BirthmarkError(
                self._name, f"its answer has {shown(row)} at {where}", "check --output"
            )
        return [number(one, where, self._name) for one in row]

    def _of_several(self, row: dict[str, Any]) -> object:
        if not self._output and len(row) == 1:
            return next(iter(row.values()))
        if self._output in row:
            return row[self._output]
        raise BirthmarkError(
            self._name, f"answers with {shown(row)}", "name one of its outputs after #"
        )

    def refused(self, reply: Reply) -> str | None:  # noqa: ARG002
        """The protocol has no word for it."""
        return None


def tf_serving(
    spec: str, fields: dict[str, Any], lineage: str | None, access: Access
) -> ApiSuspect:
    """Open a model by its address; see `TfServingService`."""
    return ApiSuspect(TfServingService(spec, fields, lineage), access)


ADAPTERS.register(
    r"https?://.*/v1/models/[^/:?#]+(/(versions|labels)/[^/:?#]+)?(:predict)?/?(\?[^#]*)?(#.*)?",
    example="https://host/v1/models/NAME",
)(lambda: Remote(tf_serving))
