"""Draw the plan of the rooms from what imports what.

python docs/draw_rooms.py --write docs/rooms.svg
"""

from __future__ import annotations

import argparse
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise, product
from pathlib import Path
from statistics import fmean

import grimp

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
BOX, TALL, BEND, GAP, FLOOR, EDGE = 132, 38, 10, 26, 84, 34
FIRST, LAST = (46, 157, 143), (132, 104, 214)
STYLE = """
  .card { fill: #fbfbfa; stroke: #e2e2de }
  .room { fill: #ffffff; stroke: #cfd2d6 }
  .name { fill: #22262b; font: 600 14px ui-sans-serif, system-ui, Helvetica, Arial, sans-serif }
  .number { font: 600 11px ui-sans-serif, system-ui, Helvetica, Arial, sans-serif }
  .way { fill: none; stroke-width: 1.6; stroke-opacity: .75 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #17191d; stroke: #2b2f36 }
    .room { fill: #22262c; stroke: #434951 }
    .name { fill: #eceef0 }
    .way { stroke-opacity: 1 }
  }
"""
Point = tuple[int, int]
"""A floor, counted from above, and a place on it."""
Ways = dict[str, list[str]]
"""Which rooms each room leads to."""


def rooms() -> list[str]:
    """The rooms from the first to the last, as the import contract orders them."""
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    floors = next(one["layers"] for one in contracts if one["containers"] == ["birthmark"])
    return [room for floor in reversed(floors) for room in sorted(floor.split(" | "))]


def ways(order: list[str]) -> Ways:
    """From each room to those that import it, but to none that a longer way reaches."""
    graph = grimp.build_graph("birthmark", cache_dir=None)
    users: dict[str, set[str]] = {room: set() for room in order}
    for module in graph.modules:
        for used in graph.find_modules_directly_imported_by(module):
            pair = [name.split(".")[1] for name in (used, module) if "." in name]
            if len(set(pair)) == 2 and {*pair} <= users.keys():
                users[pair[0]].add(pair[1])
    beyond: dict[str, set[str]] = {}
    for room in reversed(order):
        beyond[room] = users[room].union(*(beyond[user] for user in users[room]))
    return {
        room: [to for to in order if to in users[room] and not _passed(to, users[room], beyond)]
        for room in order
    }


def _passed(to: str, users: Iterable[str], beyond: dict[str, set[str]]) -> bool:
    return any(to in beyond[user] for user in users)


def floors_of(order: list[str], led: Ways) -> dict[str, int]:
    """Each room's floor: as high up as it can be, or as low if more ways leave than come."""
    from_ = {room: [one for one in order if room in led[one]] for room in order}
    floor: dict[str, int] = {}
    for room in order:
        floor[room] = 1 + max((floor[one] for one in from_[room]), default=-1)
    for room in reversed(order):
        if len(led[room]) > len(from_[room]) > 0:
            floor[room] = min(floor[to] for to in led[room]) - 1
    return floor


class Plan:
    """Where rooms and ways lie, with few crossings and straight ways."""

    def __init__(self, order: list[str], led: Ways) -> None:
        self.floor = floors_of(order, led)
        self.names: list[list[str]] = [[] for _ in range(max(self.floor.values()) + 1)]
        self.up: dict[str, list[str]] = defaultdict(list)
        self.down: dict[str, list[str]] = defaultdict(list)
        self.ways: list[list[str]] = []
        for room in order:
            self.names[self.floor[room]].append(room)
        for room, to in ((one, to) for one in order for to in led[one]):
            between = range(self.floor[room] + 1, self.floor[to])
            bends = [f"{room} {to} {floor}" for floor in between]
            for floor, bend in zip(between, bends, strict=True):
                self.names[floor].append(bend)
            self.ways.append([room, *bends, to])
            for above, below in pairwise(self.ways[-1]):
                self.down[above].append(below)
                self.up[below].append(above)
        self._sort()
        self.x = self._placed()

    def crossings(self) -> int:
        """How many pairs of ways cross."""
        count = 0
        for above, below in pairwise(self.names):
            lines = [(above.index(a), below.index(b)) for a in above for b in self.down[a]]
            count += sum(a < c and b > d for (a, b), (c, d) in product(lines, lines))
        return count

    def _sort(self) -> None:
        """By the mean place of neighbours, up and down in turn; then swap what crosses less."""
        best, names = self.crossings(), [list(floor) for floor in self.names]
        for turn in range(12):
            beside = self.up if turn % 2 == 0 else self.down
            for floor in self.names if turn % 2 == 0 else reversed(self.names):
                place = {n: i / len(row) for row in self.names for i, n in enumerate(row)}
                mean = {n: fmean([place[o] for o in beside[n]] or [place[n]]) for n in floor}
                floor.sort(key=mean.__getitem__)
            if self.crossings() < best:
                best, names = self.crossings(), [list(floor) for floor in self.names]
        self.names = names
        for floor, _ in product(self.names, range(3)):
            for i in range(len(floor) - 1):
                floor[i], floor[i + 1] = floor[i + 1], floor[i]
                if self.crossings() < best:
                    best = self.crossings()
                else:
                    floor[i], floor[i + 1] = floor[i + 1], floor[i]

    def _placed(self) -> dict[str, float]:
        """Each where its neighbours are on the mean; rooms lean to the middle, 0."""
        placed: dict[str, float] = {}
        for row in self.names:
            placed |= zip(row, _apart([0.0] * len(row), row), strict=True)
        for turn in range(1500):
            for row in self.names if turn % 2 == 0 else reversed(self.names):
                wanted = [fmean([placed[o] for o in self._weighed(n)] + _lean(n)) for n in row]
                placed |= zip(row, _apart(wanted, row), strict=True)
        return placed

    def _weighed(self, name: str) -> list[str]:
        """Its neighbours; those that continue a long way count more, so that it is straight."""
        beside = self.up[name] + self.down[name]
        return [
            other for other in beside for _ in range(150 if " " in other and " " in name else 1)
        ]


