"""The files that the demo leaves."""

from __future__ import annotations

import json
from pathlib import Path

from birthmark.audit.answers import answers_bytes
from birthmark.common.files import whole_folder
from birthmark.demo.story import Story
from birthmark.report.html import render_report


def write_story(story: Story, out: Path) -> None:
    """Write `digits.birthmark`, `answers/`, `result.json` and `report.html` into a new folder.

    Raises
    ------
    BirthmarkError
        If it holds something already, or can't be written; nothing is left then.
    """
    report = render_report(
        story.fingerprint.bundle,
        story.audits,
        title="Demo: handwritten digits",
        truths=story.truths,
        note=story.summary,
    )
    with whole_folder(out) as folder:
        story.fingerprint.save(folder / "digits.birthmark")
        (folder / "answers").mkdir()
        for audited in story.audits:
            file = folder / "answers" / f"{audited.result.suspect.name}.safetensors"
            file.write_bytes(answers_bytes(audited.recorded))
        (folder / "result.json").write_text(json.dumps(as_json(story), indent=2) + "\n", "utf-8")
        (folder / "report.html").write_text(report, "utf-8")


def as_json(story: Story) -> dict[str, object]:
    """The story as `result.json` holds it."""
    return {
        "format": "birthmark-demo/1",
        "seed": story.seed,
        "summary": story.summary,
        "suspects": [
            {
                "truth": story.truths[audited.result.suspect.name],
                "result": audited.result.model_dump(mode="json"),
            }
            for audited in story.audits
        ],
    }
