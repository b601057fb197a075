"""Messages between the two processes: a short JSON header, then an array's bytes. Never pickles.

Each frame is the header's length (4 bytes, little-endian), the header, and as many bytes as the
header's dtype and shape say. Whatever comes in is checked before anything is allocated.
"""

from __future__ import annotations

import json
import math
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_HEADER = 1 << 16
MAX_AXES = 8
DTYPES = frozenset(
    ["<f2", "<f4", "<f8", "|b1", "|i1", "|u1"] + [f"<{k}{size}" for k in "iu" for size in (2, 4, 8)]
)
TICK = 20
"""Milliseconds between two calls of `watch`, however much moves."""


class FrameError(Exception):
    """A frame that no honest process sends; says which."""


class Channel:
    """One end of a connection.

    Parameters
    ----------
    connection
        A stream socket; closed with the channel.
    watch
        Called again and again while a frame is waited for; raises to give up. None to wait forever.
    """

    def __init__(self, connection: socket.socket, watch: Callable[[], None] | None = None) -> None:
        self._socket = connection
        self._watch = watch
        self._watched = 0.0
        connection.setblocking(False)
        self._poll = select.poll()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def send(self, header: dict[str, Any], array: NDArray[Any] | None = None) -> None:
        """Send a frame.

        Raises
        ------
        EOFError
            If the other end is gone.
        """
        if array is not None:
            array = np.ascontiguousarray(array)
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            header = header | {"dtype": array.dtype.str, "shape": list(array.shape)}
        text = json.dumps(header).encode()
        self._send(memoryview(len(text).to_bytes(4, "little") + text))
        if array is not None and array.size:
            self._send(memoryview(array.reshape(-1).view(np.uint8).data))

    def receive(self, limit: int) -> tuple[dict[str, Any], NDArray[Any] | None]:
        """The next frame, with an array of up to `limit` bytes if it has one.

        Raises
        ------
        EOFError
            If the other end is gone.
        FrameError
            If what comes is no frame, or its array is of another dtype or too large.
        """
        length = int.from_bytes(self._receive(bytearray(4)), "little")
        if length > MAX_HEADER:
            raise FrameError(f"a header of {length} bytes")
        try:
            header = json.loads(bytes(self._receive(bytearray(length))))
        except (ValueError, RecursionError) as error:
            raise FrameError("a header that is not JSON") from error
        if not isinstance(header, dict):
            raise FrameError("a header that is not an object")
        if "dtype" not in header:
            return header, None
        dtype, shape = header["dtype"], header.get("shape")
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise FrameError(f"numbers of the type {dtype!r}")
        if (
            not isinstance(shape, list)
            or len(shape) > MAX_AXES
            or not all(type(side) is int and 0 <= side < 1 << 40 for side in shape)
        ):
            raise FrameError(f"the shape {shape!r}")
        if math.prod(max(side, 1) for side in shape) * np.dtype(dtype).itemsize > limit:
            raise FrameError(f"the shape {tuple(shape)}, which is over {limit >> 20} MiB")
        array = np.empty(shape, dtype)
        if array.size:
            self._receive(memoryview(array.reshape(-1).view(np.uint8).data))
        return header, array

    def _send(self, data: memoryview) -> None:
        try:
            while data:
                self._look()
                try:
                    data = data[self._socket.send(data) :]
                except BlockingIOError:
                    self._wait(select.POLLOUT)
        except ConnectionError as error:
            raise EOFError from error

    def _receive(self, into: bytearray | memoryview) -> bytearray | memoryview:
        rest = memoryview(into)
        while rest:
            self._look()
            try:
                count = self._socket.recv_into(rest)
            except BlockingIOError:
                self._wait(select.POLLIN)
                continue
            except ConnectionError as error:
                raise EOFError from error
            if not count:
                raise EOFError
            rest = rest[count:]
        return into

    def _wait(self, event: int) -> None:
        self._poll.register(self._socket, event)
        while not self._poll.poll(None if self._watch is None else TICK):
            self._look()

    def _look(self) -> None:
        if self._watch is not None and time.monotonic() - self._watched > TICK / 1000:
            self._watch()
            self._watched = time.monotonic()
