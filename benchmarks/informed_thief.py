"""How far a thief gets who holds the fingerprint, and what asking with new probes does.

python -m benchmarks.informed_thief --write benchmarks/informed_thief.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.claimed_digits import DECLARED, INNOCENTS, SHARE, Model, World
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from birthmark import Fingerprint, ImageSet, as_suspect
from birthmark.audit.verdict import Verdict
from birthmark.bench.markdown import grid
from birthmark.calibration import interval

WORLDS, THIEVES, N, ALPHA = 5, 10, 100, 0.01
METHOD = "partial0.03@jpeg25"
RADII = (0.0, 16.0, 32.0, 48.0, 64.0)
MIXED = (0.1, 0.25, 0.5, 0.75)
Floats = NDArray[np.float32]
Answer = Callable[[Floats], Any]


class Row(NamedTuple):
    """What became of thieves of one kind.

    Attributes
    ----------
    held, fresh
        Whether each was called derived, by the fingerprint that it holds and by a new one.
    noticed
        Whether an audit by the first had a finding that the honest thief's had not.
    mistaken
        The share of other images that it took for a probe.
    right
        Its accuracy on other images.
    """

    held: list[bool]
    fresh: list[bool]
    noticed: list[bool]
    mistaken: list[float]
    right: list[float]


def stolen(world: World, i: int) -> Model:
    """A thief that learnt the victim's logits."""
    inputs = flat(world.images[world.rng.choice(len(world.images), SHARE, replace=False)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = MLPRegressor(
            hidden_layer_sizes=(48,), random_state=1000 + i, max_iter=200, learning_rate_init=0.005
        )
        made.fit(inputs, world.victim.logits(inputs))
    layers = list(zip(made.coefs_, made.intercepts_, strict=True))
    return Model(layers, f"thief-{i}", "network")


def flat(images: NDArray[np.uint8]) -> Floats:
    """A model's input, (n, 64)."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def near(inputs: Floats, known: Floats) -> Floats:
    """Root mean square distance of each input from the nearest that is known, in grey levels."""
    squares = (inputs[:, None] - known[None]) ** 2
    return np.asarray(255 * np.sqrt(squares.mean(axis=2)).min(axis=1), np.float32)


def looking_up(thief: Answer, decoy: Answer, known: Floats, radius: float) -> Answer:
    """The decoy answers what is as near to a probe, and the thief everything else."""

    def answer(inputs: Floats) -> Any:
        probe = near(inputs, known) <= radius + 1e-3
        return np.where(probe[:, None], decoy(inputs), thief(inputs))

    return answer


def mixed(thief: Answer, decoy: Answer, share: float) -> Answer:
    """The logits of both, so much of the decoy's."""
    return lambda inputs: (1 - share) * thief(inputs) + share * decoy(inputs)


def enrolled(world: World, part: Sequence[int], references: Sequence[Model]) -> Fingerprint:
    """A fingerprint of some of the images."""
    images = ImageSet.from_arrays(world.pool[part], world.truth[part], source="digits")
    return Fingerprint.enroll(
        world.victim, images, references, method=METHOD, n=N, start="random", seed=0
    )


def measured(seed: int) -> Iterator[tuple[str, Row]]:
    """All thieves of a world."""
    world = World(seed)
    third = len(world.pool) // 3
    held = enrolled(world, range(third), world.references)
    fresh = enrolled(world, range(third, 2 * third), world.references)
    others, truth = flat(world.pool[2 * third :]), world.truth[2 * third :]
    known = flat(np.stack([probe.pixels[..., 0] for probe in held.probes]))
    for i in range(THIEVES):
        thief, decoy = stolen(world, i).logits, world.innocents[i % INNOCENTS].logits
        kinds: dict[str, tuple[Answer, float]] = {"as it is": (thief, -1.0)}
        kinds |= {
            f"looks probes up, within {radius:g} grey levels": (
                looking_up(thief, decoy, known, radius),
                radius,
            )
            for radius in RADII
        }
        kinds |= {f"{s:.0%} of an honest model's": (mixed(thief, decoy, s), -1.0) for s in MIXED}
        kinds["an honest model"] = (decoy, -1.0)
        usual: set[str] = set()
        for name, (answer, radius) in kinds.items():
            suspect = as_suspect(answer, DECLARED, name="suspect")
            first = held.audit(suspect, alpha=ALPHA)
            second = fresh.audit(suspect, alpha=ALPHA)
            usual = usual or {check.name for check in first.checks if check.noticed}
            noticed = {check.name for check in first.checks if check.noticed}
            yield (
                name,
                Row(
                    [first.verdict is Verdict.DERIVED],
                    [second.verdict is Verdict.DERIVED],
                    [bool(noticed - usual) if name != "as it is" else False],
                    [float((near(others, known) <= radius + 1e-3).mean())],
                    [float((answer(others).argmax(axis=1) == truth).mean())],
                ),
            )


def share(calls: Sequence[bool]) -> str:
    """With its interval."""
    low, high = interval(sum(calls), len(calls))
    return f"{np.mean(calls):.2f} ({low:.2f} to {high:.2f})"


def kept(folder: Path | None, seed: int) -> list[tuple[str, Row]]:
    """What was measured of a world before, or is now."""
    file = None if folder is None else folder / f"world-{seed}.json"
    if file is not None and file.exists():
        return [(name, Row(*row)) for name, row in json.loads(file.read_text())]
    found = list(measured(seed))
    if file is not None:
        file.write_text(json.dumps(found))
    return found


def page(worlds: int, raw: Path | None) -> str:
    """The table."""
    rows: dict[str, Row] = defaultdict(lambda: Row([], [], [], [], []))
    for seed in range(worlds):
        for name, row in kept(raw, seed):
            for before, new in zip(rows[name], row, strict=True):
                before += new  # type: ignore[operator]
    cells = [
        [
            name,
            share(row.held),
            share(row.fresh),
            f"{np.mean(row.noticed):.2f}",
            f"{np.mean(row.mistaken):.2f}",
            f"{np.mean(row.right):.3f}",
        ]
        for name, row in rows.items()
    ]
    head = ["suspect", "derived, its fingerprint", "derived, new probes", "noticed", "mistaken"]
    return "\n\n".join(
        [
            "# A thief who holds the fingerprint",
            "Written by `python -m benchmarks.informed_thief --write benchmarks/informed_thief.md`"
            f" on {platform.system()} {platform.machine()}, Python {platform.python_version()},"
            f" numpy {np.__version__}.",
            f"scikit-learn's digits, 8x8, {worlds} worlds (seeds 0 to {worlds - 1}) with a victim"
            f" and 39 references each, as in [false claims](false_claims.md); `{METHOD}`, {N}"
            f" probes, alpha {ALPHA:g}, rule `unseen`. n = {worlds * THIEVES} thieves,"
            " networks that learnt the victim's logits of 600 images. One that *looks"
            " probes up* answers by an innocent model of its own whatever is as near to a probe of"
            " the fingerprint that it holds, and honestly everything else. *New probes*: a"
            " fingerprint of the same victim and references from other images. *Noticed*: an audit"
            " by the fingerprint that it holds notices what it does not of the thief as it is."
            " *Mistaken*: share of other images that are as near to a probe, so that the decoy"
            " answers them; *right*: accuracy on these images. Intervals: Clopper-Pearson, 95%.",
            grid([*head, "right"], cells),
        ]
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--raw", type=Path, help="A folder that keeps what was measured.")
    args = parser.parse_args()
    args.write.write_text(page(args.worlds, args.raw) + "\n")


if __name__ == "__main__":
    main()
