"""Which columns of a Parquet file hold images and labels."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from birthmark.common.errors import BirthmarkError

IMAGES = ("image", "img", "images")
LABELS = ("label", "labels", "fine_label", "target", "class")


MAX_SCHEMA = 16 << 20


class Columns(NamedTuple):
    """The names of both columns, and of the classes.

    Attributes
    ----------
    image
        The column of images.
    label
        That of labels; None if nothing is called like labels.
    classes
        The names of the classes by label, where the schema has them.
    """

    image: str
    label: str | None
    classes: tuple[str, ...] = ()


def found(schema: Any, source: str) -> Columns:
    """Find them by the schema of Hugging Face datasets, else by their names and forms.

    Parameters
    ----------
    schema
        An Arrow schema.
    source
        How messages call the file.

    Raises
    ------
    BirthmarkError
        If there are no images, several columns could be them, or labels are of another form.
    """
    kinds = {field.name: field.type for field in schema}
    there = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "none"
    typed = {name: kind for name, kind in _features(schema).items() if name in kinds}
    images = [name for name, kind in kinds.items() if _holds_images(kind)]
    images = [name for name in images if typed.get(name, {}).get("_type") == "Image"] or images
    named = [name for name in IMAGES if name in images]
    if not named and len(images) != 1:
        paths = [name for name, kind in kinds.items() if _holds_paths(kind)]
        if paths and not images:
            raise BirthmarkError(
                source,
                f"holds paths of images in {paths[0]!r}, not the images",
                "name the folder they are in, or store their bytes in the file",
            )
        fault = "several columns that may hold images" if images else "no column of images"
        raise BirthmarkError(
            source,
            f"has {fault}; its columns are {there}",
            "call one of {bytes, path} or of bytes 'image'",
        )
    classed = [name for name, kind in typed.items() if kind.get("_type") == "ClassLabel"]
    label = next((name for name in LABELS if name in kinds), None)
    if label is None and len(classed) == 1:
        label = classed[0]
    if label is not None and not _holds_labels(kinds[label]):
        raise BirthmarkError(
            source, f"has labels of {kinds[label]} in {label!r}", "write integers or text"
        )
    names = typed.get(label or "", {}).get("names")
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        names = []
    return Columns((named or images)[0], label, tuple(names))


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    """What the Hugging Face library wrote of each column; nothing if that is unreadable."""
    said = (schema.metadata or {}).get(b"huggingface", b"")
    if len(said) > MAX_SCHEMA:
        return {}
    try:
        features = json.loads(said)["info"]["features"]
        return {name: kind for name, kind in features.items() if isinstance(kind, dict)}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _holds_paths(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_struct(kind) and {"bytes", "path"} <= {field.name for field in kind})


def _plain(kind: Any) -> Any:
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


def _holds_images(kind: Any) -> bool:
    from pyarrow import types

    kind = _plain(kind)
    if types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _holds_images(kind.field(at).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _holds_labels(kind: Any) -> bool:
    from pyarrow import types

    kind = _plain(kind)
    forms = (types.is_integer, types.is_string, types.is_large_string, types.is_null)
    return any(form(kind) for form in forms)
