"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from birthmark.common.errors import BirthmarkError


def _declaring(name: str, metavar: str, text: str) -> Any:
    panel = "Preprocessing and output of the models"
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=panel)


Input = Annotated[
    str | None,
    _declaring("--input", "WxHxC", "Size and channels of the models' input, such as 48x48x1."),
]
Range = Annotated[
    str | None,
    _declaring("--range", "LOW:HIGH", "What pixel values 0 and 255 become, such as 0:1."),
]
Mean = Annotated[
    str | None, _declaring("--mean", "M[,M,M]", "Subtracted after that (0 for nothing).")
]
Std = Annotated[str | None, _declaring("--std", "S[,S,S]", "Then divided by (1 for nothing).")]
Output = Annotated[
    str | None,
    _declaring("--output", "KIND", "logits, probabilities, labels, embeddings or similarities."),
]
Layout = Annotated[str | None, _declaring("--layout", "AXES", "nchw (the default), nhwc or flat.")]
Order = Annotated[str | None, _declaring("--order", "RGB", "rgb (the default) or bgr.")]
Registry = Annotated[str, typer.Argument(help="A registry, or an address such as s3://bucket/r.")]
Resize = Annotated[
    str | None,
    typer.Option("--resize", metavar="WxH", help="Resize all images to this size first."),
]
SigningKey = Annotated[
    str, typer.Option("--key", help="A PEM file, env:VARIABLE or hsm:ID?label=TOKEN.")
]
SealPublished = Annotated[
    str | None,
    typer.Option(
        metavar="WORDS", help="Where and when the seal was published; this is signed too."
    ),
]
TimeStamp = Annotated[
    str | None, typer.Option(metavar="URL", help="An RFC 3161 service to time-stamp the signature.")
]
Detached = Annotated[
    bool, typer.Option("--detached", help="Leave the fingerprint and the answers out.")
]
Pdf = Annotated[bool, typer.Option("--pdf", help="Write report.pdf as well (extra `pdf`).")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def declared(
    size: str | None,
    span: str | None,
    mean: str | None,
    std: str | None,
    output: str | None,
    layout: str | None,
    order: str | None,
) -> dict[str, Any]:
    """The declaration's fields that were passed as options."""
    fields: dict[str, Any] = {}
    if size is not None:
        *sides, channels = _whole("--input", size, "48x48x1", 3)
        fields |= {"size": sides, "channels": channels}
    if span is not None:
        fields["range"] = _numbers("--range", span, ":", "0:1")
        if len(fields["range"]) != 2:
            raise BirthmarkError("--range", f"is {span!r}", "write it as 0:1")
    for name, text in (("mean", mean), ("std", std)):
        if text is not None:
            fields[name] = _numbers(f"--{name}", text, ",", "0.5 or 0.5,0.4,0.3")
    plain = {"output": output, "layout": layout, "order": order}
    return fields | {name: value for name, value in plain.items() if value is not None}


def sides(resize: str | None) -> tuple[int, int] | None:
    """Width and height of `--resize`."""
    if resize is None:
        return None
    width, height = _whole("--resize", resize, "48x48", 2)
    return width, height


def _whole(option: str, text: str, example: str, count: int) -> list[int]:
    parts = text.lower().split("x")
    if len(parts) != count or not all(part.isdecimal() and 0 < int(part) < 10**5 for part in parts):
        raise BirthmarkError(option, f"is {text!r}", f"write it as {example}")
    return [int(part) for part in parts]


def _numbers(option: str, text: str, separator: str, example: str) -> list[float]:
    try:
        return [float(part) for part in text.split(separator)]
    except ValueError as error:
        raise BirthmarkError(option, f"is {text!r}", f"write it as {example}") from error
