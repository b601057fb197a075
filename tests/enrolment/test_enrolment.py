from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint, ImageSet, as_suspect


def enroll(victim: Any = None, references: list[Any] | None = None, **options: Any) -> Fingerprint:
    victim = victim or world.as_digits(world.victim(), lineage="linear")
    if references is None:
        references = [world.as_digits(world.innocent(1), lineage="linear")]
    images = options.pop("images", world.image_set())
    return Fingerprint.enroll(victim, images, references, **{"n": 40} | options)


def independents(count: int) -> list[Any]:
    return [
        world.as_digits(world.innocent(i), name=f"innocent-{i}", lineage="linear")
        for i in range(count)
    ]


def test_an_enrolment_says_what_it_did() -> None:
    manifest = enroll(seed=7).manifest
    assert manifest.method == "partial0.03@jpeg25"
    assert manifest.seed == 7
    assert manifest.images.digest == world.image_set().digest
    assert [probe.file for probe in manifest.probes][:2] == ["00000.jpg", "00001.jpg"]
    assert manifest.libraries.keys() == {"birthmark", "numpy", "onnxruntime", "pillow", "python"}


def test_bad_requests_are_named() -> None:
    chance = world.answering(lambda x: np.random.default_rng(len(x)).normal(size=(len(x), 10)))
    embeds = as_suspect(lambda x: x.reshape(len(x), -1), world.DECLARED | {"output": "embeddings"})
    cases: dict[str, dict[str, Any]] = {
        "references: there are none": {"references": []},
        "suspect: does no better than chance on labelled images": {"victim": chance},
        "embeddings can only be compared with embeddings": {"references": [embeds]},
        "use a method that takes them": {
            "victim": embeds,
            "references": [embeds],
            "method": "sac-labels-l1@jpeg25",
        },
        "pass independent models of two or more lineages": {"references": [], "start": "random"},
        "-n: is 1": {"n": 1},
        "pass n=400": {"n": 500},
        "method 'sac': is not known": {"method": "sac"},
        "did you mean sac-cosine-l1?": {"method": "sac-cosin-l1@jpeg25"},
    }
    for said, options in cases.items():
        with pytest.raises(BirthmarkError) as error:
            enroll(**options)
        assert said in str(error.value)


def test_a_wrong_scaling_is_noticed() -> None:
    """The same model, shown images that it takes for black."""
    wrong = world.DECLARED | {"range": (0, 0.001), "mean": (0,), "std": (1,)}
    model = world.victim()
    shuffled = np.random.default_rng(0).permutation(64)
    blind = as_suspect(
        lambda x: model.decision_function(x.reshape(len(x), -1)[:, shuffled]), wrong, name="blind"
    )
    with pytest.raises(BirthmarkError, match="check its declared range"):
        enroll(blind, n=100)


def test_a_model_is_a_reference_once(built: world.World) -> None:
    file = built.folder / "victim.onnx"
    with pytest.raises(BirthmarkError, match="is the same file as the victim"):
        enroll(as_suspect(file), [file])


def test_companions_are_recorded_and_are_nothing_else(built: world.World) -> None:
    victim, copy, other, reference = (
        as_suspect(built.folder / name)
        for name in ("victim.onnx", "suspect.onnx", "other.onnx", "references/linear/00.onnx")
    )
    made = enroll(victim, [reference], method="sac-w", n=10, surrogates=[copy], outsiders=[other])
    recorded = made.manifest.companions
    assert recorded is not None
    assert [one.digest for one in recorded.surrogates] == [copy.description.digest]
    assert [one.digest for one in recorded.outsiders] == [other.description.digest]
    assert enroll(victim, [reference]).manifest.companions is None
    cases: dict[str, dict[str, Any]] = {
        "victim.onnx: is the same file as the victim": {"surrogates": [victim]},
        "00.onnx: is the same file as the reference 00.onnx": {"outsiders": [reference]},
        "other.onnx: is the same file as other.onnx": {"outsiders": [other, other]},
        "jpeg25: use no surrogates": {"outsiders": [other], "method": "sac-jc"},
        "sac-w: no outsiders were given": {"outsiders": []},
    }
    for said, options in cases.items():
        with pytest.raises(BirthmarkError) as error:
            enroll(victim, [reference], **{"method": "sac-w", "surrogates": [copy]} | options)
        assert said in str(error.value)


def test_references_need_not_answer_what_probes_were_crafted_for() -> None:
    some = world.companions()
    options = {"surrogates": some.surrogates, "outsiders": some.outsiders}
    made = enroll(
        world.derivable(world.victim()),
        world.references(20),
        method="agreement@conferrable32",
        start="random",
        **options,
    )
    copied = made.audit(world.as_digits(world.copied(slice(400, 1000))))
    assert copied.p_value <= 0.01
    assert copied.score < min(one.score for one in copied.references)
    innocent = made.audit(world.as_digits(world.innocent(25)))
    assert [said.startswith("Nobody knows how many copies") for said in innocent.findings] == [True]
    assert any("true classes are not known" in said for said in innocent.assumptions)


