"""What an HTTP status means for an audit."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus

from birthmark.common.errors import one_line

REFUSALS = {400, 413, 414, 415, 422, 451}
FORBIDDEN = 403
SHOWN = 200

_FIXES = {
    401: "check the key or password that its headers send",
    402: "pay for the service, or raise its quota",
    403: "check that the key may use this model",
    404: "check the address and the model's name in it",
    405: "check the method and the address",
    407: "check the proxy's user and password in the environment",
}


class Meaning(Enum):
    """Of an answer that is not to be tried again by itself."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    WRONG = "wrong"
    """The API is asked in a wrong way, so that no call will be answered."""


def meaning(status: int, proven: bool) -> Meaning:
    """What a status means.

    403 is a refusal once another call was answered: before, the key may be the wrong one.

    Parameters
    ----------
    status
        Of an answer in full, neither 408, 425, 429 nor 500 and above: these are tried again.
    proven
        Whether the suspect has answered any call.
    """
    if 200 <= status < 300:
        return Meaning.ANSWER
    if status in REFUSALS or (status == FORBIDDEN and proven):
        return Meaning.REFUSAL
    return Meaning.WRONG


def said(status: int, body: bytes) -> str:
    """A status and the beginning of what came with it, in one line."""
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    text = one_line(body[: 4 * SHOWN].decode(errors="replace"), SHOWN)
    return f"{phrase}: {text}" if text else phrase


def fix_of(status: int) -> str:
    """How to mend a call that is answered with a status that means `WRONG`."""
    if 300 <= status < 400:
        return "name the address that it redirects to; redirects are not followed"
    return _FIXES.get(status, "check the address, the method and the headers")
