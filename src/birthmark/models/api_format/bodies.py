"""Bodies of requests that carry images: the same bytes for the same question."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from birthmark.common.digests import sha256

MAGIC = {
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"\x89PNG": ("image/png", "png"),
    b"BM": ("image/bmp", "bmp"),
    b"RIFF": ("image/webp", "webp"),
    b"II*\0": ("image/tiff", "tif"),
    b"MM\0*": ("image/tiff", "tif"),
}


def media(data: bytes) -> tuple[str, str]:
    """Media type and file ending of an image file's bytes."""
    for magic, known in MAGIC.items():
        if data.startswith(magic):
            return known
    return "application/octet-stream", "bin"


def base64_of(data: bytes) -> str:
    """Bytes in base64, without line feeds."""
    return base64.b64encode(data).decode()


def json_body(value: object) -> bytes:
    """Compact JSON in ASCII; an object's names keep their order."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def filled(value: Any, slots: Mapping[str, Any]) -> Any:
    """A JSON value with slots such as `{image}` in its texts filled.

    What is no text takes the place of a text that is its slot and nothing else.
    """
    if isinstance(value, str):
        for slot, inner in slots.items():
            if isinstance(inner, str):
                value = value.replace(slot, inner)
            elif value == slot:
                return inner
        return value
    if isinstance(value, dict):
        return {name: filled(inner, slots) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, slots) for inner in value]
    return value


def multipart(
    files: Sequence[tuple[str, bytes]], fields: Mapping[str, str], content_type: str | None = None
) -> tuple[str, bytes]:
    """A form with files, as a browser sends it, and its content type.

    Parameters
    ----------
    files
        Names of fields and the bytes of image files.
    fields
        Other fields.
    content_type
        Of the files; None for what their bytes say.
    """
    import httpx

    named = []
    for i, (field, data) in enumerate(files):
        kind, ending = media(data)
        named.append((field, (f"image{i}.{ending}", data, content_type or kind)))
    digest = sha256(*(data for _, data in files), json_body(dict(fields)))
    kind = f"multipart/form-data; boundary={digest.removeprefix('sha256:')}"
    request = httpx.Request(
        "POST", "http://localhost", data=dict(fields), files=named, headers={"Content-Type": kind}
    )
    return kind, request.read()
