"""Which references to build: many lineages, a few of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from birthmark.common.digests import sha256

OTHERS = (
    "resnet",
    "densenet",
    "vgg",
    "inception",
    "vit",
    "squeeze",
    "wide",
    "mobilenet",
    "mixer",
)
"""Built-in networks, in the order in which they are taken."""
OWN = 4
"""How many share the victim's network and start."""
EACH = 2
"""How many of every other lineage."""
STUDENTS = 2
FEWEST = 4
FEWEST_STARTED = 6
"""With a checkpoint: four that share it, and two of another lineage."""


@dataclass(frozen=True)
class Planned:
    """A reference to build.

    Attributes
    ----------
    lineage
        Its folder.
    number
        Its place in the folder.
    net
        A built-in network, `module:factory` or `timm:NAME`.
    own
        Whether it is the owner's network, begun as the owner's was.
    teacher
        The name of the reference whose answers it learns.
    seed
        Of its weights and batches.
    """

    lineage: str
    number: int
    net: str
    own: bool = False
    teacher: str | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """`resnet/0`."""
        return f"{self.lineage}/{self.number}"


def design(count: int, own: str | None, start: str | None, *, seed: int = 0) -> list[Planned]:
    """So many references, teachers before their students.

    Of 16: four of the owner's network and start, two of each of five other networks, and two
    students of other references.

    Parameters
    ----------
    count
        How many.
    own
        The owner's network, if it is known.
    start
        What it began from; None for random weights.
    seed
        Draws the models' seeds.
    """
    students = STUDENTS if count >= 2 * FEWEST else 0
    few = OWN if start is not None else max(2, count // 3)
    ours = 0 if own is None else min(OWN, few, count)
    mine = "" if own is None else lineage_of(own, start).casefold()
    nets = [net for net in OTHERS if net != mine]
    rest = count - students - ours
    made: list[tuple[str, int, str, bool, str | None]] = []
    if own is not None:
        made += [(lineage_of(own, start), i, own, True, None) for i in range(ours)]
    for i in range(rest):
        turn, net = i % EACH, nets[i // EACH % len(nets)]
        made.append((net, turn + i // (EACH * len(nets)) * EACH, net, False, None))
    taught = nets[0]
    if students:
        teachers = [_name(made[0]), _name(made[ours or EACH])]
        made += [(f"{taught}-student", i, taught, False, one) for i, one in enumerate(teachers)]
    return [Planned(*entry, seed=_seed(seed, _name(entry))) for entry in made]


def lineage_of(net: str, start: str | None) -> str:
    """What a folder of such models is called: `vgg`, `resnet50@imagenet`."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", net.rpartition(":")[2]).strip(".-")[:60] or "own"
    return plain if start is None else f"{plain}@{start}"


def _seed(seed: int, name: str) -> int:
    """A model's own, the same whatever others are built."""
    return int(sha256(f"{seed} {name}".encode()).rpartition(":")[2][:7], 16)


def _name(entry: Sequence[object]) -> str:
    return f"{entry[0]}/{entry[1]}"
