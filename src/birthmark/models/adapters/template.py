"""Any HTTP API, described in a TOML file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birthmark.common.digests import canonical_json, sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image
from birthmark.models.adapters.api import ApiSuspect, Request, identity_of
from birthmark.models.adapters.api_pairs import PairApi
from birthmark.models.adapters.base import ADAPTERS, Description, Remote
from birthmark.models.adapters.declaration import Declaration
from birthmark.models.api_format.address import Address
from birthmark.models.api_format.bodies import base64_of, filled, json_body, media, multipart
from birthmark.models.api_format.document import Path as JsonPath
from birthmark.models.api_format.document import is_nothing, parsed, shown
from birthmark.models.api_format.environment import names_in, resolved_in
from birthmark.models.api_format.form import Form
from birthmark.models.api_format.reading import Reading, Taken, same
from birthmark.models.remote import Access, Reply

ASKING = {"url", "method", "headers", "image"}


class TemplateService:
    """An API as a file describes it.

    Parameters
    ----------
    path
        The file, `NAME.api.toml`.
    lineage
        The model's kind of architecture, if known.
    environment
        Which variables of the environment it may be sent; see `Access`.

    Raises
    ------
    BirthmarkError
        If the file is none, or says what cannot be.
    """

    def __init__(
        self, path: Path, lineage: str | None = None, environment: Sequence[str] = ()
    ) -> None:
        self._form, data = Form.read(path)
        self._source = str(path)
        address = Address.of(self._form.url)
        self._url = address.url
        self._site = address.site
        self._environment = environment
        self.reading: Reading = self._form.answer
        self._declaration = None
        if self._form.image.input is not None:
            fields = self._form.image.input | {"output": self.reading.output}
            self._declaration = Declaration.of(f"{path}: image.input", fields)
        self.symmetric = self._form.image.symmetric
        asked = self._form.model_dump(mode="json", include=ASKING)
        if asked["image"]["input"] is None:  # as before there was one, for the ledger's sake
            del asked["image"]["input"]
        asking = canonical_json(asked)
        self.identity = identity_of(
            "template", f"{address.scheme}://{address.site}{address.path}", sha256(asking)
        )
        self.description = Description(
            name=self._form.name or f"{address.site}{address.path}",
            adapter="template",
            output=self.reading.output,
            digest=sha256(data),
            declaration=self._declaration,
            lineage=lineage,
        )

    def request(self, images: Sequence[Image], *, secrets: bool) -> Request:
        """The file's question about one image, or two."""
        sent, data = self._form.image, [image.data for image in images]
        headers = {"Accept": "application/json", **self._form.headers}
        fields, body = sent.fields, sent.body
        hidden: tuple[str, ...] = ()
        if secrets:
            hidden = self._confirmed(names_in([headers, fields, body]))
            headers, fields, body = (
                resolved_in(one, self._source) for one in (headers, fields, body)
            )
        if sent.form == "multipart":
            names = [sent.field] + ([sent.second] if sent.second else [])
            kind, content = multipart(
                list(zip(names, data, strict=True)), fields, sent.content_type
            )
            form = "a form with " + " and ".join(f"the file {name}" for name in names)
        elif sent.form == "base64":
            slots = ["{image}"] if len(data) == 1 else ["{first}", "{second}"]
            texts = {slot: base64_of(one) for slot, one in zip(slots, data, strict=True)}
            kind, content = "application/json", json_body(filled(body, texts))
            form = "JSON with base64"
        elif self._declaration is not None:
            values = self._declaration.batch(list(images))[0]
            numbers = {"{image}": values.tolist(), "{image.flat}": values.ravel().tolist()}
            kind, content = "application/json", json_body(filled(body, numbers))
            form = f"JSON with {values.size:,} numbers"
        else:
            kind, content = sent.content_type or media(data[0])[0], data[0]
            form = "the file itself"
        headers["Content-Type"] = kind
        return Request(self._url, content, form, self._form.method, headers, hidden)

    def _confirmed(self, names: Sequence[str]) -> tuple[str, ...]:
        """The values of the environment's variables, if each may go to this host."""
        for name in names:
            exact = f"{name}@{self._site}"
            if not {name, exact} & {*self._environment}:
                raise BirthmarkError(
                    self._source,
                    f"would send your environment variable {name} to {self._site}",
                    f"pass --allow-env {exact} if you want that",
                )
        return tuple(os.environ.get(name, "") for name in names)

    def take(self, reply: Reply) -> Taken:
        """The answer where the file says it is."""
        name = self.description.name
        return self.reading.take(parsed(reply.body, name), name)

    def refused(self, reply: Reply) -> str | None:
        """What is said to an image, if it is a refusal by the file's rule."""
        rule = self._form.refused
        if rule is None:
            return None
        if reply.status in rule.statuses:
            return f"status {reply.status}, {shown(reply.body)}"
        if rule.path:
            try:
                document = parsed(reply.body, self._source)
                found = JsonPath(rule.path).all(document, self._source)
            except BirthmarkError:
                return None
            if rule.empty and is_nothing(found):
                return f"{shown(found[0]) if found else 'nothing'} at {rule.path}"
            if len(found) == 1 and any(same(found[0], one) for one in rule.equals):
                return shown(found[0])
        return None


def open_template(
    spec: str, fields: dict[str, Any], lineage: str | None, access: Access
) -> ApiSuspect | PairApi:
    """Open an API by its file.

    Raises
    ------
    BirthmarkError
        If the file is wrong, or more is declared than what it says.
    """
    service = TemplateService(Path(spec), lineage, access.environment)
    output = service.description.output
    if fields and fields != {"output": output.value}:
        raise BirthmarkError(
            spec,
            f"says what it answers ({output}), but {', '.join(fields)} was declared as well",
            "drop that; images are sent as files, not as numbers",
        )
    if service.reading.of_pairs:
        return PairApi(service, access)
    return ApiSuspect(service, access)


ADAPTERS.register(r".*\.api\.toml", example="service.api.toml")(lambda: Remote(open_template))
