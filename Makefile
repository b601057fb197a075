# `make demo` and `make test` need Python >= 3.11 and make; they set up everything else in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
OUT ?= demo
SEED ?= 0

.PHONY: demo test coverage lint lowest advisories bench tables picture site clean

demo: .venv/core
	rm -rf $(OUT)
	$(BIN)/birthmark demo --out $(OUT) --seed $(SEED)

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term $(ARGS)

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The oldest versions that pyproject.toml allows, without what runs model files of torch and the like.
lowest: .venv/python
	rm -rf .venv-lowest $(OUT)-lowest
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --disable-pip-version-check uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct \
	  -e '.[pdf,practice,serve,stamp,storage]' 'pytest>=8.2' 'hypothesis>=6.100' 'jsonschema>=4.20'
	.venv-lowest/bin/birthmark demo --out $(OUT)-lowest
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest -q tests/bundle tests/data tests/evidence \
	  tests/cli/test_commands.py tests/registry/test_address.py tests/serving \
	  --deselect tests/evidence/test_schema.py $(ARGS)

advisories: .venv/dev
	$(BIN)/python tests/dependencies/advisories.py

bench: .venv/dev
	$(BIN)/python -m benchmarks.speed --write benchmarks/speed.md

tables: .venv/core
	$(BIN)/birthmark bench benchmarks/answers/*.answers --out benchmarks/detection
	$(BIN)/python benchmarks/ablation.py --write benchmarks/detection/ablation.md
	$(BIN)/python benchmarks/summary.py
	$(BIN)/python -m benchmarks.power
	$(BIN)/birthmark bench benchmarks/answers/*.answers --verdicts benchmarks/verdicts.md
	$(BIN)/python -m benchmarks.sequential --write benchmarks/sequential.md
	$(BIN)/python benchmarks/pairs.py --write benchmarks/pairs.md
	$(BIN)/python -m benchmarks.strength --write benchmarks/strength.md
	$(BIN)/python -m benchmarks.independent --write benchmarks/independent.md
	$(BIN)/python -m benchmarks.choice --write benchmarks/choice.md

picture: .venv/dev
	$(BIN)/python benchmarks/picture.py --seed 0 --write docs/demo.svg
	$(BIN)/python docs/draw_rooms.py --write docs/rooms.svg

site: .venv/dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "birthmark needs Python 3.11 or later: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/core: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/dev: .venv/core constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,torch]'
	touch $@

clean:
	rm -rf .venv .venv-lowest $(OUT) $(OUT)-lowest site
