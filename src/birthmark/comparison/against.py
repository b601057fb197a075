"""What suspects are compared with: fingerprints, or those of a registry that are nearest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from birthmark.audit.audit import Audited, require_rate
from birthmark.common.errors import BirthmarkError
from birthmark.comparison.by_weights import ByWeights, by_weights
from birthmark.comparison.row import Row, failed_row, row_of
from birthmark.comparison.table import two_ways
from birthmark.data.images import Progress, silent
from birthmark.fingerprint import Fingerprint
from birthmark.models.adapters import Suspect
from birthmark.registry import NEAREST, Near, Registry, UnreachableError, is_address, open_registry

OPEN = 16
"""Fingerprints that are kept open."""


class Found(NamedTuple):
    """What came of a suspect.

    Attributes
    ----------
    candidates
        The models of the registry that answer most like it, the nearest first.
    weights
        Those whose weights look like its, the nearest first.
    rows
        A line for each fingerprint.
    audits
        By the fingerprint's name, where it could be compared.
    """

    candidates: list[Near]
    weights: list[Near]
    rows: list[Row]
    audits: dict[str, Audited]


@dataclass(frozen=True)
class Against:
    """What each suspect is compared with; small, so that workers can be told.

    Attributes
    ----------
    alpha
        The false-positive rate of each verdict; with a registry, of each suspect.
    fingerprints
        The name to show, the file and the seal of each.
    registry
        Where a registry is whose nearest models are audited instead.
    state, models
        The registry's when it was looked at first, so that all suspects meet the same.
    """

    alpha: float
    fingerprints: tuple[tuple[str, Path, str], ...] = ()
    registry: str | Path | None = None
    state: str | None = None
    models: int | None = None

    @classmethod
    def of(cls, alpha: float, fingerprints: Sequence[str], registry: str | Path | None) -> Against:
        """What these name.

        Raises
        ------
        BirthmarkError
            If there is neither or both, the registry holds nothing that can be searched, or alpha
            is no rate.
        """
        require_rate(alpha)
        if registry is None:
            if not fingerprints:
                raise BirthmarkError(
                    "compare", "there are no fingerprints", "name at least one, or pass --registry"
                )
            files = [(name, Path(name).resolve()) for name in fingerprints]
            return cls(
                alpha, tuple((name, file, Fingerprint.open(file).seal) for name, file in files)
            )
        if fingerprints:
            raise BirthmarkError(
                "--registry", "comes with fingerprints as well", "add them to it, or leave them out"
            )
        where = registry if is_address(registry) else Path(registry).resolve()
        opened = open_registry(where)
        if not opened.models:
            raise BirthmarkError(
                registry, "holds no models that can be searched", "see birthmark registry list"
            )
        return cls(alpha, (), where, opened.state, len(opened.models))

    def level(self, candidate: Near | None) -> float:
        """What p-value `derived` takes by a fingerprint, of one found by answers or else None.

        A suspect that is looked up among N models is in effect compared with all of them, and one
        that is near by its answers to the task set is likelier to be near by those to the
        fingerprint's probes too: alpha / 10 for ten candidates does not hold. What does is shared
        by two ways: (1) the suspect comes nearer to the model than all but alpha / 2 of the
        registry's models come to any other, which is a test of the whole search, and its p is at
        most alpha; (2) p is at most alpha / 2 / N (Bonferroni). With so few models that (1) can't
        be, (2) has all of alpha. Measured in benchmarks/registry.md. What was found by weights
        alone has (2), which counts every model, however it was chosen.
        """
        if self.models is None:
            return self.alpha
        if not two_ways(self.models, self.alpha):
            return self.alpha / self.models
        near = candidate is not None and candidate.chance <= self.alpha / 2
        return self.alpha if near else self.alpha / 2 / self.models

    def sealed(self) -> dict[str, str]:
        """All that a result depends on besides the suspect, by names and digests."""
        if self.registry is not None:
            return {"registry": self.state or "", "alpha": repr(self.alpha)}
        return {name: seal for name, _, seal in self.fingerprints} | {"alpha": repr(self.alpha)}

    def meet(
        self, suspect: Suspect, progress: Progress = silent, named: str | None = None
    ) -> Found:
        """Compare a suspect, which may be named by a file that weights can be read from.

        Raises
        ------
        BirthmarkError
            If it can't be asked the task set, or the registry is another than it was or out of
            reach.
        """
        candidates: list[Near] = []
        alike = ByWeights([])
        sealed: dict[str, Callable[[], Fingerprint]] = {
            name: partial(_fingerprint, file, seal) for name, file, seal in self.fingerprints
        }
        if self.registry is not None:
            registry = _registry(self.registry, self.state)
            candidates = registry.nearest(suspect, NEAREST, progress)
            alike = by_weights(registry, named)
            both = [*candidates, *alike.near]
            sealed = {one.name: partial(registry.sealed, one.name) for one in both}
        found = Found(candidates, alike.near, [], {})
        near = {one.name: one for one in candidates}
        for name, opened in sealed.items():
            fingerprint = None
            try:
                fingerprint = opened()
                audited = fingerprint.audit_with_answers(
                    suspect, alpha=self.level(near.get(name)), progress=progress
                )
            except UnreachableError:
                raise
            except BirthmarkError as error:
                found.rows.append(failed_row(name, fingerprint, suspect.description.name, error))
                continue
            found.audits[name] = audited
            found.rows.append(row_of(name, audited))
        found.rows[:] = [alike.said_of(row, self.alpha) for row in found.rows]
        found.rows.sort(key=lambda row: (row.p_value is None, row.p_value, row.score))
        return found


@lru_cache(maxsize=OPEN)
def _fingerprint(file: Path, seal: str) -> Fingerprint:
    opened = Fingerprint.open(file)
    if opened.seal != seal:
        raise BirthmarkError(file, "has changed since this began", "start again in another folder")
    return opened


@lru_cache(maxsize=2)
def _registry(where: str | Path, state: str | None) -> Registry:
    opened = open_registry(where)
    if opened.state != state:
        raise BirthmarkError(
            where, "has other models than when this began", "start again in another folder"
        )
    return opened
