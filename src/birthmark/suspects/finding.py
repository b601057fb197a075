"""From a path, a `module:function` or a Python object to the adapter that reaches it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from birthmark.errors import BirthmarkError
from birthmark.remote.access import Access
from birthmark.suspects.base import ADAPTERS, PairSuspect, Remote, Suspect
from birthmark.suspects.callable import CallableSuspect
from birthmark.suspects.declaration import Declaration, combined, declared_beside
from birthmark.suspects.recorded import RecordedSuspect

PICKLES = re.compile(r".*\.(pt|pth|pkl|pickle|joblib|ckpt|bin)")
REMOTE = re.compile(r"https?://.*|.*\.api\.toml", re.IGNORECASE | re.DOTALL)
MODELS = "*.onnx", "*.safetensors", "*.npz", "*.csv"

Declared = Declaration | Mapping[str, Any] | None


def open_suspect(
    spec: str,
    declared: Declared = None,
    family: str | None = None,
    access: Access | None = None,
) -> Suspect:
    """Open a model by its file, its address or `module:function`.

    Parameters
    ----------
    spec
        `model.onnx`, recorded answers (`.csv`, `.npz`, `.safetensors`), `module:function`, an
        address of a server, or `NAME.api.toml`.
    declared
        A declaration or some of its fields; a TOML file beside the model may give the others.
    family
        Its kind of architecture, if known.
    access
        For a model behind an API: where its answers are kept, and the limits of asking it.

    Raises
    ------
    BirthmarkError
        If no adapter reaches it, or the declaration is missing or does not fit.
    """
    suspect = open_any(spec, declared, family, access)
    if isinstance(suspect, PairSuspect):
        raise BirthmarkError(spec, "only compares two images", "it can be audited, nothing else")
    return suspect


def open_any(
    spec: str,
    declared: Declared = None,
    family: str | None = None,
    access: Access | None = None,
) -> Suspect | PairSuspect:
    """As `open_suspect`, but a service that only compares two images is opened too."""
    if is_remote(spec):
        return _opened_remote(spec, _fields(declared), family, access)
    if PICKLES.fullmatch(spec.lower()):
        raise BirthmarkError(
            spec,
            "may be a pickle, which could run anything, and is never loaded",
            "export it to ONNX (torch.onnx.export), or pass the loaded model in Python",
        )
    passed = _fields(declared)
    if ":" in spec and not Path(spec).exists():
        return CallableSuspect.named(spec, passed, family)
    try:
        adapter: Any = ADAPTERS.make(spec)
    except BirthmarkError as error:
        if not Path(spec).exists():
            raise BirthmarkError(spec, "does not exist", "name a file or folder") from error
        raise BirthmarkError(
            spec,
            "is no model that can be reached",
            "name an .onnx file, recorded answers (.csv, .npz, .safetensors) or module:function",
        ) from error
    beside = {} if adapter is RecordedSuspect else declared_beside(Path(spec))
    suspect: Suspect = adapter(spec, combined(spec, beside, passed), family)
    return suspect


def is_remote(spec: str) -> bool:
    """Whether a model is behind an API: an address, or a file that describes one."""
    return REMOTE.fullmatch(spec) is not None


def stated_limits(spec: str) -> dict[str, Any]:
    """The fields of `Limits` that a file which describes an API states.

    Raises
    ------
    BirthmarkError
        If it is wrong.
    """
    if not spec.lower().endswith(".api.toml"):
        return {}
    from birthmark.remote.form import Form

    return Form.read(Path(spec))[0].stated_limits()


def _opened_remote(
    spec: str, fields: dict[str, Any], family: str | None, access: Access | None
) -> Suspect | PairSuspect:
    try:
        adapter = ADAPTERS.make(spec)
    except BirthmarkError as error:
        raise BirthmarkError(
            spec.partition("?")[0].rpartition("@")[2],
            "is no address of a known protocol",
            "write https://host/v2/models/NAME (Open Inference Protocol),"
            " https://host/v1/models/NAME (TensorFlow Serving), or describe it in a .api.toml",
        ) from error
    if access is None or not isinstance(adapter, Remote):
        raise BirthmarkError(
            spec.partition("?")[0].rpartition("@")[2],
            "is asked over a network, and there is no place to keep its answers",
            "pass --ledger FILE (in Python open_suspect(..., access=Access(Path(...))))",
        )
    return adapter.opened(spec, fields, family, access)


def open_all(specs: list[str], declared: Declared = None) -> list[Suspect]:
    """Open models and folders of models, in order; a sub-folder's name is its models' family.

    Raises
    ------
    BirthmarkError
        If a folder holds no model, or one cannot be opened.
    """
    suspects: list[Suspect] = []
    for spec in specs:
        folder = Path(spec)
        if not folder.is_dir():
            suspects.append(open_suspect(spec, declared))
            continue
        files = sorted({file for pattern in MODELS for file in folder.rglob(pattern)})
        if not files:
            raise BirthmarkError(folder, "holds no models", f"put {', '.join(MODELS)} there")
        for file in files:
            inside = file.relative_to(folder).parts[:-1]
            suspects.append(open_suspect(str(file), declared, inside[0] if inside else None))
    return suspects


def as_suspect(
    model: Any,
    declared: Declared = None,
    *,
    name: str | None = None,
    family: str | None = None,
    access: Access | None = None,
) -> Suspect:
    """Reach a model given in Python: an adapter, a path, a scikit-learn or torch model, a function.

    Parameters
    ----------
    model
        The model.
    declared
        Its declaration, or the declaration's fields.
    name
        How to call it.
    family
        Its kind of architecture, if known.
    access
        As for `open_suspect`.

    Raises
    ------
    BirthmarkError
        If no adapter takes it, or the declaration is missing or does not fit.
    """
    if isinstance(model, str | Path):
        return open_suspect(str(model), declared, family, access)
    if hasattr(model, "answer") and hasattr(model, "description"):
        suspect: Suspect = model
        return suspect
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    fields = _fields(declared)
    if "torch" in roots:
        from birthmark.suspects.torch_module import TorchSuspect

        return TorchSuspect(model, fields, name=name, family=family)
    if "sklearn" in roots:
        from birthmark.suspects.sklearn_estimator import SklearnSuspect

        return SklearnSuspect(model, fields, name=name, family=family)
    if callable(model):
        return CallableSuspect(model, fields, name=name, family=family)
    raise BirthmarkError(
        name or type(model).__name__,
        "is no model that can be reached",
        "pass a path, a scikit-learn or torch model, or a function from images to answers",
    )


def _fields(declared: Declared) -> dict[str, Any]:
    if isinstance(declared, Declaration):
        return declared.model_dump()
    return dict(declared or {})
