"""Any Python function from a batch of images to answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256_of_file
from birthmark.common.errors import BirthmarkError
from birthmark.common.importing import imported
from birthmark.data.images import Image
from birthmark.data.outputs import Outputs
from birthmark.models.adapters.base import ADAPTERS, Description
from birthmark.models.adapters.declaration import Declaration

Function = Callable[[NDArray[np.float32]], object]


class CallableSuspect:
    """A function from float32 images in the declared layout to answers.

    Parameters
    ----------
    function
        Takes one array, returns (n, width), or (n,) for labels.
    fields
        The declaration's fields.
    name
        How messages call it.
    digest
        Digest of what answers, if it has one.
    lineage
        Its kind of architecture, if known.
    """

    batch: int | None = 32
    adapter = "callable"

    def __init__(
        self,
        function: Function,
        fields: dict[str, Any],
        *,
        name: str | None = None,
        digest: str | None = None,
        lineage: str | None = None,
    ) -> None:
        name = name or str(getattr(function, "__name__", type(function).__name__))
        self._function = function
        self._declaration = Declaration.of(name, fields)
        self.description = Description(
            name=name,
            adapter=self.adapter,
            output=self._declaration.output,
            digest=digest,
            declaration=self._declaration,
            lineage=lineage,
        )

    @classmethod
    def named(
        cls, spec: str, fields: dict[str, Any], lineage: str | None = None
    ) -> CallableSuspect:
        """Import `module:function`; the current folder is searched first.

        Raises
        ------
        BirthmarkError
            If there is no such function.
        """
        try:
            module, function = imported(spec)
        except Exception as error:
            raise BirthmarkError(
                spec,
                f"cannot be imported ({type(error).__name__}: {error})",
                "name a module:function that can be imported",
            ) from error
        file = getattr(module, "__file__", None)
        digest = sha256_of_file(Path(file)) if file else None
        return cls(function, fields, name=spec, digest=digest, lineage=lineage)

    def answer(self, images: Sequence[Image]) -> Outputs:
        """Call the function."""
        name = self.description.name
        values = self._call(self._declaration.batch(list(images)))
        outputs = Outputs.checked(values, self._declaration.output, name)
        if len(outputs) != len(images):
            raise BirthmarkError(
                name,
                f"answered {len(images)} images with {len(outputs)}",
                "return one answer for each",
            )
        return outputs

    def _call(self, batch: NDArray[np.float32]) -> object:
        try:
            return self._function(batch)
        except Exception as error:
            raise BirthmarkError(
                self.description.name,
                f"failed on an image ({type(error).__name__}: {error})",
                "check the declared input, or the function",
            ) from error


ADAPTERS.register(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", example="module:function")(
    lambda: CallableSuspect
)
