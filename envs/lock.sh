#!/usr/bin/env bash
# Pins every Python package, with hashes, for Python 3.11 on Linux. Needs `uv`.
set -euo pipefail
cd "$(dirname "$0")"
lock() {
  uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --no-annotate --custom-compile-command "bash envs/lock.sh" "$@"
}
lock requirements.in --output-file requirements.txt
lock --no-deps --no-header template.in >>requirements.txt
lock --no-deps slurm.in --output-file slurm.txt
lock test.in --output-file test.txt
lock docs.in --output-file docs.txt
