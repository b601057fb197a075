"""One table for all scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

import world
from birthmark import BirthmarkError, Kind, Outputs
from birthmark.data.forms import matched
from birthmark.scores import SCORES, Score
from birthmark.scores.correlation import similarities, units
from birthmark.scores.methods import PUBLISHED, method

N = 60
EXAMPLES = [
    "agreement",
    "ddv",
    "fri20-centred-sac-cosine-l1",
    "fri20-match10-partial0.03",
    "fri20-raw-sac-cosine-l1",
    "fri20-softmax-sac-cosine-l1",
    "jensen-shannon",
    "lime16x40",
    "partial-pairs0.03",
    "partial-points0.03",
    "partial0.03",
    "pointwise-cosine",
    "robustness",
    "sac-cosine-l1",
    "sac-cosine-pearson",
    "sac-cosine-spearman",
    "sac-cosine-whitened",
    "sac-halfcosine-l1",
    "sac-labels-l1",
    "sac-labels-smooth10-l1",
    "sac-rbf-l1",
]
PAIRS = [
    (name, kind)
    for name in EXAMPLES
    for kind in SCORES.make(name).kinds
    if not (name == "partial-points0.03" and kind is Kind.EMBEDDINGS)
    and kind is not Kind.SIMILARITIES
]
ROUGH = ("robustness",)
"""One number a model: too rough for the tests that need an order."""
ORDERED = ("fri", "ddv", "robustness", "lime")
"""Scores for which places of probes mean something."""
NAMED = ("agreement", "jensen-shannon", "pointwise-cosine", "lime")
"""Scores that need classes called alike."""
WEAK = ("ddv",)
"""Made for pairs of a plain and an adversarial image."""


def answers(seed: int, kind: Kind = Kind.LOGITS, n: int = N) -> Outputs:
    values = np.random.default_rng(seed).normal(size=(n, 8)) * 3
    logits = Outputs.checked(values, Kind.LOGITS if kind.tells_classes else kind, "model")
    return logits.to(kind)


def moved(seed: int, kind: Kind, by: float) -> Outputs:
    """Answers of a model near the model of that seed."""
    whole = answers(seed, Kind.EMBEDDINGS if kind is Kind.EMBEDDINGS else Kind.LOGITS)
    noise = np.random.default_rng(9).normal(size=whole.values.shape)
    return Outputs((whole.values + by * noise).astype(np.float32), whole.kind, 8).to(kind)


def turned(outputs: Outputs, order: np.ndarray) -> Outputs:
    return Outputs(outputs.values[order], outputs.kind, outputs.classes)


def test_the_table_holds_every_score() -> None:
    assert {plugin.example for plugin in SCORES.plugins()} <= set(EXAMPLES)
    assert all(any(p.pattern.fullmatch(e) for p in SCORES.plugins()) for e in EXAMPLES)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_copy_is_closest_and_noise_moves_away(name: str, kind: Kind) -> None:
    score = SCORES.make(name)
    victim = answers(0, kind)
    pool = [victim, moved(0, kind, 0.5), *(answers(seed, kind) for seed in range(1, 6))]
    copied, noisy, *others = score(victim, pool)
    assert score.name == name
    if name.startswith(ROUGH):
        assert copied == 0 <= min(noisy, *others)
    else:
        assert copied < noisy < min(others)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_the_order_of_a_pool_changes_no_number(name: str, kind: Kind) -> None:
    """Without this an innocent suspect's rank among the references would not be uniform."""
    score = SCORES.make(name)
    victim = answers(0, kind)
    pool = [moved(0, kind, 1.0), *(answers(seed, kind) for seed in range(1, 6))]
    numbers = score(victim, pool)
    for order in ([3, 1, 0, 5, 4, 2], [5, 4, 3, 2, 1, 0]):
        again = score(victim, [pool[i] for i in order])
        assert again == pytest.approx([numbers[i] for i in order], abs=1e-6)
    pools = score.pools(victim, pool)
    assert pools([2, 0, 4]) == pytest.approx(score(victim, [pool[2], pool[0], pool[4]]), abs=1e-6)


@pytest.mark.parametrize("name", [e for e in EXAMPLES if not e.startswith(ORDERED)])
def test_the_order_of_probes_does_not_matter(name: str) -> None:
    order = np.random.default_rng(3).permutation(N)
    score = SCORES.make(name)
    models = [answers(seed, score.kinds[0]) for seed in range(5)]
    plain = score(models[0], models[1:])
    again = [turned(one, order) for one in models]
    assert score(again[0], again[1:]) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("name", [e for e in EXAMPLES if not e.startswith(NAMED)])
