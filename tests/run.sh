#!/usr/bin/env bash
# Every check of the project, in the order in which they fail fast. Uses .venv, or the Python in $PYTHON.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-$PWD/.venv/bin/python}
PATH=$(dirname "$python"):$PATH
ruff format --check .
ruff check .
snakefmt --check Snakefile rules
mypy scripts
snakemake --lint
python -m pytest -n 2 --dist loadfile "$@"
