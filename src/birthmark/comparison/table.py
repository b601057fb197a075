"""What a comparison holds, and its forms for notebooks and files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from birthmark.audit.result import percent
from birthmark.audit.verdict import Verdict
from birthmark.common.errors import BirthmarkError
from birthmark.comparison.html import html_table
from birthmark.comparison.map import POOR, Map
from birthmark.comparison.picture import map_figure
from birthmark.comparison.row import Row
from birthmark.registry.index import sampled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def two_ways(models: int, alpha: float) -> bool:
    """Whether a registry has enough models for a rank of alpha / 2 among them."""
    return 1 / (sampled(models) + 1) <= alpha / 2


class Comparison(BaseModel):
    """Suspects by fingerprints.

    Attributes
    ----------
    alpha
        The false-positive rate asked of each verdict by itself, not of all together; with a
        registry, of each suspect.
    rows
        Fingerprint by fingerprint, the closest suspect first.
    maps
        One a fingerprint; none where the suspects were compared one by one.
    registry
        How many models the suspects were looked up among, of which the nearest were audited; None
        where every suspect was audited by every fingerprint.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float
    rows: list[Row]
    maps: list[Map]
    registry: int | None = None

    @property
    def sentence(self) -> str:
        """What to bear in mind of so many verdicts."""
        if self.registry is not None:
            return self._of_registry(self.registry)
        judged = sum(row.verdict is not None for row in self.rows)
        called = sum(row.verdict is Verdict.DERIVED for row in self.rows)
        return (
            f"{called} of {judged} are called derived. Each verdict by itself has a"
            f" false-positive rate of {percent(self.alpha)}: of {judged} innocent suspects, up to"
            f" {judged * self.alpha:.3g} would be called derived on average."
        )

    def _of_registry(self, models: int) -> str:
        suspects = {row.suspect for row in self.rows if row.verdict is not None}
        called = {row.suspect for row in self.rows if row.verdict is Verdict.DERIVED}
        each = (
            f"derived needs p <= {self.alpha:g} / {models:,} = {self.alpha / models:.2g}"
            if not two_ways(models, self.alpha)
            else f"derived needs p <= {self.alpha:g} where the suspect is nearer to the model"
            f" than {1 - self.alpha / 2:.4g} of the registry's models are to any other, and"
            f" p <= {self.alpha:g} / 2 / {models:,} = {self.alpha / 2 / models:.2g} elsewhere"
        )
        count = len(suspects)
        expected = (
            f"An innocent one is called derived at most {percent(self.alpha)} of the time."
            if count == 1
            else f"Of {count} innocent ones expect at most {count * self.alpha:.3g} to be called"
            " derived."
        )
        return (
            f"{len(called)} of {count} suspects are called derived. Each was compared with"
            f" {models:,} model{'s' * (models > 1)}, so {each}. {expected}"
        )

    def __repr__(self) -> str:
        return f"<Comparison: {len(self.rows)} rows, {len(self.maps)} maps\n {self.sentence}>"

    @property
    def notes(self) -> list[str]:
        """What was noticed of several suspects at once, and which maps distort."""
        distorted = [
            f"The map of {one.fingerprint} distorts distances (stress {one.stress:.2f}, where more"
            f" than {POOR:g} is poor). Read the table instead: a score is the distance from the"
            " victim."
            for one in self.maps
            if one.distorts
        ]
        return [*(one.note for one in self.maps if one.note is not None), *distorted]

    def to_csv(self) -> str:
        """One line a row; findings are joined by `; `."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        fields = list(Row.model_fields)
        writer.writerow(fields)
        for row in self.rows:
            values = row.model_dump(mode="json") | {"findings": "; ".join(row.findings)}
            writer.writerow(["" if values[name] is None else values[name] for name in fields])
        return out.getvalue()

    def to_frame(self) -> Any:
        """A pandas DataFrame with one row each.

        Raises
        ------
        BirthmarkError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise BirthmarkError(
                "to_frame", "takes pandas", "pip install pandas, or use to_csv()"
            ) from error
        return pd.DataFrame([row.model_dump(mode="json") for row in self.rows])

    def plot(self) -> Figure:
        """The maps as a matplotlib figure."""
        return map_figure(self.maps)

    def _repr_html_(self) -> str:
        return html_table(self.sentence, self.rows)
