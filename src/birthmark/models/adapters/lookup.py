"""From a path, a `module:function` or a Python object to the adapter that reaches it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.models.adapters.base import ADAPTERS, Description, PairSuspect, Remote, Suspect
from birthmark.models.adapters.callable import CallableSuspect
from birthmark.models.adapters.declaration import Declaration, combined, declared_beside
from birthmark.models.adapters.file import FileSuspect
from birthmark.models.adapters.model_files import MODELS, located, models_in, refuse_pickles
from birthmark.models.adapters.recorded import RecordedSuspect
from birthmark.models.remote.access import Access

REMOTE = re.compile(r"https?://.*|.*\.api\.toml", re.IGNORECASE | re.DOTALL)
NOT_A_FUNCTION = re.compile(r"hf:.*/.*|.*@.*\.safetensors")

Declared = Declaration | Mapping[str, Any] | None


def open_suspect(
    spec: str,
    declared: Declared = None,
    lineage: str | None = None,
    access: Access | None = None,
    device: str = "cpu",
) -> Suspect:
    """Open a model by its file, its address or `module:function`.

    Parameters
    ----------
    spec
        `model.onnx`, `.pt2`, `.torchscript`, `.keras`, `.tflite`, a SavedModel's folder, a Hugging
        Face repository's folder or `hf:owner/name`, recorded answers (`.csv`, `.npz`,
        `.safetensors`), `module:function`, `module:function@weights.safetensors`, an address of a
        server, or `NAME.api.toml`.
    declared
        A declaration or some of its fields; a TOML file beside the model may give the others.
    lineage
        Its kind of architecture, if known.
    access
        For a model behind an API: where its answers are kept, and the limits of asking it.
    device
        `cuda` runs an ONNX file on a GPU, in this process, without the limits that strangers'
        files are run with: for your own files only.

    Raises
    ------
    BirthmarkError
        If no adapter reaches it, or the declaration is missing or does not fit.
    """
    suspect = open_any(spec, declared, lineage, access, device)
    if isinstance(suspect, PairSuspect):
        raise BirthmarkError(
            spec, "only compares two images", "it can be audited, but not enrolled"
        )
    return suspect


def open_any(
    spec: str,
    declared: Declared = None,
    lineage: str | None = None,
    access: Access | None = None,
    device: str = "cpu",
) -> Suspect | PairSuspect:
    """As `open_suspect`, but a service that only compares two images is opened too."""
    if is_remote(spec):
        return _opened_remote(spec, _fields(declared), lineage, access)
    refuse_pickles(spec)
    spec = located(spec)
    passed = _fields(declared)
    if ":" in spec and not Path(spec).exists() and not NOT_A_FUNCTION.fullmatch(spec):
        return CallableSuspect.named(spec, passed, lineage)
    try:
        adapter: Any = ADAPTERS.make(spec)
    except BirthmarkError as error:
        if not Path(spec).exists():
            raise BirthmarkError(spec, "does not exist", "name a file or folder") from error
        raise BirthmarkError(
            spec,
            "is not a model that Birthmark can reach",
            f"name {', '.join(MODELS)}, *.api.toml, a folder of one model or module:function",
        ) from error
    if hasattr(adapter, "opened"):
        opened: Suspect = adapter.opened(spec, passed, lineage)
        return opened
    beside = {} if adapter is RecordedSuspect else declared_beside(Path(spec))
    placed = {} if device == "cpu" or not issubclass(adapter, FileSuspect) else {"device": device}
    suspect: Suspect = adapter(spec, combined(spec, beside, passed), lineage, **placed)
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
    from birthmark.models.api_format.form import Form

    return Form.read(Path(spec))[0].stated_limits()


def _opened_remote(
    spec: str, fields: dict[str, Any], lineage: str | None, access: Access | None
) -> Suspect | PairSuspect:
    try:
        adapter = ADAPTERS.make(spec)
    except BirthmarkError as error:
        raise BirthmarkError(
            spec.partition("?")[0].rpartition("@")[2],
            "is not an address of a known protocol",
            "write https://host/v2/models/NAME (Open Inference Protocol),"
            " https://host/v1/models/NAME (TensorFlow Serving), or describe it in a .api.toml",
        ) from error
    if access is None or not isinstance(adapter, Remote):
        raise BirthmarkError(
            spec.partition("?")[0].rpartition("@")[2],
            "is asked over a network, and there is nowhere to keep its answers",
            "pass --ledger FILE (in Python access=Access(Path(FILE)))",
        )
    return adapter.opened(spec, fields, lineage, access)


def open_all(
    specs: list[str],
    declared: Declared = None,
    access: Access | None = None,
    unopened: Callable[[Path, BirthmarkError], Suspect] | None = None,
    device: str = "cpu",
) -> list[Suspect]:
    """Open models and folders of models, in order; a sub-folder's name is its models' lineage.

    For those behind an API, `access` says where answers are kept; its limits hold for each.
    `unopened` gives what stands for a file that cannot be opened; without it that is an error.
    `device` is as for `open_suspect`.

    Raises
    ------
    BirthmarkError
        If a folder holds no model, or one cannot be opened.
    """
    suspects: list[Suspect] = []
    for spec, lineage in listed(specs):
        try:
            suspects.append(open_listed(spec, lineage, declared, access, device))
        except BirthmarkError as error:
            if unopened is None or not Path(spec).is_file():
                raise
            suspects.append(unopened(Path(spec), error))
    return suspects


def listed(specs: Sequence[str]) -> list[tuple[str, str | None]]:
    """Models by name, those in folders of models one by one, each with its sub-folder if any.

    Raises
    ------
    BirthmarkError
        If a folder holds no model.
    """
    found: list[tuple[str, str | None]] = []
    for spec in specs:
        folder = Path(spec)
        if not folder.is_dir() or located(spec) != spec:
            found.append((spec, None))
            continue
        for file in models_in(folder):
            inside = file.relative_to(folder).parts[:-1]
            found.append((str(file), inside[0] if inside else None))
    return found


def open_listed(
    spec: str,
    lineage: str | None,
    declared: Declared = None,
    access: Access | None = None,
    device: str = "cpu",
) -> Suspect:
    """Open a model as `listed` names it; its sub-folder is its lineage.

    Raises
    ------
    BirthmarkError
        If it cannot be opened.
    """
    suspect = open_suspect(spec, declared, lineage, access, device)
    return suspect if lineage is None else _within(lineage, suspect)


def _within(folder: str, suspect: Suspect) -> Suspect:
    """A model of a folder of models is called by both: `resnet/0.onnx`."""
    described = suspect.description
    named = Description(**dict(described) | {"name": f"{folder}/{described.name}"})
    suspect.description = named  # type: ignore[misc]
    return suspect


def as_suspect(
    model: Any,
    declared: Declared = None,
    *,
    name: str | None = None,
    lineage: str | None = None,
    access: Access | None = None,
    **declaration: Any,
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
    lineage
        Its kind of architecture, if known.
    access
        As for `open_suspect`.
    **declaration
        Fields of the declaration, such as `size=(32, 32), channels=3, range=(0, 1), mean=0, std=1,
        output="logits"`; they win over `declared`.

    Raises
    ------
    BirthmarkError
        If no adapter takes it, or the declaration is missing or does not fit.
    """
    declared = _fields(declared) | {name: _listed(name, x) for name, x in declaration.items()}
    if isinstance(model, str | Path):
        return open_suspect(str(model), declared, lineage, access)
    if hasattr(model, "answer") and hasattr(model, "description"):
        suspect: Suspect = model
        return suspect
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    if "torch" in roots:
        from birthmark.models.adapters.torch_module import TorchSuspect

        return TorchSuspect(model, declared, name=name, lineage=lineage)
    if "sklearn" in roots:
        from birthmark.models.adapters.sklearn_estimator import SklearnSuspect

        return SklearnSuspect(model, declared, name=name, lineage=lineage)
    if callable(model):
        return CallableSuspect(model, declared, name=name, lineage=lineage)
    raise BirthmarkError(
        name or type(model).__name__,
        "is not a model that Birthmark can reach",
        "pass a path, a scikit-learn or torch model, or a function from images to answers",
    )


def _listed(name: str, value: Any) -> Any:
    """A mean or deviation of all channels may be one number."""
    return [value] if name in ("mean", "std") and isinstance(value, int | float) else value


def _fields(declared: Declared) -> dict[str, Any]:
    if isinstance(declared, Declaration):
        return declared.model_dump()
    return dict(declared or {})
