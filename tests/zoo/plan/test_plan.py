from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import zoo_world
from birthmark import BirthmarkError
from birthmark.probes import PROBES
from birthmark.zoo.images.sources import SOURCES
from birthmark.zoo.plan import SCALES, Role, names, open_plan

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.builder.members import members


@pytest.mark.parametrize("name", names())
def test_the_plans_that_come_with_the_package_are_whole(name: str) -> None:
    plan = open_plan(name)
    count = Counter(member.role for member in members(plan))
    assert plan.name == name
    assert count[Role.VICTIM] == 1
    assert count[Role.REFERENCE] >= 30
    assert count[Role.INDEPENDENT] >= 20
    assert count[Role.STOLEN] >= 40
    for source in (plan.images.source, plan.transfer.source, plan.foreign.source):
        SOURCES.make(source)
    for probes in plan.answers.probes:
        PROBES.make(probes)


@pytest.mark.parametrize("name", names())
def test_no_two_models_of_a_plan_are_the_same(name: str) -> None:
    listed = members(open_plan(name))
    made = Counter(
        (m.recipe, m.family, m.parent, m.data, tuple(sorted(m.parameters.items())))
        + (() if m.recipe in ("renamed", "rounded", "quantised") else (m.seed,))
        for m in listed
    )
    assert max(made.values()) == 1


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("scale", SCALES)
def test_scales_change_the_counts(name: str, scale: str) -> None:
    plan = open_plan(name).scaled(scale)
    counts = Counter(member.role for member in members(plan))
    assert counts[Role.VICTIM] == 1
    of = [group for group in plan.groups if group.role is Role.REFERENCE]
    wanted = SCALES[scale].counts
    assert counts[Role.REFERENCE] == sum(wanted.get(one.role, one.count) for one in of)


def test_the_plan_in_the_docs_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "plan.md").read_text()
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    plan = zoo_world.plan(block, tmp_path)
    assert len(members(plan)) == 1 + 40 + 8
    assert len(members(plan.scaled("small"))) == 1 + 20 + 8


def test_families_and_parts_are_crossed() -> None:
    listed = [m for m in members(open_plan("objects")) if m.role is Role.REFERENCE]
    crossed = Counter((m.family, m.data) for m in listed)
    assert len(crossed) == 8
    assert set(crossed.values()) == {5}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 8", "epochs = 0", "schedule.epochs should be greater than 0"),
        ('role = "stolen"', 'role = "thief"', "group 'finetuned': groups.2.role should be"),
        ('parents = ["victim"]', 'parents = ["owner"]', "no group 'owner' before it"),
        ('parents = ["victim"]', 'starts = ["public/0"]', "no group 'public' before it"),
        ('families = ["vgg"]', 'families = ["vit"]', "no family 'vit'"),
        ("[schedule]", "[schedule", "is not TOML"),
        ('role = "victim"', 'role = "independent"', "role and the name 'victim'"),
        ("size = 32", "size = 32\nsizes = 3", r"unknown field images\.sizes"),
    ],
)
def test_wrong_fields_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match=message):
        zoo_world.plan(zoo_world.OBJECTS.replace(old, new, 1), tmp_path)


def test_wrong_recipes_are_named_before_anything_is_trained(tmp_path: Path) -> None:
    cases = [
        ('recipe = "finetuned"', 'recipe = "finetuning"', "did you mean finetuned"),
        (
            '{ layers = ["all", "last"] }',
            "{ layer = 1 }",
            "group 'finetuned', recipe finetuned: unknown field layer",
        ),
        ('recipe = "trained"\ncount = 4', 'recipe = "finetuned"\ncount = 4', "needs parents"),
        ("within = 0.1", 'starts = ["victim"]', "begins with its parent's weights"),
    ]
    for old, new, message in cases:
        plan = zoo_world.plan(zoo_world.OBJECTS.replace(old, new, 1), tmp_path)
        with pytest.raises(BirthmarkError, match=message):
            members(plan)


def test_the_full_size_plan_is_the_small_one_with_other_networks() -> None:
    full = open_plan(str(Path(__file__).parents[3] / "examples" / "pretrained-224.toml"))
    small = open_plan("pretrained")
    assert full.groups == small.groups
    assert {family.net.partition(":")[0] for family in full.families.values()} == {"timm"}


def test_unknown_plans_scales_and_families_are_named() -> None:
    with pytest.raises(BirthmarkError, match="emotion, emotion-diverse, faces, objects"):
        open_plan("cars")
    with pytest.raises(BirthmarkError, match="tiny, cpu, paper"):
        open_plan("objects").scaled("huge")
    with pytest.raises(BirthmarkError, match="no family 'vit'"):
        open_plan("objects").with_nets({"vit": "my:net"})