def _wide(name: str) -> int:
    return BEND if " " in name else BOX


def _lean(name: str) -> list[float]:
    return [] if " " in name else [0.0]


def _apart(wanted: list[float], row: list[str]) -> list[float]:
    """The places nearest to those wanted, in this order, that keep a gap between neighbours."""
    start = [0.0]
    for left, right in pairwise(map(_wide, row)):
        start.append(start[-1] + (left + right) / 2 + GAP)
    blocks: list[list[float]] = []
    for value in (w - s for w, s in zip(wanted, start, strict=True)):
        blocks.append([value])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    shifts = [fmean(block) for block in blocks for _ in block]
    return [shift + s for shift, s in zip(shifts, start, strict=True)]


def svg(order: list[str], led: Ways) -> str:
    """The plan as an SVG."""
    plan = Plan(order, led)
    left = min(at - _wide(name) / 2 for name, at in plan.x.items())
    right = max(at + _wide(name) / 2 for name, at in plan.x.items())
    x = {name: round(at - left) + EDGE for name, at in plan.x.items()}
    y = {name: i * FLOOR + EDGE for i, row in enumerate(plan.names) for name in row}
    width = round(right - left) + 2 * EDGE
    height = (len(plan.names) - 1) * FLOOR + TALL + 2 * EDGE
    colour = {room: _colour(i / (len(order) - 1)) for i, room in enumerate(order)}
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="The plan of the rooms">',
            f"<style>{STYLE}</style>",
            f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="14"/>',
            *(_way([(x[n], y[n]) for n in way], colour[way[0]]) for way in plan.ways),
            *(_room(room, i + 1, (x[room], y[room]), colour[room]) for i, room in enumerate(order)),
            "</svg>",
            "",
        ]
    )


def _colour(share: float) -> str:
    return "#" + "".join(
        f"{round(a + (b - a) * share):02x}" for a, b in zip(FIRST, LAST, strict=True)
    )


def _way(points: list[Point], colour: str) -> str:
    """From the lower edge of a room to the upper edge of another, with an arrow's head."""
    (x, y), *bends, (to, end) = points
    path = [f"M{x} {y + TALL}"]
    at = (x, y + TALL)
    for bend_x, bend_y in bends:
        path += [_curve(at, (bend_x, bend_y)), f"V{bend_y + TALL}"]
        at = (bend_x, bend_y + TALL)
    path += [_curve(at, (to, end - 3)), f"M{to - 4} {end - 8}L{to} {end - 3}L{to + 4} {end - 8}"]
    return f'<path class="way" stroke="{colour}" d="{"".join(path)}"/>'


def _curve(start: Point, end: Point) -> str:
    half = (start[1] + end[1]) // 2
    return f"C{start[0]} {half} {end[0]} {half} {end[0]} {end[1]}"


def _room(name: str, number: int, at: Point, colour: str) -> str:
    left, top = at[0] - BOX // 2, at[1]
    return (
        f'<rect class="room" x="{left}" y="{top}" width="{BOX}" height="{TALL}" rx="8"/>'
        f'<text class="number" x="{left + 12}" y="{top + 24}" fill="{colour}">{number}</text>'
        f'<text class="name" x="{left + 34}" y="{top + 24}">{name}</text>'
    )


def main() -> None:
    """Draw the plan into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, required=True)
    order = rooms()
    parser.parse_args().write.write_text(svg(order, ways(order)), "utf-8")


if __name__ == "__main__":
    main()
