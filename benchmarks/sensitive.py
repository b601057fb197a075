"""How few probes tell that a deployed model's weights changed: plain, near a border, sensitive.

python -m benchmarks.sensitive --zoo ZOO --write benchmarks/sensitive.md
"""

from __future__ import annotations

import argparse
import copy
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.bench.markdown import grid
from birthmark.data.images import ImageSet
from birthmark.models.adapters import Suspect
from birthmark.probes import PROBES, Draw
from birthmark.training.inputs import DEVIATION, answers, scaled
from birthmark.witnesses.drift import TOLERANCE
from birthmark.zoo.images.arrays import Arrays, load
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import open_zoo

VICTIMS = ("victim", "same-recipe/0", "same-recipe/1")
N, STEPS, EPS = 40, 10, 16.0
FEW = (1, 5, 20)
FOUND = """\
Sensitive samples are no better than plain images where numbers are answered: one to five of
either tell what is told at all (`birthmark drift` allows 1/1000 of the largest number, as another
machine may differ by that). Where labels alone are answered, plain and sensitive images tell
little, and `boundary1` much. So there are no probes by this paper: enroll a model that answers
with labels with `boundary1`."""
FORMS = ("logits", "probabilities of 3 digits", "labels")


def sensitive(net: nn.Module, pixels: Tensor, seed: int = 0) -> Tensor:
    """Images, uint8, whose answers depend most on the weights, each near one that is given.

    Source: He et al. 2019, "Sensitive-Sample Fingerprinting of Deep Neural Networks": ascent on the
    squared norm of the derivatives of all probabilities by all weights. The norm is estimated with
    a random sum of the probabilities a step; the change is at most 16 grey levels a pixel.
    """
    rng = torch.Generator().manual_seed(seed)
    weights = [one for one in net.parameters() if one.requires_grad]
    eps, found = EPS / DEVIATION, []
    for one in pixels:
        begun = scaled(one[None])
        change = torch.zeros_like(begun)
        for _ in range(STEPS):
            change.requires_grad_()
            said = net(begun + change).softmax(1)
            some = (said * torch.randn(said.shape, generator=rng)).sum()
            slopes = torch.autograd.grad(some, weights, create_graph=True)
            norm = torch.stack([(slope * slope).sum() for slope in slopes]).sum()
            (way,) = torch.autograd.grad(norm, change)
            change = (change.detach() + 2 * eps / STEPS * way.sign()).clamp(-eps, eps)
        levels = one[None] + change.detach() * DEVIATION
        found.append(levels.round().clamp(0, 255).to(torch.uint8))
    return torch.cat(found)


def changes(own: Arrays) -> Iterator[tuple[str, Callable[[nn.Module, int], None]]]:
    """Small changes of weights."""
    some = own.parts["thief"][:64]
    pixels, labels = torch.from_numpy(own.pixels[some]), torch.from_numpy(own.labels[some])

    def noise(share: float) -> Callable[[nn.Module, int], None]:
        def change(net: nn.Module, seed: int) -> None:
            rng = torch.Generator().manual_seed(seed)
            for weight in net.parameters():
                if weight.ndim > 1:
                    weight.add_(share * weight.std() * torch.randn(weight.shape, generator=rng))

        return change

    def fp16(net: nn.Module, _: int) -> None:
        for weight in net.parameters():
            weight.copy_(weight.half().float())

    def int8(net: nn.Module, _: int) -> None:
        for weight in net.parameters():
            if weight.ndim > 1:
                largest = weight.abs().flatten(1).amax(1).clamp(min=1e-12)
                step = (largest / 127).reshape(-1, *[1] * (weight.ndim - 1))
                weight.copy_((weight / step).round() * step)

    def step(rate: float) -> Callable[[nn.Module, int], None]:
        def change(net: nn.Module, _: int) -> None:
            with torch.enable_grad():
                F.cross_entropy(net(scaled(pixels)), labels).backward()  # type: ignore[no-untyped-call]
            for weight in net.parameters():
                if weight.grad is not None:
                    weight.sub_(rate * weight.grad)

        return change

    def one_weight(net: nn.Module, seed: int) -> None:
        rng = np.random.default_rng(seed)
        layers = [weight for weight in net.parameters() if weight.ndim > 1]
        flat = layers[int(rng.integers(len(layers)))].view(-1)
        flat[int(rng.integers(len(flat)))] *= -1

    yield "weights of 16 bits", fp16
    yield "weights of 8 bits", int8
    yield "noise, .1% of a layer's deviation", noise(0.001)
    yield "noise, 1%", noise(0.01)
    yield "a step of SGD at .001", step(0.001)
    yield "a step of SGD at .02", step(0.02)
    yield "the sign of one weight", one_weight


