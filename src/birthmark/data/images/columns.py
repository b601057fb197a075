"""Which columns of a Parquet file hold images and labels."""

from __future__ import annotations

from typing import Any, NamedTuple

from birthmark.common.errors import BirthmarkError

IMAGES = ("image", "img", "images")
LABELS = ("label", "labels", "fine_label", "target", "class")


class Columns(NamedTuple):
    """The names of both; None if nothing is called like labels."""

    image: str
    label: str | None


def found(schema: Any, source: str) -> Columns:
    """Find them by their names and forms.

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
    images = [name for name, kind in kinds.items() if _holds_images(kind)]
    named = [name for name in IMAGES if name in images]
    if not named and len(images) != 1:
        fault = "several columns that may hold images" if images else "no column of images"
        raise BirthmarkError(
            source,
            f"has {fault}; its columns are {there}",
            "call one of {bytes, path} or of bytes 'image'",
        )
    label = next((name for name in LABELS if name in kinds), None)
    if label is not None and not _holds_labels(kinds[label]):
        raise BirthmarkError(
            source, f"has labels of {kinds[label]} in {label!r}", "write integers or text"
        )
    return Columns((named or images)[0], label)


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
