"""The server's addresses together, and its errors in one form."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from birthmark import __version__
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.serving import forms, open_inference
from birthmark.serving.gate import Gate
from birthmark.serving.model import Served

KEYS_SHOWN = 1000


def application(
    model: Served,
    *,
    latency: float = 0.0,
    fail: float = 0.0,
    seed: int = 0,
    hosts: Sequence[str] = (),
) -> ASGIApp:
    """An ASGI application that serves one model.

    Parameters
    ----------
    model
        The model.
    latency, fail, seed
        Faults made on purpose; see `Gate`.
    hosts
        Names by which clients may call this machine; see `Gate`.
    """
    app = FastAPI(title="birthmark serve", version=__version__, docs_url=None, redoc_url=None)
    gate = Gate(app, latency=latency, fail=fail, seed=seed, hosts=hosts)
    app.include_router(open_inference.routes(model))
    app.include_router(forms.routes(model))

    @app.get("/stats")
    def stats() -> dict[str, Any]:
        counts = {name: gate.counts[name] for name in ("calls", "failed", "repeated")}
        latest = dict(islice(reversed(gate.keys.items()), KEYS_SHOWN))
        return counts | model.counts() | {"keys": latest}

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _said(400, f"{where or 'the body'}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return _said(error.status_code, str(error.detail))

    @app.exception_handler(BirthmarkError)
    def unusable(_: Request, error: BirthmarkError) -> JSONResponse:
        return _said(400, str(error))

    return gate


def _said(status: int, problem: str) -> JSONResponse:
    return JSONResponse({"error": one_line(problem, 300)}, status)