def test_a_copy_with_renamed_classes_stays_as_close(name: str) -> None:
    """Where a suspect's names say nothing, all of the pool are matched, and may come closer."""
    score = SCORES.make(name)
    kind = score.kinds[0]
    whole = answers(0, Kind.EMBEDDINGS if kind is Kind.EMBEDDINGS else Kind.LOGITS)
    renamed = Outputs(whole.values[:, ::-1], whole.kind, 8)
    others = [answers(seed, kind) for seed in range(1, 6)]
    victim = whole.to(kind)
    again, plain = (score(victim, [one, *others]) for one in (renamed.to(kind), victim))
    assert again[0] == pytest.approx(plain[0], abs=0.01)
    assert min(again) == again[0]


@pytest.mark.parametrize("name", [e for e in EXAMPLES if not e.startswith(ROUGH)])
def test_scores_tell_a_thief_from_innocents(name: str) -> None:
    images, _ = world.pictures()
    inputs = world.flat(images[1000:1200])
    ask = [m.decision_function(inputs) for m in (world.victim(), world.thief())]
    ask += [world.innocent(i).decision_function(inputs) for i in range(5)]
    score = SCORES.make(name)
    kind = score.kinds[0]
    declared = Kind.EMBEDDINGS if kind is Kind.EMBEDDINGS else Kind.LOGITS
    victim, thief, *innocents = (Outputs.checked(a, declared, "m").to(kind) for a in ask)
    stolen, *others = score(victim, [thief, *innocents])
    if name.startswith(WEAK):
        assert stolen < np.mean(others)
    else:
        assert stolen < min(others)


@pytest.mark.parametrize("name", [e for e in EXAMPLES if SCORES.make(e).lines_up])
def test_scores_that_need_the_same_classes_say_so(name: str) -> None:
    score = SCORES.make(name)
    kind = next(k for k in score.kinds if k is not Kind.EMBEDDINGS)
    if kind is Kind.LABELS:
        return
    wide = Outputs(np.ones((N, 9), np.float32), Kind.LOGITS, 9).to(kind)
    with pytest.raises(BirthmarkError, match="classes"):
        score(answers(0, kind), [wide])


@pytest.mark.parametrize(("name", "full"), PUBLISHED.items())
def test_published_names_are_full_names(name: str, full: str) -> None:
    assert method(name).name == full


def test_robustness_counts_the_pairs_that_keep_their_label() -> None:
    def labels(*values: int) -> Outputs:
        return Outputs.checked(np.array(values), Kind.LABELS, "m")

    victim = labels(0, 1, 2, 2, 3, 0, 4, 4)
    pool = [labels(0, 0, 1, 1, 2, 2, 3, 3), labels(1, 1, 2, 2, 0, 3, 0, 4)]
    assert SCORES.make("robustness")(victim, pool) == [0.5, 0.0]


def test_smoothing_moves_no_label_only_rank() -> None:
    victim, *pool = (answers(seed, Kind.LABELS) for seed in range(8))
    plain = SCORES.make("sac-labels-l1")(victim, pool)
    for percent in (0, 10, 30, 50):
        smooth = SCORES.make(f"sac-labels-smooth{percent}-l1")(victim, pool)
        ratio = np.array(smooth) / np.array(plain)
        assert ratio == pytest.approx(np.full(7, ratio[0]), rel=1e-4)


def test_partial_is_a_regression_coefficient() -> None:
    """Against the least-squares solution that it claims to be, with the ridge as further rows."""
    victim, *others = (answers(seed) for seed in range(4))
    suspect = Outputs(victim.values + others[0].values, Kind.LOGITS, 8)
    found = SCORES.make("partial-pairs0.03")(victim, [suspect, *others])[0]
    vectors = []
    for one in (victim, *others, suspect):
        rows = one.favour()
        cosines = 1 - pdist(rows, "cosine")
        vectors.append((cosines - cosines.mean()) / np.linalg.norm(cosines - cosines.mean()))
    design = np.concatenate([np.stack(vectors[:4], axis=1), np.sqrt(0.03) * np.eye(4)])
    target = np.concatenate([vectors[4], np.zeros(4)])
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    assert 1 - found == pytest.approx(coefficients[0], abs=1e-5)


