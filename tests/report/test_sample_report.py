"""The sample report in the docs is whole, and says what is not real in it."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).parents[2] / "docs" / "sample-report.html"


def test_it_holds_all_it_shows_and_no_photograph() -> None:
    text = SAMPLE.read_text("utf-8")
    assert len(text) < 2_000_000
    assert not re.search(r"https?://|<script|@import", text)
    assert "This is a sample" in text
    assert "faces of real people" in text
    figures = text[text.index('id="probes"') : text.index('id="calibration"')]
    tiles = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', figures)
    assert len(tiles) == 12
    for kind, data in tiles:
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert kind == "png"
        colours = picture.convert("RGB").getcolors(160 * 160) or []
        assert max(count for count, _ in colours) > 0.8 * 160 * 160
