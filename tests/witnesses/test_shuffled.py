"""A split drawn beforehand, and suspects that know it or do not."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from birthmark import BirthmarkError, Image, ImageSet
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Description
from birthmark.witnesses.shuffled.plan import Plan, Side, draw, read_plan, seed_of
from birthmark.witnesses.shuffled.witness import shuffled

CLASSES, COUNT = 4, 600
SEED = "ab" * 32


@pytest.fixture(scope="module")
def images() -> ImageSet:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (COUNT, 4, 4), np.uint8)
    return ImageSet.from_arrays(pixels, rng.integers(0, CLASSES, COUNT))


class Model:
    """Says the true class with some noise; more surely where it was trained."""

    batch = 64

    def __init__(
        self, images: ImageSet, trained: Callable[[str, int], int | None], seed: int, **more: object
    ) -> None:
        rng = np.random.default_rng(seed)
        self.kind = Kind(str(more.get("kind", "logits")))
        names = more.get("names", range(CLASSES))
        self.answers: dict[str, NDArray[np.float32]] = {}
        for entry in images.entries:
            hard = int(entry.digest[-2:], 16) / 100
            logits = rng.normal(0, 1, CLASSES)
            logits[entry.label] += 2.5 - hard
            label = trained(entry.digest, entry.label or 0)
            if label is not None:
                logits[label] += float(str(more.get("memory", 1.0)))
            self.answers[entry.name] = logits[list(names)].astype(np.float32)  # type: ignore[call-overload]
        self.description = Description(name="m", adapter="callable", output=self.kind)

    def answer(self, images: Sequence[Image]) -> Outputs:
        rows = np.stack([self.answers[one.name] for one in images])
        values = rows.argmax(1) if self.kind is Kind.LABELS else rows
        return Outputs.checked(values, self.kind, "m")


def nothing(_: str, __: int) -> int | None:
    return None


def whole(_: str, label: int) -> int | None:
    return label


def thief(plan: Plan) -> Callable[[str, int], int | None]:
    return lambda digest, label: plan.drawn(digest, label).label


def test_who_knows_the_split(images: ImageSet) -> None:
    plan = draw(images, SEED)
    others = [Model(images, nothing, 50 + i) for i in range(3)]
    for more, most in (
        ({}, 1e-6),
        ({"kind": "labels", "memory": 2.0}, 1e-4),
        ({"names": [2, 0, 3, 1]}, 1e-6),
    ):
        said = shuffled(plan, images, Model(images, thief(plan), 1, **more), alpha=0.01)
        assert said.p_value is not None
        assert said.p_value < most
        assert "knows what only the victim was shown" in said.sentence
    weak = Model(images, thief(plan), 2, memory=0.5)
    alone = shuffled(plan, images, weak, alpha=0.01).p_value
    beside = shuffled(plan, images, weak, others, alpha=0.01).p_value
    assert alone is not None
    assert beside is not None
    assert beside < alone


def test_innocents_do_not(images: ImageSet) -> None:
    """Those that saw nothing, all, or a half that someone else drew: 24 at 1%."""
    plan, another = draw(images, SEED), draw(images, "cd" * 32)
    found = [
        shuffled(plan, images, Model(images, seen, seed, memory=2.0), alpha=0.01)
        for seen in (nothing, whole, thief(another))
        for seed in range(8)
    ]
    assert sum((one.p_value or 0) <= 0.01 for one in found) <= 2
    assert "does not prove" in found[0].sentence


def test_a_split_that_was_there_already(
    images: ImageSet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nine of ten were trained on, and one of them stands in the set twice."""
    from birthmark.cli.main import main

    pixels = np.stack([*(one.pixels for one in images), images[5].pixels])
    labels = np.array([*(one.label for one in images.entries), images.entries[5].label], np.int64)
    inside = np.random.default_rng(1).permutation(COUNT) < 0.9 * COUNT
    inside[5] = True
    np.savez(tmp_path / "all.npz", images=pixels, labels=labels)
    np.savez(tmp_path / "train.npz", images=pixels[:COUNT][inside], labels=labels[:COUNT][inside])
    monkeypatch.chdir(tmp_path)
    line = "birthmark split --images all.npz --trained-on train.npz --out plan --json"
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit, match="0"):
        main()
    assert json.loads(capsys.readouterr().out)["inside"] == inside.sum() + 1
    plan, everything = read_plan(tmp_path / "plan"), ImageSet.open(tmp_path / "all.npz")
    trained = {e.digest: e.label for e, one in zip(images.entries, inside, strict=True) if one}

    def stolen(digest: str, _: int) -> int | None:
        return trained.get(digest)

    found = shuffled(plan, everything, Model(everything, stolen, 1, memory=2.0), alpha=0.01)
    assert found.p_value == 1e-4
    assert "Nothing was sealed" in found.assumes[0]
    assert "never public" in found.assumes[1]
    honest = [
        shuffled(plan, everything, Model(everything, seen, seed, memory=2.0), alpha=0.01)
        for seen in (nothing, whole)
        for seed in range(8)
    ]
    assert sum((one.p_value or 0) <= 0.01 for one in honest) <= 1
    np.savez(tmp_path / "other.npz", images=255 - pixels[:50], labels=labels[:50])
    monkeypatch.setattr(sys, "argv", line.replace("train.npz", "other.npz").split())
    with pytest.raises(SystemExit, match="2"):
        main()


