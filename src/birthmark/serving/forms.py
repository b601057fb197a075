"""What services of their own protocol look like: comparing two images, and classifying one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile

from birthmark.data.images import Image
from birthmark.serving.model import Served
from birthmark.serving.open_inference import from_base64


def routes(model: Served) -> APIRouter:
    """`/v1/compare` and `/v1/classify`, each by a form with files or by JSON with base64."""
    router = APIRouter()

    @router.post("/v1/compare")
    async def compare(request: Request) -> dict[str, Any]:
        one, other = await _images(request, "image1", "image2")
        similarity = await run_in_threadpool(model.similarity, one, other)
        return {"similarity": similarity, "match": similarity >= model.threshold}

    @router.post("/v1/classify")
    async def classify(request: Request) -> dict[str, Any]:
        (image,) = await _images(request, "image")
        return {"predictions": await run_in_threadpool(model.labels, image)}

    return router


async def _images(request: Request, *names: str) -> list[Image]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _of_form(request, names)
    if kind == "application/json":
        return await _of_json(request, names)
    raise HTTPException(415, "send multipart/form-data or application/json")


async def _of_form(request: Request, names: tuple[str, ...]) -> list[Image]:
    images = []
    try:
        async with request.form(max_files=len(names), max_fields=16) as form:
            for name in names:
                file = form.get(name)
                if not isinstance(file, UploadFile):
                    raise HTTPException(400, f"the form has no file {name}")
                images.append(Image(await file.read(), name))
    except FormParserError as error:
        raise HTTPException(400, "the form is broken") from error
    return images


async def _of_json(request: Request, names: tuple[str, ...]) -> list[Image]:
    try:
        document = await request.json()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(document, dict) or any(name not in document for name in names):
        raise HTTPException(400, f"the JSON must be an object with {' and '.join(names)}")
    return [Image(from_base64(document[name]), name) for name in names]