def test_partial_sees_what_all_models_share_as_nobodys() -> None:
    """A common part makes innocents close by cosine, not by what only the victim explains."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(80, 8)) * 4

    def model(own: np.ndarray) -> Outputs:
        return Outputs((common + own).astype(np.float32), Kind.LOGITS, 8)

    peculiar = rng.normal(size=(80, 8))
    victim = model(peculiar)
    innocents = [model(rng.normal(size=(80, 8))) for _ in range(20)]
    thief = model(0.5 * peculiar + rng.normal(size=(80, 8)))
    for name in ("partial-points0.03", "partial-pairs0.03"):
        stolen, *others = SCORES.make(name)(victim, [thief, *innocents])
        assert abs(1 - np.mean(others)) < 0.15
        assert stolen < min(others)


def test_background_explains_without_being_ranked() -> None:
    score: Score = SCORES.make("partial0.03")
    victim, *others = (answers(seed) for seed in range(12))
    pool = [Outputs(o.values[:, :5].copy(), o.kind, 5) for o in others[:6]]
    numbers = score(victim, pool, others[6:])
    assert len(numbers) == 6
    assert numbers != pytest.approx(score(victim, pool))


@pytest.mark.parametrize("n", [10, 100])
def test_pairs_are_summed_in_parts(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [answers(seed, n=n) for seed in range(4)]
    score = SCORES.make("partial-pairs0.03")
    whole = score(models[0], models[1:])
    monkeypatch.setattr("birthmark.scores.vectors.AT_ONCE", 1)
    assert score(models[0], models[1:]) == pytest.approx(whole, abs=1e-6)


def test_similarities_do_not_change_when_an_embedding_is_turned() -> None:
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    victim, other = answers(0, Kind.EMBEDDINGS), answers(1, Kind.EMBEDDINGS)
    turn = Outputs((other.values @ rotation).astype(np.float32), Kind.EMBEDDINGS, 8)
    for form in ("raw", "centred", "softmax"):
        score = SCORES.make(f"fri20-{form}-sac-cosine-l1")
        assert score(victim, [turn]) == pytest.approx(score(victim, [other]), abs=1e-5)


def test_similarities_give_the_numbers_that_their_embeddings_give() -> None:
    models = [answers(seed, Kind.EMBEDDINGS) for seed in range(4)]
    alike = [similarities(one, 20) for one in models]
    for form in ("raw", "centred", "softmax", "match10"):
        score = SCORES.make(f"fri20-{form}-sac-cosine-l1")
        assert score(alike[0], alike[1:]) == pytest.approx(score(models[0], models[1:]), abs=1e-6)


def test_the_scale_of_similarities_does_not_matter_to_centred_ones() -> None:
    models = [similarities(answers(seed, Kind.EMBEDDINGS), 20) for seed in range(4)]
    percent = Outputs(50 + 50 * models[1].values, Kind.SIMILARITIES, 20)
    for inner in ("sac-cosine-l1", "partial0.03"):
        score = SCORES.make(f"fri20-centred-{inner}")
        plain = score(models[0], models[1:])
        assert score(models[0], [percent, *models[2:]]) == pytest.approx(plain, abs=1e-5)
    raw = SCORES.make("fri20-raw-sac-cosine-l1")
    assert raw(models[0], [percent]) != pytest.approx(raw(models[0], models[1:2]), abs=1e-3)


def test_match_or_no_match_is_left_as_it_is() -> None:
    models = [similarities(answers(seed, Kind.EMBEDDINGS), 20) for seed in range(3)]
    third = [matched(one, 0.3) for one in models]
    raw, match = (SCORES.make(f"fri20-{form}-sac-cosine-l1") for form in ("raw", "match10"))
    assert match(third[0], third[1:]) == raw(third[0], third[1:])


def test_similarities_to_another_number_of_images_are_refused() -> None:
    with pytest.raises(BirthmarkError, match="are to 8 reference images, but the method takes 20"):
        similarities(answers(0, Kind.SIMILARITIES), 20)


def test_too_few_probes_for_the_reference_images_are_refused() -> None:
    few = answers(0, Kind.EMBEDDINGS, n=21)
    with pytest.raises(BirthmarkError, match="21 probes"):
        SCORES.make("fri20-raw-sac-cosine-l1")(few, [few])


def test_whitened_is_linear_cka() -> None:
    one, other = answers(0), answers(1)
    x, y = (units(o).rows.astype(float) for o in (one, other))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    cka = np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    found = SCORES.make("sac-cosine-whitened")(one, [other])[0]
    assert 1 - found == pytest.approx(cka, abs=1e-5)


def test_signatures_of_other_classes_are_refused() -> None:
    victim = answers(0, Kind.LABELS)
    other = Outputs(victim.values, Kind.LABELS, 9)
    with pytest.raises(BirthmarkError, match="classes"):
        SCORES.make("lime16x40")(victim, [other])
