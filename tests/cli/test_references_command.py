from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from birthmark.cli.main import app

pytest.importorskip("torch", reason="references need torch")


@pytest.mark.parametrize(("recipe", "warned"), [(None, True), ("[own]\nepochs = 3", False)])
def test_a_network_without_its_recipe_is_warned_of(
    recipe: str | None, warned: bool, tmp_path: Path
) -> None:
    (tmp_path / "images" / "a").mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "images" / "a" / "0.png")
    asked = ["references", "--images", str(tmp_path / "images"), "--own", "vgg", "--size", "16"]
    if recipe is not None:
        (tmp_path / "recipe.toml").write_text(recipe)
        asked += ["--recipe", str(tmp_path / "recipe.toml")]
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "out")])
    assert ("trained with our recipe instead of yours" in done.stderr) == warned