def test_images_may_be_resized_and_lack_labels() -> None:
    images, _ = world.pictures()
    made = enroll(images=ImageSet.from_arrays(images[:50]), resize=(16, 16))
    assert made.probes[0].pixels.shape == (16, 16, 1)
    assert made.probes[0].label is None
    assert made.manifest.images.resize == (16, 16)


@pytest.mark.parametrize("name", ["sac-source", "sac-halfcosine-l1@errors", "sac-m"])
def test_methods_that_ask_the_victim_or_have_no_labels_work(name: str) -> None:
    made = enroll(references=world.references(20), method=name, n=30)
    assert made.manifest.method in (
        "sac-halfcosine-l1@errors",
        "sac-halfcosine-l1@cutmix-transposed",
    )
    assert made.audit(world.as_digits(world.thief(), name="thief")).as_close == 0


def test_a_victim_is_not_judged_by_the_errors_it_was_asked_for() -> None:
    """Its errors are as random as a guesser's, but it is right on all other images."""
    images, labels = world.pictures()
    images, labels = images[1000:1400], labels[1000:1400]
    known = images.reshape(len(images), -1).astype(np.float64)

    def answer(inputs: Any) -> Any:
        pixels = (inputs.reshape(len(inputs), -1) * 0.25 + 0.5) * 255
        said = []
        for one in pixels:
            nearest = int(((known - one) ** 2).sum(axis=1).argmin())
            shift = 1 + nearest % 9 if nearest % 4 == 0 else 0
            said.append((labels[nearest] + shift) % 10)
        return np.eye(10)[said] * 5 - np.linspace(0, 1, 10)

    victim = world.answering(answer)
    made = enroll(victim, images=ImageSet.from_arrays(images, labels), method="sac-source")
    said = victim.answer(made.probes).predicted()
    assert all(said[i] != probe.label for i, probe in enumerate(made.probes))


@pytest.mark.parametrize(
    ("references", "options", "method", "ranked"),
    [
        (24, {"n": 20}, "partial0.03@peculiar300-jpeg25", 20),
        (23, {"n": 20}, "partial0.03@jpeg25", 23),
        (24, {"n": 200}, "partial0.03@peculiar300-jpeg25", 20),
        (24, {"n": 201}, "partial0.03@jpeg25", 24),
        (24, {"n": 20, "images": "few"}, "partial0.03@jpeg25", 24),
        (6, {"n": 20, "outsiders": "two"}, "partial0.03@peculiar300-jpeg25", 6),
        (24, {"n": 20, "outsiders": "two"}, "partial0.03@peculiar300-jpeg25", 24),
    ],
)
def test_the_default_spares_some_references_to_choose_probes_where_it_can(
    references: int, options: dict[str, Any], method: str, ranked: int
) -> None:
    if options.get("images") == "few":
        images, labels = world.pictures()
        options = options | {"images": ImageSet.from_arrays(images[:200], labels[:200])}
    if "outsiders" in options:
        options = options | {"outsiders": independents(32)[30:]}
    manifest = enroll(references=independents(references), **options).manifest
    assert manifest.method == method
    assert len(manifest.references) == ranked
    helped = manifest.companions
    assert (helped is not None) == ("peculiar" in method)
    names = {one.name for one in manifest.references}
    assert not names & {one.name for one in (helped.outsiders if helped else [])}


def test_outsiders_that_cannot_be_used_are_refused() -> None:
    for options in ({"n": 301}, {"n": 20, "images": world.image_set(200)}):
        with pytest.raises(BirthmarkError, match="outsiders: chooses among 300 images"):
            enroll(references=independents(6), outsiders=independents(32)[30:], **options)


def test_the_victims_lineage_is_not_spared_below_what_an_accusation_takes() -> None:
    others = [
        world.as_digits(world.innocent(i), name=f"other-{i}", lineage=f"of-{i % 2}")
        for i in range(5, 24)
    ]
    manifest = enroll(references=independents(5) + others, n=20).manifest
    assert manifest.method == "partial0.03@peculiar300-jpeg25"
    assert sum(one.lineage == "linear" for one in manifest.references) == 5


@pytest.mark.parametrize(("n", "kind"), [(99, "peculiar300-jpeg25"), (100, "jpeg25")])
def test_many_embeddings_are_asked_about_as_drawn(n: int, kind: str) -> None:
    rng = np.random.default_rng(0)

    def embedding(i: int) -> Any:
        weights = rng.normal(size=(64, 5))
        declared = world.DECLARED | {"output": "embeddings"}
        return as_suspect(lambda x: x.reshape(len(x), -1) @ weights, declared, name=f"e{i}")

    victim, *references = (embedding(i) for i in range(25))
    manifest = enroll(victim, references=references, n=n).manifest
    assert manifest.method == f"partial0.03@{kind}"
    assert len(manifest.references) == (24 if n == 100 else 20)
