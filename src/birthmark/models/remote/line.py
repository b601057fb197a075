"""The client's end of the two pipes to a courier."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.models.remote import frames
from birthmark.models.remote.access import Access
from birthmark.models.remote.call import Call
from birthmark.models.remote.record import State

COMMAND = [sys.executable, "-P", "-m", "birthmark.models.remote.courier"]


class Line:
    """A courier that was started, to write to and to hear from.

    Parameters
    ----------
    identity, access
        As for the `Client`.
    suspect
        Digest of the identity.
    """

    def __init__(self, identity: str, access: Access, suspect: str) -> None:
        self._access = access
        self._suspect = suspect
        self._left = False
        debug = bool(os.environ.get("BIRTHMARK_DEBUG"))
        process = subprocess.Popen(  # noqa: S603
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if debug else subprocess.DEVNULL,
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        self._process, self._to, self._from = process, process.stdin, process.stdout
        limits = asdict(access.limits)
        path = str(access.ledger.absolute())
        self._say({"identity": identity, "ledger": path, "limits": limits})

    def call(self, number: int, call: Call, state: State | None) -> None:
        """Have a call made, by which number its replies come."""
        fields = {
            "op": "call",
            "number": number,
            "key": call.key,
            "method": call.method,
            "url": call.url,
            "headers": dict(call.headers),
            "about": call.about,
            "attempts": state.attempts if state else 0,
            "used": state.used if state else 0,
            "suspect": self._suspect,
        }
        self._say(fields, call.body)

    def judge(self, row: int, outcome: str, reason: str | None = None) -> None:
        """Say what a received answer is worth; it is made again if it failed."""
        self._say({"op": "judge", "row": row, "outcome": outcome, "reason": reason})

    def stop(self) -> None:
        """Have nothing new sent; the frame `stopped` comes when all is recorded."""
        self._say({"op": "stop"})

    def hear(self) -> tuple[Mapping[str, Any], bytes]:
        """The next frame.

        Raises
        ------
        BirthmarkError
            If the courier ended or can't go on.
        """
        with contextlib.suppress(OSError):
            self._to.flush()
        frame = frames.read(self._from)
        if frame is None:
            raise self._broken("the process that sends was ended")
        if frame[0]["op"] == "broken":
            raise self._broken(str(frame[0]["problem"]))
        return frame

    def leave(self) -> None:
        """Let the courier end by itself: `end` will not wait for it."""
        self._left = True

    def end(self) -> None:
        """Let the courier record what it has and end; wait for it."""
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):
                pipe.close()
        if not self._left:
            self._process.wait()

    def _say(self, fields: dict[str, Any], content: bytes = b"") -> None:
        with contextlib.suppress(OSError):  # if it ended, `hear` says so
            self._to.write(frames.packed(fields, content))

    def _broken(self, problem: str) -> BirthmarkError:
        return BirthmarkError(
            self._access.ledger,
            problem,
            "what was answered before is kept, and the same command goes on from there",
        )