def moved(before: Tensor, after: Tensor, form: str) -> NDArray[np.bool_]:
    """Which answers differ, as `birthmark drift` tells."""
    if form == "labels":
        return (before.argmax(1) != after.argmax(1)).numpy()
    if form != "logits":
        before, after = ((one.softmax(1) * 1000).round() / 1000 for one in (before, after))
    allowed = TOLERANCE * float(before.abs().max())
    return ((before - after).abs().amax(1) > allowed).numpy()


def told(share: float, n: int) -> float:
    """How often one or more of n such probes tell."""
    return 1 - (1 - share) ** n


def of_pixels(own: Arrays) -> ImageSet:
    """The images that probes are made of."""
    some = own.parts["probes"]
    pixels = np.ascontiguousarray(own.pixels[some].transpose(0, 2, 3, 1))
    return ImageSet.from_arrays(pixels, own.labels[some])


def probes(name: str, images: ImageSet, suspect: Suspect) -> Tensor:
    """Probes of a kind, uint8 (n, channels, size, size)."""
    made = PROBES.make(name).select(images, suspect, N, Draw(images.digest, None, 0))
    return torch.from_numpy(np.stack([one.pixels.transpose(2, 0, 1) for one in made]))


def page(zoo: Path) -> str:
    """The tables."""
    plan, own = open_zoo(zoo), load(zoo / "data" / "own")
    images = of_pixels(own)
    found: dict[tuple[str, str, str], list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for name in VICTIMS:
        model = built(plan, zoo, name)
        suspect = model.suspect(plan, name, "vgg")
        kinds: dict[str, Tensor] = {}
        for kind in ("natural", "boundary10", "boundary1", "sensitive"):
            began = time.process_time()
            if kind == "sensitive":
                kinds[kind] = sensitive(model.net, kinds["natural"])
            else:
                kinds[kind] = probes(kind, images, suspect)
            seconds.setdefault(kind, []).append(time.process_time() - began)
        for what, change in changes(own):
            for seed in range(5):
                other = copy.deepcopy(model.net)
                with torch.no_grad():
                    change(other, seed)
                for kind, pixels in kinds.items():
                    before, after = answers(model.net, pixels), answers(other, pixels)
                    for form in FORMS:
                        share = float(moved(before, after, form).mean())
                        found.setdefault((form, what, kind), []).append(share)
            print(name, what, flush=True)
    parts = [
        "# How few probes tell a change",
        f"Written by `python -m benchmarks.sensitive --zoo {zoo.name} --write"
        f" benchmarks/sensitive.md` on {platform.machine()}, torch {torch.__version__}.",
        f"{len(VICTIMS)} networks of the zoo `{plan.name}`, {N} probes a kind, each change with 5"
        " seeds (the same where nothing is drawn). How often one or more of so many probes tells"
        " the change, as `birthmark drift` compares; beside it the share of all probes that do."
        " *Sensitive*: He et al. 2019. *Boundary*: [near a border](../docs/probes.md)."
        " To make them took "
        + ", ".join(f"{np.mean(one):.1f} s ({kind})" for kind, one in seconds.items())
        + " of a core a network.",
    ]
    for form in FORMS:
        rows = []
        for what, _ in changes(own):
            cells = [what]
            for kind in kinds:
                shares = found[(form, what, kind)]
                each = [f"{np.mean([told(s, n) for s in shares]):.2f}" for n in FEW]
                cells.append(" / ".join(each) + f" ({np.mean(shares):.2f})")
            rows.append(cells)
        head = [f"told by {' / '.join(map(str, FEW))} probes", *kinds]
        parts += [f"## Answers: {form}", grid(head, rows)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    args.write.write_text(page(args.zoo))


if __name__ == "__main__":
    main()
