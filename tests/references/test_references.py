from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn.datasets import load_digits

from birthmark import BirthmarkError, Fingerprint, ImageSet, as_suspect
from birthmark.models.adapters.lookup import open_all
from birthmark.references.design import Planned, design
from birthmark.references.folder import alone
from birthmark.references.recipe import Recipe, Recipes
from birthmark.references.record import References
from birthmark.references.split import labels_of
from birthmark.references.wanted import Wanted

torch = pytest.importorskip("torch", reason="references need torch")

from birthmark.references.build import build  # noqa: E402
from birthmark.references.learn import Images, learn  # noqa: E402
from birthmark.references.network import Brought, built_in, load_start  # noqa: E402

SIDE = 16
FACTORY = """
from torch import nn

def small(outputs, channels, size):
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * (size // 4) ** 2, outputs),
    )

def broken(outputs, channels, size):
    raise RuntimeError("no such layer")

def leaving(outputs, channels, size):
    raise SystemExit(7)

def frozen(outputs, channels, size):
    print("a banner")
    return small(outputs, channels, size).requires_grad_(False)
"""
QUICK = Recipes(own=Recipe(epochs=4, rate=0.05), others=Recipe(epochs=4, rate=0.05))


def digits(first: int, last: int) -> ImageSet:
    data = load_digits()
    pixels = (data.images[first:last] / 16 * 255).astype(np.uint8)
    large = [np.asarray(Pillow.fromarray(one).resize((SIDE, SIDE))) for one in pixels]
    return ImageSet.from_arrays(np.stack(large), data.target[first:last], source="digits")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with the owner's factory and the checkpoint that the owner began from."""
    folder = tmp_path_factory.mktemp("owner")
    (folder / "owners.py").write_text(FACTORY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        import safetensors.torch

        from birthmark.training.nets import network

        torch.manual_seed(0)
        net = network("owners:small", outputs=5, channels=1, size=SIDE, core=SIDE)
        safetensors.torch.save_file(net.state_dict(), folder / "public.safetensors")
        yield folder


def wanted(here: Path, **more: Any) -> Wanted:
    fields: dict[str, Any] = {
        "images": digits(0, 900),
        "own": "owners:small",
        "init": str(here / "public.safetensors"),
        "start": "public",
        "recipes": QUICK,
        "count": 8,
    }
    return Wanted(**fields | more)


@pytest.fixture(scope="module")
def made(here: Path) -> Path:
    folder = here / "references"
    build(wanted(here, owner_images=digits(900, 1400)), folder)
    return folder


def test_references_lie_in_a_folder_a_lineage_with_all_that_enroll_takes(made: Path) -> None:
    record = References.read(made)
    assert record is not None
    lineages = Counter(one.lineage for one in record.references)
    assert lineages == {"small@public": 4, "resnet": 2, "resnet-student": 2}
    assert not record.failures
    assert [one.teacher for one in record.references if one.teacher] == [
        "small@public/0",
        "resnet/0",
    ]
    models = open_all([str(made)])
    assert {one.description.name for one in models} == {one.file for one in record.references}
    assert all(one.accuracy > 0.3 for one in record.references)
    assert {one.start for one in record.references} == {None, "public"}
    assert not (made / ".build").exists()
    shown = record.share * (record.trained_on + 500)
    for one in record.references:
        own = one.lineage == "small@public"
        assert one.images == (500 if own else pytest.approx(shown, rel=0.03))
    unseen = ImageSet.open(made / "probes")
    assert len(unseen) == record.probes
    assert set(labels_of(unseen)) == set(range(10))


def test_the_users_model_is_enrolled_with_them(made: Path) -> None:
    models = open_all([str(made)])
    victim, references = models[0], models[1:]
    fingerprint = Fingerprint.enroll(
        as_suspect(victim), made / "probes", references, start="random", n=50
    )
    assert fingerprint.manifest.start == "random"
    assert fingerprint.audit(references[-1]).verdict == "inconclusive"


def test_a_killed_build_goes_on_and_keeps_what_is_built(made: Path, here: Path) -> None:
    before = References.read(made)
    assert before is not None
    (made / "resnet" / "1.onnx").write_bytes(b"half a file")
    told: list[str] = []
    after = build(
        wanted(here, owner_images=digits(900, 1400)), made, told=lambda one: told.append(one.name)
    )
    assert told == ["resnet/1"]
    assert [one.file for one in after.references] == [one.file for one in before.references]
    with pytest.raises(BirthmarkError, match="made with other options"):
        build(wanted(here, seed=1), made)


def test_a_second_run_in_the_same_folder_is_refused(made: Path, here: Path) -> None:
    asked = wanted(here, owner_images=digits(900, 1400))
    with (
        alone(made),
        pytest.raises(BirthmarkError, match="another run is building references there"),
    ):
        build(asked, made)
    build(asked, made)


def test_what_cannot_be_built_is_told_and_costs_nothing_else(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BirthmarkError, match=r"owners:broken: cannot be made .*no such layer"):
        build(wanted(here, own="owners:broken", init=None, start=None), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    with pytest.raises(BirthmarkError, match=r"owners:leaving: cannot be made \(SystemExit: 7"):
        build(wanted(here, own="owners:leaving", init=None, start=None), tmp_path / "a")
    with pytest.raises(BirthmarkError, match="owners:frozen: has no weights that can be trained"):
        build(wanted(here, own="owners:frozen", init=None, start=None), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert capsys.readouterr() == ("", "a banner\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "thesis.txt").write_text("mine")
    with pytest.raises(BirthmarkError, match="is not empty"):
        build(wanted(here), tmp_path / "c")


@pytest.mark.parametrize(
    ("count", "own", "start", "expected"),
    [
        (4, None, None, {"resnet": 2, "densenet": 2}),
        (
            16,
            "vgg",
            None,
            {
                "vgg": 4,
                "resnet": 2,
                "densenet": 2,
                "inception": 2,
                "vit": 2,
                "squeeze": 2,
                "resnet-student": 2,
            },
        ),
        (
            16,
            "my.nets:big",
            "imagenet",
            {
                "big@imagenet": 4,
                "resnet": 2,
                "densenet": 2,
                "vgg": 2,
                "inception": 2,
                "vit": 2,
                "resnet-student": 2,
            },
        ),
    ],
)
def test_the_design_has_many_lineages_and_a_few_of_each(
    count: int, own: str | None, start: str | None, expected: dict[str, int]
) -> None:
    planned = design(count, own, start)
    assert Counter(one.lineage for one in planned) == expected
    names = [one.name for one in planned]
    assert len(set(names)) == count
    assert len({one.seed for one in planned}) == count
    assert all(names.index(one.teacher) < i for i, one in enumerate(planned) if one.teacher)


def test_twenty_of_nine_networks_have_names_of_their_own() -> None:
    planned: list[Planned] = design(30, None, None)
    assert len({one.name for one in planned}) == 30


def learnable(rate: float, target: float | None, notes: list[str]) -> Any:
    images = digits(0, 500)
    pixels = torch.from_numpy(np.stack([one.pixels.transpose(2, 0, 1) for one in images]))
    labels = torch.from_numpy(labels_of(images))
    return learn(
        lambda: built_in("vgg", 10, 1, SIDE),
        Images(pixels[:400], labels[:400], pixels[400:], labels[400:]),
        Recipe.model_construct(epochs=2, rate=rate),
        name="vgg/0",
        seed=0,
        verification=False,
        target=target,
        said=notes.append,
    )


def test_training_goes_on_while_it_is_worse_than_the_victim_and_still_learns() -> None:
    once = learnable(0.02, None, [])
    more = learnable(0.02, 1.0, [])
    assert once.rounds == 1 and once.short_by == 0
    assert more.rounds > 1
    assert more.accuracy > once.accuracy
    assert more.short_by in (0, pytest.approx(1 - more.accuracy))


@pytest.mark.parametrize("taught", [False, True])
def test_networks_that_tell_people_apart_are_trained_too(taught: bool) -> None:
    images = digits(0, 600)
    pixels = torch.from_numpy(np.stack([one.pixels.transpose(2, 0, 1) for one in images]))
    people = torch.from_numpy(labels_of(images))
    known, strangers = people < 6, people >= 6
    answers = torch.nn.functional.one_hot(people, 10).float()[known] if taught else None
    learnt = learn(
        lambda: built_in("squeeze", 10, 1, SIDE),
        Images(pixels[known], people[known], pixels[strangers], people[strangers]),
        Recipe(epochs=12, rate=0.05),
        name="squeeze/0",
        seed=0,
        verification=True,
        target=None,
        taught=answers,
    )
    assert learnt.accuracy > 0.6


def test_diverging_training_is_told_and_tried_at_half_the_rate() -> None:
    notes: list[str] = []
    with pytest.raises(BirthmarkError, match=r"vgg/0: learns nothing: .* rate of 2.5e"):
        learnable(1e9, None, notes)
    assert notes == [
        "vgg/0 learnt nothing at a learning rate of 1e+09; trying 5e+08.",
        "vgg/0 learnt nothing at a learning rate of 5e+08; trying 2.5e+08.",
    ]


def test_a_checkpoint_of_another_network_is_refused(here: Path, tmp_path: Path) -> None:
    net = built_in("resnet", 10, 1, SIDE)
    with pytest.raises(BirthmarkError, match="fits 0 of the network's"):
        load_start(net, here / "public.safetensors")
    (tmp_path / "a.pt").write_bytes(b"")
    with pytest.raises(BirthmarkError, match="may be a pickle"):
        load_start(net, tmp_path / "a.pt")
    (tmp_path / "a.safetensors").write_bytes(b"junk")
    with pytest.raises(BirthmarkError, match="is not readable safetensors"):
        load_start(net, tmp_path / "a.safetensors")


def test_the_owners_declaration_is_inside_the_network() -> None:
    fields = {"size": (2, 2), "channels": 3, "range": (0, 1), "output": "logits", "order": "bgr"}
    suspect = as_suspect(
        lambda batch: batch.reshape(len(batch), -1),
        fields | {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)},
    )
    declaration = suspect.description.declaration
    assert declaration is not None
    pixels = np.random.default_rng(0).integers(0, 256, (4, 2, 2, 3), np.uint8)
    scaled = torch.from_numpy((pixels.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 64)
    brought = Brought(torch.nn.Identity(), declaration)(scaled)
    np.testing.assert_allclose(brought.numpy(), declaration.brought(pixels), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[own]\nepochs = 0", "own.epochs should be greater than 0"),
        ("[own]\nspeed = 1", "unknown field own.speed"),
        ("own = 3", "own should be a section: write"),
        ("[own]\nepochs = nan", "own.epochs should be a finite number"),
        ("[own", "is not TOML"),
        ('[own]\nlayers = "last"', "layers: is 'last', but the features .* random weights"),
    ],
)
def test_a_wrong_recipe_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(BirthmarkError, match=said):
        Recipes.read(tmp_path / "recipe.toml", started=False)


def test_a_started_network_is_trained_gently_unless_the_recipe_says_otherwise(
    tmp_path: Path,
) -> None:
    (tmp_path / "recipe.toml").write_text(
        '[own]\nrate = 0.2\nlayers = "last"\n[others]\noptimiser = "adamw"'
    )
    recipes = Recipes.read(tmp_path / "recipe.toml", started=True)
    assert (recipes.own.rate, recipes.own.epochs) == (0.2, 5)
    assert recipes.others.optimiser == "adamw"
    assert Recipes.read(None, started=True).own.rate == 0.01


def test_references_json_is_json_and_refused_if_it_is_anothers(made: Path, tmp_path: Path) -> None:
    fields = json.loads((made / "references.json").read_text())
    assert fields["format"] == "birthmark-references/1"
    (tmp_path / "references.json").write_text("{}")
    with pytest.raises(BirthmarkError, match="was not written by `birthmark references`"):
        References.read(tmp_path)
