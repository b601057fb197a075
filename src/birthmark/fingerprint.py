"""The public face: enroll a victim, audit a suspect."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from birthmark.audit.audit import Audited, audit
from birthmark.audit.repeats import REPEATS
from birthmark.audit.result import NO_LINEAGE, Result
from birthmark.audit.rule import ALPHA, Rule
from birthmark.bundle import Bundle, Manifest, read_bundle, write_bundle
from birthmark.common.digests import sha256_of_file
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.enrolment.enrolment import enroll
from birthmark.models.adapters import as_suspect
from birthmark.models.adapters.base import PairSuspect
from birthmark.models.adapters.lookup import open_all
from birthmark.probes import Companions
from birthmark.scores.methods import BEST

ONE_THREAD = 1, "blas"
"""Matrix products are small here: two threads of BLAS mostly wait for each other."""


class Fingerprint:
    """A victim's fingerprint.

    Made by `Fingerprint.enroll` or `Fingerprint.open`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def enroll(
        cls,
        model: Any,
        images: Any,
        references: Sequence[Any] | str | Path,
        *,
        declared: Any = None,
        lineage: str | None = None,
        method: str = BEST,
        n: int = 100,
        seed: int = 0,
        seed_from: str | None = None,
        resize: tuple[int, int] | None = None,
        start: str | None = None,
        split: str | None = None,
        name: str | None = None,
        surrogates: Sequence[Any] = (),
        outsiders: Sequence[Any] = (),
        workers: int = 1,
        engine: str = "joblib",
        progress: Progress = silent,
    ) -> Fingerprint:
        """Enroll a victim.

        Parameters
        ----------
        model
            The victim: a path, a scikit-learn or torch model, a function, or an adapter.
        images
            A path, an array, a pair of images and labels, a data set such as torch's, or an image
            set (`ImageSet.of`).
        references
            Independent models, of the same forms; or a folder of them with a sub-folder a lineage.
        declared
            The declaration (or its fields) for all models that are not adapters already.
        lineage
            The victim's lineage, as the references call it; the rule `rank` calls nothing derived
            without it. An adapter states its own.
        method, n, seed, seed_from, resize, start, split, name, workers, engine, progress
            As for `birthmark.enrolment.enrolment.enroll`.
        surrogates, outsiders
            Copies of the victim and independent models, of the same forms, that only help to choose
            the probes, for methods that ask them (`birthmark.probes.Companions`).

        Raises
        ------
        BirthmarkError
            If images or models don't allow it.
        """
        images = ImageSet.of(images, progress)
        with threadpool_limits(*ONE_THREAD):
            bundle = enroll(
                as_suspect(model, declared, lineage=lineage),
                images,
                open_all([str(references)], declared)
                if isinstance(references, str | Path)
                else [as_suspect(reference, declared) for reference in references],
                method_name=method,
                n=n,
                seed=seed,
                seed_from=seed_from,
                resize=resize,
                start=start,
                split=split,
                name=name,
                companions=Companions(
                    [as_suspect(surrogate, declared) for surrogate in surrogates],
                    [as_suspect(outsider, declared) for outsider in outsiders],
                ),
                workers=workers,
                engine=engine,
                progress=progress,
            )
        return cls(bundle)

    @classmethod
    def open(cls, path: str | Path) -> Fingerprint:
        """Open a `.birthmark` file and check every digest in it.

        Raises
        ------
        BirthmarkError
            If it is missing, foreign, truncated or altered.
        """
        fingerprint = cls(read_bundle(path))
        fingerprint.seal = sha256_of_file(Path(path))
        return fingerprint

    def save(self, path: str | Path) -> str:
        """Write it and return its seal.

        Raises
        ------
        BirthmarkError
            If it can't be written.
        """
        self.seal = write_bundle(self.bundle, Path(path))
        return self.seal

    @cached_property
    def seal(self) -> str:
        """Digest of the file, as `sha256sum` prints it; publish it before a dispute."""
        with tempfile.TemporaryDirectory() as folder:
            return write_bundle(self.bundle, Path(folder) / "fingerprint.birthmark")

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""
        return self.bundle.manifest

    @property
    def probes(self) -> list[Image]:
        """The probes, in order."""
        return self.bundle.probes

    def __repr__(self) -> str:
        described = self.manifest
        seal = self.seal if "seal" in self.__dict__ else "not saved yet"
        return (
            f"<Fingerprint of {described.victim.name}: {len(described.probes)} probes,"
            f" {len(described.references)} references, method {described.method}\n seal: {seal}>"
        )

    def _repr_html_(self) -> str:
        """A card for notebooks: what it is, without scripts."""
        from birthmark.showing.card import facts_card

        manifest = self.manifest
        lineages = Counter(one.lineage or NO_LINEAGE for one in manifest.references)
        named = ", ".join(f"{count} {name}" for name, count in sorted(lineages.items()))
        count = len(manifest.references)
        facts = [
            (
                "Victim",
                f"{manifest.victim.name}, lineage {manifest.victim.lineage or 'not stated'}",
            ),
            ("Method", manifest.method),
            ("Probes", f"{len(manifest.probes)} of {manifest.images.count} images"),
            (
                "References",
                f"{count}: {named}; the victim started from"
                f" {manifest.start or 'an unstated start'}",
            ),
        ]
        if "seal" in self.__dict__:
            facts.append(("Seal", self.seal))
        return facts_card("Fingerprint", facts)

    def audit(
        self,
        suspect: Any,
        *,
        declared: Any = None,
        alpha: float = ALPHA,
        independent_above: float = 0.5,
        rule: Rule = Rule.UNSEEN,
        stop_early: bool = False,
        repeats: int = REPEATS,
        name: str | None = None,
        progress: Progress = silent,
    ) -> Result:
        """Put the probes to a suspect and judge its answers.

        Parameters
        ----------
        suspect
            A path, a scikit-learn or torch model, a function, or an adapter.
        declared
            Its declaration or the declaration's fields.
        alpha, independent_above, rule, stop_early, repeats, name, progress
            As for `birthmark.audit.audit.audit`.

        Raises
        ------
        BirthmarkError
            If alpha can't be reached, or the suspect's answers are unusable.
        """
        return self.audit_with_answers(
            suspect,
            declared=declared,
            alpha=alpha,
            independent_above=independent_above,
            rule=rule,
            stop_early=stop_early,
            repeats=repeats,
            name=name,
            progress=progress,
        ).result

    def audit_with_answers(self, suspect: Any, *, declared: Any = None, **options: Any) -> Audited:
        """As `audit`, but the suspect's answers come too."""
        if not isinstance(suspect, PairSuspect):
            suspect = as_suspect(suspect, declared)
        with threadpool_limits(*ONE_THREAD):
            return audit(self.bundle, suspect, seal=self.seal, **options)