def test_canaries(images: ImageSet) -> None:
    plan = draw(images, SEED, 0.2)
    drawn = [plan.drawn(one.digest, one.label or 0) for one in images.entries]
    canaries = [(d, e) for d, e in zip(drawn, images.entries, strict=True) if d.side is Side.CANARY]
    assert 90 <= len(canaries) <= 150
    assert all(d.label != e.label for d, e in canaries)
    known = Model(images, thief(plan), 3, kind="labels", memory=2.0)
    said = shuffled(plan, images, known, alpha=0.01, most=len(canaries))
    assert said.p_value is not None
    assert said.p_value < 1e-6
    assert "canaries" in said.measured[1]
    said = shuffled(plan, images, Model(images, whole, 3), alpha=0.01)
    assert said.p_value is not None
    assert said.p_value > 0.01
    triggers = draw(images, SEED, 1.0)
    said = shuffled(triggers, images, Model(images, thief(triggers), 4, memory=3.0), alpha=0.01)
    assert (said.p_value or 1) < 1e-6


def test_the_command_draws_and_asks(
    images: ImageSet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from birthmark.cli.main import main

    monkeypatch.chdir(tmp_path)
    pixels = np.stack([one.pixels for one in images])
    labels = np.array([one.label for one in images.entries], np.int64)
    np.savez(tmp_path / "set.npz", images=pixels, labels=labels)
    line = "birthmark split --images set.npz --seed-file secret --out plan --canaries 1% --json"
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit, match="0"):
        main()
    said = json.loads(capsys.readouterr().out)
    plan = read_plan(tmp_path / "plan")
    assert said["seal"] == plan.seal
    assert plan.seed == seed_of(tmp_path / "secret")
    assert (tmp_path / "secret").stat().st_mode & 0o77 == 0
    rows = list(csv.DictReader((tmp_path / "plan" / "train.csv").open()))
    assert len(rows) == said["inside"] + said["canary"]
    opened = ImageSet.open(tmp_path / "set.npz")
    for row in rows:
        entry = opened.entries[int(row["position"])]
        assert plan.drawn(entry.digest, entry.label or 0).label == int(row["label"])


def test_bad_input(images: ImageSet, tmp_path: Path) -> None:
    plan = draw(images, SEED)
    with pytest.raises(BirthmarkError, match="not the image set that was split"):
        shuffled(
            plan,
            ImageSet.from_arrays(np.eye(8, dtype=np.uint8)[None] * 9, [1]),
            Model(images, nothing, 0),
            alpha=0.01,
        )
    with pytest.raises(BirthmarkError, match="without a class"):
        draw(images.without_labels(), SEED)
    (tmp_path / "seed").write_text("guess me")
    with pytest.raises(BirthmarkError, match="64 hexadecimal digits"):
        seed_of(tmp_path / "seed")
    for content, words in (
        ("{", "not JSON"),
        ('{"seed": 1}', "missing field|seed"),
        ("9" * 5_000_000, "is over"),
    ):
        (tmp_path / "plan.json").write_text(content)
        with pytest.raises(BirthmarkError, match=words):
            read_plan(tmp_path)
    embedding = Model(images, nothing, 0)
    embedding.kind = Kind.EMBEDDINGS
    with pytest.raises(BirthmarkError, match="name no class"):
        shuffled(plan, images, embedding, alpha=0.01)
