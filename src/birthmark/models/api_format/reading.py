"""Where in an answer the numbers are, and what they are; first taken, then judged together.

What is taken is kept, so that a mistake in the list of classes or the scale costs no call.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from birthmark.common.errors import BirthmarkError
from birthmark.data.outputs import MAX_WIDTH, Kind
from birthmark.models.api_format.document import Path, number, shown

Label = str | int
Taken = list[float] | dict[Label, float] | Label | float
"""Numbers in their order, scores by label, one label, or one number."""
Scalar = bool | int | float | str
SLACK = 0.01


def _path(text: str) -> str:
    Path(text)
    return text


JsonPath = Annotated[str, AfterValidator(_path)]
ClassName = Annotated[str, Field(min_length=1, max_length=500)]
NUMBERS = "probabilities", "logits", "embeddings"


class Reading(BaseModel):
    """What an answer holds and where.

    Attributes
    ----------
    kind
        What the answer is.
    path
        Where: numbers, an object from labels to scores, one label or one number.
    labels_path, scores_path
        For top-k, where the labels and their scores are, instead of `path`.
    classes
        The labels in the order of the classes; without it, labels are numbers from 0 or, of
        objects that tell all classes, sorted.
    scale
        The number that stands for 1 in probabilities and similarities: 100 for percentages. Of
        distances, the one that stands for a similarity of 0.
    euclidean
        Of distances, whether they are Euclidean: half of such a distance's square, of embeddings of
        length one, is what their cosine lacks to 1.
    rest
        For top-k, what unlisted classes get: what is missing to 1, spread evenly, or nothing, so
        that the listed ones are scaled to 1.
    merge
        Whether a label may stand for several classes: it may be listed several times in `classes`,
        which share its score, and several times in an answer, whose scores are added.
    yes, no
        For match, what stands for the one and the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal[
        "probabilities",
        "logits",
        "embeddings",
        "labels",
        "top-k",
        "similarity",
        "distance",
        "match",
    ]
    path: JsonPath | None = None
    labels_path: JsonPath | None = None
    scores_path: JsonPath | None = None
    classes: Annotated[tuple[ClassName, ...], Field(max_length=1 << 16)] = ()
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    euclidean: bool = False
    rest: Literal["spread", "nothing"] = "spread"
    merge: bool = False
    yes: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=100)] = (True,)
    no: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=100)] = (False,)

    @model_validator(mode="after")
    def _consistent(self) -> Reading:
        lists = self.labels_path, self.scores_path
        if self.kind != "top-k" and any(lists):
            raise ValueError("labels_path and scores_path are for kind = 'top-k'")
        if (self.path is not None) == any(lists) or (any(lists) and not all(lists)):
            raise ValueError(
                "give path, or for kind = 'top-k' instead both labels_path and scores_path"
            )
        if self.kind == "top-k" and len(self.classes) < 2:
            raise ValueError("kind = 'top-k' needs classes, all labels in a fixed order")
        different = len(set(self.classes))
        if different == 1 or (different != len(self.classes) and not self.merge):
            raise ValueError(
                "classes are two different labels or more; set merge = true if a label stands for"
                " several classes"
            )
        if self.euclidean and self.kind != "distance":
            raise ValueError("euclidean is for kind = 'distance'")
        if any(same(one, other) for one in self.yes for other in self.no):
            raise ValueError("yes and no have something in common")
        return self

    @property
    def of_pairs(self) -> bool:
        """Whether the question is about two images."""
        return self.kind in ("similarity", "distance", "match")

    @property
    def output(self) -> Kind:
        """What the answers are, once they are read."""
        if self.of_pairs:
            return Kind.SIMILARITIES
        return Kind.PROBABILITIES if self.kind == "top-k" else Kind(self.kind)

    def take(self, document: object, source: str) -> Taken:
        """Take one answer's numbers or label from its JSON.

        Raises
        ------
        BirthmarkError
            In one line, if there are none where they should be.
        """
        if self.labels_path and self.scores_path:
            return self._listed(self.labels_path, self.scores_path, document, source)
        where = self.path or "$"
        path = Path(where)
        if self.kind == "labels":
            return _label(path.one(document, source), where, source)
        if self.kind == "match":
            return self._match(path.one(document, source), where, source)
        if self.of_pairs:
            return number(path.one(document, source), where, source)
        found = path.all(document, source)
        if len(found) == 1 and isinstance(found[0], dict) and (found[0] or self.kind == "top-k"):
            return {label: number(x, where, source) for label, x in found[0].items()}
        if self.kind == "top-k":
            path.one(document, source)
            raise BirthmarkError(
                source,
                f"its answer has {shown(found[0])} at {where}, and no scores by label",
                "give labels_path and scores_path",
            )
        return [number(x, where, source) for x in path.several(document, source)]

    def _listed(self, labels: str, scores: str, document: object, source: str) -> Taken:
        names = [_label(x, labels, source) for x in _any(labels, document, source)]
        numbers = [number(x, scores, source) for x in _any(scores, document, source)]
        if len(names) != len(numbers):
            raise BirthmarkError(
                source,
                f"its answer has {len(names)} labels at {labels}, {len(numbers)} scores at"
                f" {scores}",
                "fix the paths",
            )
        if len(set(names)) != len(names) and not self.merge:
            raise BirthmarkError(
                source,
                "its answer names a label twice",
                "fix the paths, or set merge = true if a label stands for several classes",
            )
        scores_by: dict[Label, float] = {}
        for label, score in zip(names, numbers, strict=True):
            scores_by[label] = scores_by.get(label, 0.0) + score
        return scores_by

    def _match(self, value: object, where: str, source: str) -> float:
        for words, number_ in ((self.yes, 1.0), (self.no, 0.0)):
            if any(same(value, word) for word in words):
                return number_
        raise BirthmarkError(
            source,
            f"its answer has {shown(value)} at {where}, which is neither yes nor no",
            "list it in yes or no",
        )

    def similarity(self, value: Taken, source: str) -> float:
        """A similarity in which 1 stands for the same image; of a distance d, 1 - d.

        Raises
        ------
        BirthmarkError
            If it is beyond the scale, or a distance below zero.
        """
        value = number(value, self.path or "$", source)
        if self.kind == "distance":
            if value < -SLACK * self.scale:
                raise BirthmarkError(
                    source,
                    f"answered with the distance {value:g}, below zero",
                    "declare kind = 'similarity' if it is large for the same image",
                )
            apart = value / self.scale
            return 1 - apart * apart / 2 if self.euclidean else 1 - apart
        if abs(value) > self.scale * (1 + SLACK):
            raise BirthmarkError(
                source,
                f"answered with the similarity {value:g}, but {self.scale:g} stands for identical",
                "declare scale, the similarity of an image to itself; or kind = 'distance' if it is"
                " small for the same image",
            )
        return value / self.scale


def _any(path: str, document: object, source: str) -> list[Any]:
    """What is at a path, where an empty list is an answer too."""
    found = Path(path).all(document, source)
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found


def _label(value: object, where: str, source: str) -> Label:
    if isinstance(value, str):
        return value
    whole = number(value, where, source)
    if whole != math.floor(whole) or not 0 <= whole < MAX_WIDTH:
        raise BirthmarkError(
            source,
            f"its answer has {shown(value)} at {where}, which is not a label",
            "fix the path",
        )
    return int(whole)


def same(value: object, other: Scalar) -> bool:
    """Whether two JSON values are equal, where true is not 1."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other
