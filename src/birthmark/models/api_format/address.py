"""Where a service is, and what of that may be shown."""

from __future__ import annotations

from dataclasses import dataclass

from birthmark.common.errors import BirthmarkError
from birthmark.models.remote.access import loopback

MAX_ADDRESS = 2000


@dataclass(frozen=True)
class Address:
    """An HTTP address.

    Attributes
    ----------
    scheme, host, port, path
        Its parts; a port of None is the scheme's own.
    url
        What calls are sent to: without a fragment.
    fragment
        What follows `#`; it is never sent.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    url: str
    fragment: str

    @classmethod
    def of(cls, text: str) -> Address:
        """Take an address apart.

        Raises
        ------
        BirthmarkError
            If it is none, or holds a user name or password.
        """
        import httpx

        shown = text.partition("?")[0].rpartition("@")[2]
        try:
            url = httpx.URL(text) if len(text) <= MAX_ADDRESS else httpx.URL("")
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise BirthmarkError(shown, "is not an address", "write https://host/path") from error
        port = 1 if url.port is None else url.port
        if url.scheme not in ("https", "http") or not url.host or not 0 < port < 1 << 16:
            raise BirthmarkError(shown, "is not an address", "write https://host/path")
        if url.userinfo:
            raise BirthmarkError(
                shown,
                "its address holds a user name or password, which would be visible to many",
                "take it from the environment; in a template, Authorization = 'Basic ${NAME}'",
            )
        bare = str(url.copy_with(fragment=None))
        return cls(url.scheme, url.host, url.port, url.path, bare, url.fragment)

    @property
    def site(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether nobody on the way can read what is sent there."""
        return self.scheme == "https" or loopback(self.host)
