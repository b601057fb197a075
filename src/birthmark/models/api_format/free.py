"""Reading what a server says about itself, which costs nothing and is asked again if it fails."""

from __future__ import annotations

import logging

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.models.api_format.document import parsed, shown
from birthmark.models.remote.access import loopback

MAX_BYTES = 1 << 20
ATTEMPTS = 4


def described(url: str, source: str, timeout: float) -> object:
    """The JSON at an address.

    Raises
    ------
    BirthmarkError
        If the server can't be reached, or answers otherwise than with JSON.
    """
    import httpx
    import stamina

    logging.getLogger("stamina").addHandler(logging.NullHandler())

    def get() -> tuple[int, bytes]:
        with httpx.stream(
            "GET",
            url,
            timeout=timeout,
            headers={"Accept": "application/json"},
            trust_env=not loopback(httpx.URL(url).host),
        ) as said:
            body = b""
            for part in said.iter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    break
            if said.status_code >= 500 or said.status_code == 429:
                raise httpx.HTTPStatusError(
                    f"status {said.status_code}", request=said.request, response=said
                )
            return said.status_code, body

    try:
        tries = stamina.retry_context(
            on=httpx.HTTPError, attempts=ATTEMPTS, timeout=timeout, wait_initial=0.2, wait_max=2
        )
        for attempt in tries:
            with attempt:
                status, body = get()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise BirthmarkError(
            source,
            f"cannot be reached ({type(error).__name__}: {one_line(str(error), 200)})",
            "check the address, and that the server runs",
        ) from error
    if status != 200:
        raise BirthmarkError(
            source,
            f"answers its description with status {status}: {shown(body)}",
            "check the model's name",
        )
    if len(body) > MAX_BYTES:
        raise BirthmarkError(source, "describes itself with over 1 MiB", "check the address")
    return parsed(body, source)
