"""Messages between an audit and its courier: a few fields and some bytes."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import IO, Any

HEAD = struct.Struct(">II")
MAX_FIELDS, MAX_BYTES = 1 << 20, 256 << 20

Frame = tuple[dict[str, Any], bytes]


def packed(fields: dict[str, Any], content: bytes = b"") -> bytes:
    """A frame as bytes."""
    text = json.dumps(fields, separators=(",", ":")).encode()
    if len(text) > MAX_FIELDS or len(content) > MAX_BYTES:
        raise ValueError("a frame is too large")
    return b"".join((HEAD.pack(len(text), len(content)), text, content))


def read(stream: IO[bytes]) -> Frame | None:
    """The next frame; None if the stream ended, in the middle of one included."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    fields, content = _sizes(head)
    text, rest = stream.read(fields), stream.read(content)
    return None if len(text) < fields or len(rest) < content else (json.loads(text), rest)


async def receive(stream: asyncio.StreamReader) -> Frame | None:
    """As `read`, from an asyncio stream."""
    try:
        fields, content = _sizes(await stream.readexactly(HEAD.size))
        text = await stream.readexactly(fields)
        return json.loads(text), await stream.readexactly(content) if content else b""
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _sizes(head: bytes) -> tuple[int, int]:
    fields, content = HEAD.unpack(head)
    if fields > MAX_FIELDS or content > MAX_BYTES:
        raise ValueError("a frame is too large")
    return fields, content
