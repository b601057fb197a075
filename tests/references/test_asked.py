from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birthmark import BirthmarkError, ImageSet
from birthmark.references.design import design, lineage_of
from birthmark.references.split import labels_of
from birthmark.references.wanted import Wanted
from birthmark.references.work import end_if_alone

torch = pytest.importorskip("torch", reason="references need torch")

from safetensors.torch import save_file  # noqa: E402

from birthmark.references.build import build  # noqa: E402
from birthmark.references.network import built_in, load_start  # noqa: E402

SIDE = 16
IMAGES = ImageSet.from_arrays(
    np.random.default_rng(0).integers(0, 256, (300, SIDE, SIDE), np.uint8), np.arange(300) % 10
)


def wanted(**more: Any) -> Wanted:
    fields = {"images": IMAGES, "own": "vgg", "init": "public.safetensors", "start": "public"}
    return Wanted(**fields | {"count": 8} | more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"own": None}, "init: is a checkpoint"),
        ({"init": None}, "start: names the checkpoint 'public', but none is passed"),
        ({"start": None}, "init: is a checkpoint without a name"),
        (
            {"start": "x/../../esc"},
            "start: is 'x/../../esc', which can't be the name of a folder",
        ),
        ({"start": "a" * 61}, "can't be the name of a folder"),
        ({"init": "published"}, "init: is 'published', which only timm's networks have"),
        ({"count": 5}, "count: is 5, and four of them share your start; ask for 6 or more"),
        ({"count": 2, "init": None, "start": None}, "count: is 2; ask for 4 or more"),
        ({"device": "gpu"}, "device: is 'gpu', which torch does not know"),
        ({"device": "cuda:99"}, "device: is cuda:99, and torch finds"),
    ],
)
def test_what_does_not_go_together_is_refused(
    more: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BirthmarkError, match=said):
        build(wanted(**more), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_settings_change_with_labels_and_order() -> None:
    images = IMAGES
    pixels = np.stack([one.pixels for one in images])
    labels = labels_of(images)
    others = [
        ImageSet.from_arrays(pixels, 9 - labels),
        ImageSet.from_arrays(pixels[::-1], labels[::-1]),
    ]
    assert {one.digest for one in others} == {images.digest}
    assert len({wanted(images=one).settings() for one in [images, *others]}) == 3
    assert len({wanted(owner_images=one).settings() for one in [images, *others]}) == 3


def test_owners_classes_of_other_names_are_refused(tmp_path: Path) -> None:
    both = [
        ImageSet(name, IMAGES.entries, lambda _: b"", [*names])
        for name, names in (("mine", "abcdefghij"), ("theirs", "abcdefghjk"))
    ]
    with pytest.raises(BirthmarkError, match=r"theirs: calls class 8 'j', but .* calls it 'i'"):
        build(wanted(images=both[0], owner_images=both[1]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_networks_of_ones_own_have_plain_names_and_no_others() -> None:
    lineages = Counter(one.lineage for one in design(8, "mynets:resnet", None))
    assert lineages == {"resnet": 2, "densenet": 2, "vgg": 2, "densenet-student": 2}
    assert {one.net for one in design(8, "mynets:resnet", None) if one.lineage == "resnet"} == {
        "mynets:resnet"
    }
    assert lineage_of("timm:hf-hub:owner/name.x", None) == "owner-name.x"
    assert lineage_of("mine:../../..", "a") == "own@a"
    assert len(design(6, "vgg", "public")) == 6


def test_a_checkpoint_fits_all_of_a_network_but_its_head(tmp_path: Path) -> None:
    net = built_in("resnet", 10, 1, SIDE)
    weights = built_in("resnet", 7, 1, SIDE).state_dict()
    counters = {name for name in weights if name.endswith("num_batches_tracked")}
    save_file({k: v for k, v in weights.items() if k not in counters}, tmp_path / "7.safetensors")
    assert load_start(net, tmp_path / "7.safetensors") == 2
    assert torch.equal(net.state_dict()["0.0.weight"], weights["0.0.weight"])
    weights.pop("0.0.weight")
    save_file(weights, tmp_path / "6.safetensors")
    with pytest.raises(BirthmarkError, match=r"it lacks 0\.0\.weight, or has them in another"):
        load_start(net, tmp_path / "6.safetensors")


def test_a_worker_whose_main_process_was_killed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    for parent, main in ((4, 4), (1, 1), (1, os.getpid())):
        monkeypatch.setattr(os, "getppid", lambda parent=parent: parent)
        end_if_alone(main)
    assert not ended
    monkeypatch.setattr(os, "getppid", lambda: 1)
    end_if_alone(4)
    assert ended == [1]
