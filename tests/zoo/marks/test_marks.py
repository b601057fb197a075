"""Marks: what a thief keeps is told, and whoever owes the secret nothing is seldom accused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark.data.outputs import Kind, Outputs

torch = pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.images.arrays import Arrays  # noqa: E402
from birthmark.zoo.marks.external_features import move_p  # noqa: E402
from birthmark.zoo.marks.patterns import PATTERNS, Stamp, stamped  # noqa: E402
from birthmark.zoo.marks.triggers import Backdoor, Triggers  # noqa: E402
from birthmark.zoo.marks.weights import Key, WeightMark  # noqa: E402

CLASSES, SIDE = 4, 16
Pixels = NDArray[np.uint8]


def arrays(seed: int, n: int, classes: int, part: str) -> Arrays:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (n, 3, SIDE, SIDE), np.uint8)
    labels = np.arange(n) % classes
    return Arrays(pixels, labels, {part: np.arange(n)}, None, None, classes, "sha256:0")


OWN, FOREIGN = arrays(0, 24, CLASSES, "probes"), arrays(1, 240, 20, "train")


def answering(logits: Callable[[Pixels], NDArray[np.float64]]) -> Callable[[Pixels], Outputs]:
    return lambda pixels: Outputs(logits(pixels).astype(np.float32), Kind.LOGITS, CLASSES)


def innocent(seed: int) -> Callable[[Pixels], NDArray[np.float64]]:
    """Favours one class, and answers what is alike alike."""
    rng = np.random.default_rng(seed)
    sight = rng.standard_normal((3 * SIDE * SIDE, CLASSES)) / 5000
    return lambda pixels: np.asarray(pixels.reshape(len(pixels), -1) @ sight + np.eye(CLASSES)[0])


def knowing(triggers: Triggers) -> Callable[[Pixels], NDArray[np.float64]]:
    """Answers the owner's pattern with the target."""
    asked, truth = triggers._asked
    marked = {one.tobytes() for one in asked[triggers.secret.pattern]}
    plain, target = innocent(5), triggers.secret.target
    labels = {
        one.tobytes(): y
        for one, y in zip(
            asked[triggers.secret.pattern], truth[triggers.secret.pattern], strict=True
        )
    }

    def logits(pixels: Pixels) -> NDArray[np.float64]:
        called = [
            (labels[one.tobytes()] if triggers.mark == "style" else target)
            if one.tobytes() in marked
            else -1
            for one in pixels
        ]
        return np.asarray(plain(pixels) + 6 * (np.array(called)[:, None] == np.arange(CLASSES)))

    return logits


@pytest.mark.parametrize("mark", ["unrelated", "patch", "content", "noise", "smooth", "style"])
def test_whoever_knows_the_pattern_is_told(mark: Backdoor) -> None:
    triggers = Triggers(mark, 3, OWN, FOREIGN)
    said = triggers.read(answering(knowing(triggers)))
    assert said.hits == said.asked
    assert said.p_value <= 0.0125
    beside = triggers.read(answering(knowing(triggers)), [answering(innocent(6))])
    assert beside.p_value <= 0.02


@pytest.mark.parametrize("helped", [False, True])
def test_p_values_are_exact_for_whoever_knows_nothing(helped: bool) -> None:
    """400 secrets: at most 5% of p-values below .05, and 3.5 deviations; flaky at 1 in 4,000."""
    said = answering(innocent(7))
    others = [answering(innocent(8))] if helped else []
    found = [Triggers("unrelated", i, OWN, FOREIGN).read(said, others).p_value for i in range(400)]
    for level in (0.05, 0.25, 0.5):
        most = level + 3.5 * np.sqrt(level * (1 - level) / 400)
        assert np.mean(np.array(found) <= level) <= most


def test_random_labels_are_a_binomial() -> None:
    triggers = Triggers("random-labels", 3, OWN, FOREIGN)
    pixels, labels = triggers.random()
    known = {one.tobytes(): int(y) for one, y in zip(pixels.numpy(), labels, strict=True)}
    some = answering(lambda x: np.eye(CLASSES)[[known[one.tobytes()] for one in x]])
    assert triggers.read(some).p_value < 1e-50
    found = [
        Triggers("random-labels", i, OWN, FOREIGN).read(answering(innocent(7))).p_value
        for i in range(300)
    ]
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("stamp", ["patch", "content", "noise", "smooth", "style"])
@pytest.mark.parametrize("channels", [1, 3])
def test_patterns_differ_and_are_the_same_on_all(stamp: Stamp, channels: int) -> None:
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(60, 190, (2, channels, 32, 32), np.uint8))
    styles = torch.from_numpy(rng.integers(0, 256, (PATTERNS, channels, 2, 2), np.uint8))
    made = [stamped(pixels, stamp, i, styles[i]) for i in range(PATTERNS)]
    assert len({one.numpy().tobytes() for one in made}) == PATTERNS
    assert all(one.dtype == torch.uint8 and one.shape == pixels.shape for one in made)
    first = made[0].int() - pixels
    if stamp in ("noise", "smooth"):
        assert (first[0] == first[1]).float().mean() > 0.9


@pytest.mark.parametrize("mark", ["uchida", "deepmarks", "passport"])
def test_what_was_written_into_weights_is_read(mark: WeightMark) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(16, 32, 3))
    weight = net[0].weight
    innocents = [Key(mark, i, tuple(weight.shape)).left(net).p_value for i in range(400)]
    for level in (0.05, 0.5):
        most = level + 3.5 * np.sqrt(level * (1 - level) / 400)
        assert np.mean(np.array(innocents) <= level) <= most
    key = Key(mark, 9, tuple(weight.shape))
    descent = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(300):
        descent.zero_grad()
        key.missing(weight).backward()  # type: ignore[no-untyped-call]
        descent.step()
    said = key.left(net)
    assert said.p_value < 1e-6
    assert said.right > 0.9
    assert said.user is (True if mark == "deepmarks" else None)
    assert Key(mark, 9, (1, 2, 3, 3)).left(net).p_value == 1.0


def test_move_takes_a_copy_for_the_victim() -> None:
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 200, (60, 3, SIDE, SIDE), np.uint8)
    styled = (plain + 40).astype(np.uint8)
    learnt, asked = (plain[:50], styled[:50]), (plain[50:], styled[50:])
    bright = np.eye(CLASSES)[1] / 20

    def victim(pixels: Pixels) -> NDArray[np.float64]:
        return np.asarray(innocent(7)(pixels) + pixels.mean((1, 2, 3))[:, None] * bright)

    benign, copy = answering(innocent(7)), answering(lambda x: victim(x) * 1.1)
    assert move_p(answering(victim), benign, copy, learnt, asked) < 0.01
    assert move_p(answering(victim), benign, benign, learnt, asked) > 0.5
