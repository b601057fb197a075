"""The other witnesses that an audit asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.audit.testimony import Testimony
    from birthmark.bundle import Manifest
    from birthmark.common.progress import Progress


@dataclass(frozen=True)
class Wanted:
    """What the options ask for, before anything is asked."""

    victim_file: Path | None
    suspect: str
    init: Path | None
    init_references: Sequence[Path]
    split: Path | None
    split_images: Path | None
    split_references: Sequence[str]

    @property
    def count(self) -> int:
        """How many witnesses are asked beside the resemblance of answers."""
        return (self.victim_file is not None) + (self.split is not None)

    def require(self, manifest: Manifest) -> None:
        """Find out before any query that the witnesses can be asked.

        Raises
        ------
        BirthmarkError
            If something is missing, or the victim's file is not the one that was enrolled.
        """
        from birthmark.models.weights import FORMATS, readable
        from birthmark.witnesses.shuffled.plan import read_plan
        from birthmark.witnesses.weights.witness import digest_of

        if self.victim_file is None and (self.init or self.init_references):
            raise BirthmarkError("--init", "is for comparing weights", "pass --victim-file too")
        if self.victim_file is not None:
            if not readable(self.suspect):
                raise BirthmarkError(
                    "--victim-file",
                    f"needs a suspect whose weights can be read, and {self.suspect} is not one",
                    f"name a file of it ({FORMATS}), or drop the option",
                )
            if not readable(str(self.victim_file)):
                raise BirthmarkError(self.victim_file, "is not a model file", f"name {FORMATS}")
            if digest_of(self.victim_file) != manifest.victim.digest:
                raise BirthmarkError(
                    self.victim_file,
                    "is not the file that was enrolled (digest)",
                    "name that one, or compare the two files with `birthmark weights`",
                )
        if (self.split is None) != (self.split_images is None):
            raise BirthmarkError(
                "--split", "also needs the images that were split", "pass --split-images"
            )
        if self.split is not None and manifest.split not in (None, read_plan(self.split).seal):
            raise BirthmarkError(
                self.split, "is not the plan that was enrolled (seal)", "name that one"
            )
        if self.split is None and self.split_references:
            raise BirthmarkError("--split-references", "are for a split", "pass --split")

    def asked(
        self, model: Any, declared: dict[str, Any], each: float, progress: Progress
    ) -> list[Testimony]:
        """What they say, each at its level."""
        said = []
        if self.victim_file is not None:
            from birthmark.witnesses.weights.witness import weights

            progress("Comparing weights", 0, 1)
            said.append(
                weights(
                    self.victim_file,
                    self.suspect,
                    alpha=each,
                    init=self.init,
                    references=self.init_references,
                )
            )
            progress("Comparing weights", 1, 1)
        if self.split is not None and self.split_images is not None:
            from birthmark.data.images import ImageSet
            from birthmark.models.adapters.lookup import open_all
            from birthmark.witnesses.shuffled.plan import read_plan
            from birthmark.witnesses.shuffled.witness import shuffled

            said.append(
                shuffled(
                    read_plan(self.split),
                    ImageSet.open(self.split_images, progress),
                    model,
                    open_all(list(self.split_references), declared),
                    alpha=each,
                    progress=progress,
                )
            )
        return said
