"""Networks of the library timm, by name."""

from __future__ import annotations

from torch import nn

from birthmark.common.errors import BirthmarkError

TIMM = "timm:"


def of_timm(spec: str, outputs: int, channels: int, *, published: bool) -> nn.Module:
    """Make `timm:NAME`, with its published weights or random ones.

    Raises
    ------
    BirthmarkError
        If timm is not installed, or can't make it.
    """
    try:
        import timm
    except Exception as error:  # a torchvision that does not fit raises what it likes
        raise BirthmarkError(
            spec, f"needs timm ({error})", "run `pip install 'birthmark[timm]'`"
        ) from error
    try:
        made: nn.Module = timm.create_model(
            spec.removeprefix(TIMM), pretrained=published, num_classes=outputs, in_chans=channels
        )
    except Exception as error:
        raise BirthmarkError(
            spec,
            f"timm cannot make it ({type(error).__name__}: {error})",
            "name a model of timm.list_models(), or pass its weights by --init FILE.safetensors",
        ) from error
    return made
