#!/usr/bin/env bash
# Makes docs/report.png from the demo's report: bash docs/screenshot.sh RESULTS. Needs chromium.
set -euo pipefail
page=$(realpath "$1")/sub-01.html
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update \
  --disable-sync --no-first-run --hide-scrollbars --user-data-dir="$profile" --window-size=1180,1620 \
  --screenshot="$(dirname "$0")/report.png" "file://$page"
