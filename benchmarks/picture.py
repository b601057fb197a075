"""Draw the README's picture from a demo run.

python benchmarks/picture.py --seed 0 --write docs/demo.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

from birthmark.demo import tell
from birthmark.report.plots import strip
from birthmark.showing.strip import svg


def main() -> None:
    """Run the demo and draw its suspects among the references, the closest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    results = [audited.result for audited in tell(args.seed).audits]
    args.write.write_bytes(svg(strip(sorted(results, key=lambda r: r.score))))


if __name__ == "__main__":
    main()
