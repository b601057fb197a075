"""Reading what a server says about itself, which costs nothing and is asked again if it fails."""

from __future__ import annotations

import logging

from birthmark.common.errors import BirthmarkError, one_line
from birthmark.models.api_format.document import parsed, shown
from birthmark.models.remote.access import Access, loopback, verifying

MAX_BYTES = 1 << 20
ATTEMPTS = 4
REDIRECTS = 3


def described(url: str, source: str, access: Access) -> object:
    """The JSON at an address; a redirect within its site is followed.

    Raises
    ------
    BirthmarkError
        If the server can't be reached, or answers otherwise than with JSON.
    """
    import httpx
    import stamina

    logging.getLogger("stamina").addHandler(logging.NullHandler())
    timeout = access.limits.timeout

    def get(url: httpx.URL, redirects: int = REDIRECTS) -> tuple[int, bytes]:
        with httpx.stream(
            "GET",
            url,
            timeout=timeout,
            headers={"Accept": "application/json", **access.sent()},
            trust_env=not loopback(url.host),
            verify=verifying(access.ca_file),
        ) as said:
            if 300 <= said.status_code < 400 and (to := said.headers.get("location")):
                there = url.join(to)
                same = (there.scheme, there.host, there.port) == (url.scheme, url.host, url.port)
                if not same or not redirects:
                    raise BirthmarkError(
                        source,
                        f"redirects to {shown(str(there).partition('?')[0])}",
                        "name that address if it belongs to the server",
                    )
                return get(there, redirects - 1)
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
                status, body = get(httpx.URL(url))
    except BirthmarkError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise BirthmarkError(
            source,
            f"cannot be reached ({type(error).__name__}: {one_line(str(error), 200)})",
            "if its certificate is self-signed or from your own authority, pass --ca-file FILE"
            " with that certificate (PEM)"
            if "CERTIFICATE_VERIFY_FAILED" in str(error)
            else "check the address, and that the server runs",
        ) from error
    if status != 200:
        raise BirthmarkError(
            source,
            f"answers with status {status} when asked for its description: {shown(body)}",
            "send the key it wants: --header Authorization=NAME, with the name of the environment"
            " variable"
            if status in (401, 403)
            else "check the model's name, or --header Host=NAME if a gateway chooses by host",
        )
    if len(body) > MAX_BYTES:
        raise BirthmarkError(source, "describes itself in over 1 MiB", "check the address")
    return parsed(body, source)
