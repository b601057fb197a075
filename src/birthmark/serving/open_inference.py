"""The Open Inference Protocol, version 2, over REST."""

from __future__ import annotations

import base64
import binascii
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException
from fastapi.concurrency import run_in_threadpool
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from birthmark import __version__
from birthmark.data.images import Image
from birthmark.data.outputs import Kind
from birthmark.serving.model import Served

VERSION = "1"
FILES = "-files"
"""What is put after a model's name where it takes image files instead of numbers."""
MOST_IMAGES = 256


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Tensor(_Part):
    """An input: numbers, flat or nested, or image files in base64."""

    name: Annotated[str, Field(max_length=200)]
    datatype: Literal["FP32", "BYTES"]
    shape: Annotated[list[Annotated[int, Field(ge=0, le=1 << 31)]], Field(max_length=8)]
    data: list[Any]


class Wanted(_Part):
    """An output that is asked for."""

    name: Annotated[str, Field(max_length=200)]


class Question(_Part):
    """A request's body."""

    id: Annotated[str, Field(max_length=200)] | None = None
    inputs: Annotated[list[Tensor], Field(min_length=1, max_length=1)]
    outputs: Annotated[list[Wanted], Field(max_length=8)] = []


def routes(model: Served) -> APIRouter:
    """The protocol's addresses for one model, and the same with `-files` after its name."""
    router = APIRouter()

    @router.get("/v2")
    def server() -> dict[str, Any]:
        return {"name": "birthmark", "version": __version__, "extensions": []}

    @router.get("/v2/health/live")
    def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/v2/health/ready")
    def ready() -> dict[str, bool]:
        return {"ready": True}

    def known(name: str, version: str) -> str:
        if name not in (model.name, model.name + FILES) or version != VERSION:
            raise HTTPException(404, f"there is no model of this name and version; {model.name} is")
        return name

    @router.get("/v2/models/{name}")
    @router.get("/v2/models/{name}/versions/{version}")
    def metadata(name: str, version: str = VERSION) -> dict[str, Any]:
        files = known(name, version).endswith(FILES) and name != model.name
        labels = model.kind is Kind.LABELS
        return {
            "name": name,
            "versions": [VERSION],
            "platform": "birthmark",
            "inputs": [
                {"name": "image", "datatype": "BYTES", "shape": [-1]}
                if files
                else {
                    "name": "image",
                    "datatype": "FP32",
                    "shape": [-1, *model.declaration.shape()],
                }
            ],
            "outputs": [
                {
                    "name": model.kind.value,
                    "datatype": "INT64" if labels else "FP32",
                    "shape": [-1] if labels else [-1, -1],
                }
            ],
        }

    @router.get("/v2/models/{name}/ready")
    @router.get("/v2/models/{name}/versions/{version}/ready")
    def model_ready(name: str, version: str = VERSION) -> dict[str, Any]:
        return {"name": known(name, version), "ready": True}

    @router.post("/v2/models/{name}/infer")
    @router.post("/v2/models/{name}/versions/{version}/infer")
    async def infer(name: str, question: Question, version: str = VERSION) -> dict[str, Any]:
        known(name, version)
        if any(one.name != model.kind.value for one in question.outputs):
            raise HTTPException(400, f"there is no such output; {model.kind} is")
        images = await run_in_threadpool(_images, model, question.inputs[0])
        outputs = await run_in_threadpool(model.answer, images)
        said: dict[str, Any] = {} if question.id is None else {"id": question.id}
        return said | {
            "model_name": name,
            "model_version": VERSION,
            "outputs": [
                {
                    "name": model.kind.value,
                    "datatype": "INT64" if model.kind is Kind.LABELS else "FP32",
                    "shape": list(outputs.values.shape),
                    "data": outputs.values.ravel().tolist(),
                }
            ],
        }

    return router


def _images(model: Served, tensor: Tensor) -> list[Image]:
    if tensor.name != "image":
        raise HTTPException(400, "there is no such input; image is")
    if tensor.datatype == "BYTES":
        return _files(tensor)
    inner = model.declaration.shape()
    if tuple(tensor.shape[1:]) != inner or not 1 <= tensor.shape[0] <= MOST_IMAGES:
        raise HTTPException(
            400, f"the shape is {tensor.shape}; it must be {[1, *inner]} to {[MOST_IMAGES, *inner]}"
        )
    return model.images(_numbers(tensor).reshape(tensor.shape))


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            values = np.asarray(tensor.data)
            numbers = values.astype(np.float32).ravel() if values.dtype.kind in "fiu" else None
    except (ValueError, OverflowError):
        numbers = None
    if numbers is None or not np.isfinite(numbers).all():
        raise HTTPException(400, "data must be finite numbers, flat or nested as the shape is")
    if numbers.size != prod(tensor.shape):
        raise HTTPException(400, f"data has {numbers.size} numbers, the shape {tensor.shape}")
    return numbers


def _files(tensor: Tensor) -> list[Image]:
    if not 1 <= len(tensor.data) <= MOST_IMAGES or prod(tensor.shape) != len(tensor.data):
        raise HTTPException(
            400, f"data must be 1 to {MOST_IMAGES} files, as many as the shape says"
        )
    return [Image(from_base64(text), f"image {i}") for i, text in enumerate(tensor.data)]


def from_base64(text: object) -> bytes:
    """The bytes of a file in base64.

    Raises
    ------
    HTTPException
        If it is none.
    """
    try:
        if isinstance(text, str):
            return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise HTTPException(400, "an image is not base64")
