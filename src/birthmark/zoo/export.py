"""A model of a zoo as an ONNX file, which any other tool can audit."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import numpy as np

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_folder
from birthmark.training.inputs import DEVIATION, MEAN
from birthmark.training.onnx_file import write_onnx
from birthmark.zoo.builder.members import members
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import open_zoo

TOLERANCE = 1e-3
CHECKED = 64


def export_model(folder: Path, name: str, out: Path) -> float:
    """Write `model.onnx` and `birthmark.toml` to a new folder, after comparing with torch.

    Returns
    -------
    float
        Largest difference of an answer over 64 images of the test part, as a share of the
        largest answer.

    Raises
    ------
    BirthmarkError
        If the model is disguised, can't be exported, or ONNX answers otherwise than torch.
    """
    import onnxruntime

    plan = open_zoo(folder)
    known = {member.name: member for member in members(plan)}
    if name not in known:
        near = get_close_matches(name, known, n=3) or list(known)[:3]
        raise BirthmarkError(
            name, "is not a model of this zoo", f"name one such as {', '.join(near)}"
        )
    model = built(plan, folder, name)
    if model.disguises:
        raise BirthmarkError(
            name,
            "is another model behind a disguise, which ONNX cannot express",
            f"export its parent, {known[name].parent}",
        )
    channels, size = plan.images.channels, plan.images.size
    own = load(folder / "data" / "own")
    pixels = own.pixels[own.parts["test"][:CHECKED]]
    inputs = ((pixels.astype(np.float32) - MEAN) / DEVIATION).astype(np.float32)
    with whole_folder(out) as passing:
        file = passing / "model.onnx"
        write_onnx(model.net, channels, (size, size), file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        said = np.asarray(session.run(None, {"image": inputs})[0])
        wanted = model.answer(pixels).values
        difference = float(np.abs(said - wanted).max() / max(1e-12, np.abs(wanted).max()))
        if not difference <= TOLERANCE:
            raise BirthmarkError(
                name, f"answers differently in ONNX, by {difference:.2g}", "report this as a bug"
            )
        (passing / "birthmark.toml").write_text(
            f"size = [{size}, {size}]\n"
            f"channels = {channels}\n"
            "range = [0, 255]\n"
            f"mean = {[MEAN] * channels}\n"
            f"std = {[DEVIATION] * channels}\n"
            f'output = "{model.kind}"\n'
        )
    return difference
