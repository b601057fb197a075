"""ONNX files, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birthmark.digests import sha256_of_file
from birthmark.errors import BirthmarkError
from birthmark.images import Image
from birthmark.outputs import Outputs
from birthmark.suspects.base import ADAPTERS, Description
from birthmark.suspects.declaration import HOW_TO_DECLARE, Declaration


class OnnxSuspect:
    """A model in an ONNX file with one image input; its first output is the answer.

    Parameters
    ----------
    path
        The file.
    fields
        The declaration's fields; what is missing or contradicts the file is told.
    family
        Its kind of architecture, if known.

    Raises
    ------
    BirthmarkError
        If the file is no ONNX model, or the declaration does not fit it.
    """

    def __init__(self, path: str | Path, fields: dict[str, Any], family: str | None = None) -> None:
        path = Path(path)
        self._session = _session(path)
        self._input = self._session.get_inputs()[0]
        self._output = self._session.get_outputs()[0].name
        self._source = str(path)
        seen = f"{path} (its input is {self._input.name!r} {self._input.type} {self._input.shape})"
        self._declaration = Declaration.of(seen, fields)
        self._require_fit(seen)
        fixed = self._input.shape[0]
        self.batch: int | None = fixed if isinstance(fixed, int) and fixed > 0 else 32
        self._fixed = isinstance(fixed, int) and fixed > 0
        self.description = Description(
            name=path.name,
            adapter="onnx",
            output=self._declaration.output,
            digest=sha256_of_file(path),
            declaration=self._declaration,
            family=family,
        )

    def _require_fit(self, seen: str) -> None:
        if self._input.type != "tensor(float)":
            raise BirthmarkError(seen, "takes no float32", "export it with a float32 input")
        expected = self._input.shape[1:]
        declared = self._declaration.shape()
        fits = len(expected) == len(declared) and all(
            have == want or not isinstance(have, int)
            for have, want in zip(expected, declared, strict=True)
        )
        if not fits:
            raise BirthmarkError(seen, f"the declared image is {list(declared)}", HOW_TO_DECLARE)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """Run the network; a file with a fixed batch size gets its last batch filled up."""
        wanted = list(images)
        if self._fixed and self.batch:
            wanted += [wanted[-1]] * (-len(wanted) % self.batch)
        try:
            (values,) = self._session.run(
                [self._output], {self._input.name: self._declaration.batch(wanted)}
            )
        except BirthmarkError:
            raise
        except Exception as error:  # onnxruntime raises types of its own for each failure
            raise BirthmarkError(
                self._source, f"failed on an image ({error})", "check the declared input"
            ) from error
        if len(values) != len(wanted):
            raise BirthmarkError(
                self._source,
                f"answered {len(wanted)} images with the shape {values.shape}",
                "export it with the batch as first axis of its first output",
            )
        return Outputs.checked(values[: len(images)], self._declaration.output, self._source)


ADAPTERS.register(r".*\.onnx", example="victim.onnx")(lambda: OnnxSuspect)


def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise BirthmarkError(path, "does not exist", "name an .onnx file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BirthmarkError(
            path, f"is not a readable ONNX model ({error})", "export it again"
        ) from error
    if len(session.get_inputs()) != 1:
        names = [i.name for i in session.get_inputs()]
        raise BirthmarkError(path, f"has the inputs {names}", "export it with one image input")
    return session
