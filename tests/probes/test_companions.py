"""Probes that are chosen with the help of models beside the victim."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark import BirthmarkError, Image, Suspect
from birthmark.outputs import Outputs
from birthmark.probes import PROBES, Companions, Draw

DRAW = Draw("sha256:images", "sha256:victim", 0)


@cache
def victim() -> Suspect:
    return world.as_digits(world.victim())


def select(name: str, n: int, given: Companions | None = None) -> list[Image]:
    method = PROBES.make(name)
    return method.select(world.image_set(), victim(), n, DRAW, None, given or world.companions())


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
    with pytest.raises(BirthmarkError, match=f"surrogates get {len(ranked)} .* -n {len(ranked)}"):
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


@pytest.mark.parametrize("name", ["sac-w"])
def test_missing_companions_are_named(name: str) -> None:
    method, some = PROBES.make(name), world.companions()
    cases = {
        f"{name}: no surrogates were given to ask; .* --surrogate": Companions((), some.outsiders),
        f"{name}: no outsiders were given to ask; .* --outsider": Companions(some.surrogates),
    }
    for said, given in cases.items():
        with pytest.raises(BirthmarkError, match=said):
            method.select(world.image_set(), victim(), 10, DRAW, None, given)
    with pytest.raises(BirthmarkError, match=f"{name}: no victim was given"):
        method.select(world.image_set(), None, 10, Draw("i", None, 0), None, some)


def test_companions_that_answer_by_chance_are_refused() -> None:
    def guess(images: NDArray[np.float32]) -> object:
        return np.random.default_rng(len(images)).normal(size=(len(images), 10))

    for given in (
        Companions([world.answering(guess)], world.companions().outsiders),
        Companions(world.companions().surrogates, [world.answering(guess)]),
    ):
        with pytest.raises(BirthmarkError, match=r"suspect: answers .* no better than chance"):
            select("sac-w", 10, given)
