"""Probes that are chosen with the help of models beside the victim."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark import BirthmarkError, Image, Suspect
from birthmark.data.outputs import Outputs
from birthmark.probes import PROBES, Companions, Draw

DRAW = Draw("sha256:images", "sha256:victim", 0)


@cache
def victim() -> Suspect:
    return world.derivable(world.victim())


def select(name: str, n: int, given: Companions | None = None) -> list[Image]:
    method = PROBES.make(name)
    return method.select(world.image_set(), victim(), n, DRAW, None, given or world.companions())


class Form(world.Derivable):
    """A model that takes images of a form of its own."""

    def __init__(self, model: Any, **fields: Any) -> None:
        super().__init__(model, world.DECLARED | fields, name="digits")


def misses(model: Suspect, images: Sequence[Image]) -> NDArray[np.bool_]:
    truth = np.array([image.label for image in images])
    missed: NDArray[np.bool_] = model.answer(images).predicted() != truth
    return missed


def test_sac_w_sets_copies_apart_as_far_as_the_images_allow() -> None:
    drawn = select("natural", 400)
    apart = np.mean([misses(one, drawn) for one in world.companions().surrogates], axis=0)
    apart -= np.mean([misses(one, drawn) for one in world.companions().outsiders], axis=0)
    apart[~misses(victim(), drawn)] = 0
    ranked = [int(i) for i in np.argsort(-apart, kind="stable") if apart[i] > 0]
    assert 20 < len(ranked) < 60
    probes = select("sac-w", len(ranked))
    assert [probe.data for probe in probes] == [drawn[i].data for i in ranked]
    with pytest.raises(BirthmarkError, match=f"surrogates get {len(ranked)} .* n={len(ranked)}"):
        select("sac-w", len(ranked) + 1)


def test_sac_w_stops_when_nothing_better_can_come() -> None:
    asked: list[str] = []

    class Asked:
        description = victim().description
        batch = None

        def answer(self, images: Sequence[Image]) -> Outputs:
            asked.extend(image.digest for image in images)
            return victim().answer(images)

    few = PROBES.make("sac-w").select(world.image_set(), Asked(), 2, DRAW, None, world.companions())
    assert len(asked) < 400
    assert [p.data for p in few] == [p.data for p in select("sac-w", 10)][:2]


def test_more_copies_than_outsiders_weigh_no_more() -> None:
    """An image counts by shares, not by numbers, of models."""
    twice = Companions([*world.companions().surrogates] * 2, world.companions().outsiders)
    probes = select("sac-w", 20, twice)
    assert [p.data for p in probes] == [p.data for p in select("sac-w", 20)]


def test_conferrable_probes_go_over_to_copies_and_not_to_others() -> None:
    probes = select("conferrable32", 40)

    def agree(model: Suspect) -> float:
        return 1 - float(misses(model, probes).mean())

    assert agree(victim()) == 1
    unseen_copy = world.as_digits(world.copied(slice(400, 1000)))
    unseen_others = [world.as_digits(world.innocent(i)) for i in (0, 10, 20)]
    assert agree(unseen_copy) > 0.8
    assert max(map(agree, unseen_others)) < 0.4
    worth = np.mean([~misses(one, probes) for one in world.companions().surrogates], axis=0)
    worth *= np.mean([misses(one, probes) for one in world.companions().outsiders], axis=0)
    assert worth.min() > 0
    assert (np.diff(worth) <= 0).all()


def test_conferrable_probes_are_drawn_images_within_eps_that_had_another_label() -> None:
    drawn = select("natural", 400)
    pixels = np.stack([image.pixels for image in drawn]).astype(int)
    before = victim().answer(drawn).predicted()
    for probe in select("conferrable32", 20):
        change = np.abs(pixels - probe.pixels).max(axis=(1, 2, 3))
        source = int(change.argmin())
        assert 0 < change[source] <= 32
        assert before[source] != probe.label


def test_conferrable_probes_need_models_of_one_form_with_gradients() -> None:
    some, blind = world.companions(), world.as_digits(world.innocent(0))
    wide = Companions(some.surrogates, [Form(world.innocent(0), size=(16, 4))])
    shuffled = Form(world.copied(slice(200, 800)))
    shuffled._estimator.coef_ = np.roll(shuffled._estimator.coef_, 1, axis=0)
    cases = {
        "gives no gradients": Companions([blind], some.outsiders),
        "digits: takes 16x4x1, but the victim 8x8x1": wide,
        "images, no better than chance": Companions([shuffled], some.outsiders),
    }
    for said, given in cases.items():
        with pytest.raises(BirthmarkError, match=said):
            select("conferrable8", 10, given)
    with pytest.raises(BirthmarkError, match=r"\d+ conferrable2 probes could be made .* pass n="):
        select("conferrable2", 300)


@pytest.mark.parametrize("name", ["sac-w", "conferrable8"])
def test_missing_companions_are_named(name: str) -> None:
    method, some = PROBES.make(name), world.companions()
    cases = {
        f"{name}: no surrogates were given; .* surrogates": Companions((), some.outsiders),
        f"{name}: no outsiders were given; .* outsiders": Companions(some.surrogates),
    }
    for said, given in cases.items():
        with pytest.raises(BirthmarkError, match=said):
            method.select(world.image_set(), victim(), 10, DRAW, None, given)
    with pytest.raises(BirthmarkError, match=f"{name}: there is no victim"):
        method.select(world.image_set(), None, 10, Draw("i", None, 0), None, some)


def test_companions_that_answer_by_chance_are_refused() -> None:
    def guess(images: NDArray[np.float32]) -> object:
        return np.random.default_rng(len(images)).normal(size=(len(images), 10))

    for given in (
        Companions([world.answering(guess)], world.companions().outsiders),
        Companions(world.companions().surrogates, [world.answering(guess)]),
    ):
        with pytest.raises(BirthmarkError, match=r"suspect: gets .* no better than chance"):
            select("sac-w", 10, given)
