"""A socket, and a server behind it."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from birthmark.common.errors import BirthmarkError


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound; port 0 takes a free one.

    Raises
    ------
    BirthmarkError
        If the address cannot be had.
    """
    lineage = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(lineage)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
        one.listen(128)
    except (OSError, OverflowError) as error:
        one.close()
        raise BirthmarkError(
            f"{host}:{port}",
            f"cannot be used ({getattr(error, 'strerror', None) or error})",
            "pass --port 0 for a free port, or another --host",
        ) from error
    return one


def address(one: socket.socket) -> str:
    """How clients reach it."""
    host, port = one.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(app: ASGIApp) -> uvicorn.Server:
    """A server that says nothing unless something is wrong."""
    return uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
