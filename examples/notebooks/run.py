"""Run the notebooks and keep what they show: python examples/notebooks/run.py [--write].

A plain notebook needs no more: cells run in order in one namespace, and the last expression of
each is shown.
"""

from __future__ import annotations

import ast
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def executed(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """The notebook with the outputs of its cells, run in the current folder."""
    space: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        tree = ast.parse("".join(cell["source"]), f"{name}[{count}]")
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        said, shown = io.StringIO(), None
        with redirect_stdout(said):
            exec(compile(tree, f"{name}[{count}]", "exec"), space)  # noqa: S102
            if isinstance(last, ast.Expr):
                whole = compile(ast.Expression(last.value), f"{name}[{count}]", "eval")
                shown = eval(whole, space)  # noqa: S307
        cell["execution_count"] = count
        cell["outputs"] = list(_outputs(said.getvalue(), shown, count))
    return notebook


def _outputs(said: str, shown: Any, count: int) -> Any:
    if said:
        yield {"output_type": "stream", "name": "stdout", "text": said.splitlines(keepends=True)}
    if shown is not None:
        data = {"text/plain": repr(shown).splitlines(keepends=True)}
        if hasattr(shown, "_repr_html_"):
            data["text/html"] = shown._repr_html_().splitlines(keepends=True)
        yield {
            "output_type": "execute_result",
            "execution_count": count,
            "metadata": {},
            "data": data,
        }


def main() -> None:
    """Run all; write them back if asked to."""
    sys.path.insert(0, str(HERE))
    for file in sorted(HERE.glob("*.ipynb")):
        notebook = executed(json.loads(file.read_text("utf-8")), file.name)
        if "--write" in sys.argv:
            file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(f"{file.name}: done")


if __name__ == "__main__":
    main()
