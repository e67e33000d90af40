#!/usr/bin/env bash
# tests/examples/prints.sh: a program ends well and prints a line that matches.  prints.sh REGEX PROGRAM [ARGUMENTS...]
set -euo pipefail
output=$("${@:2}")
echo "$output"
grep -qE -- "$1" <<< "$output" || { echo "FAILED: no line matches $1"; exit 1; }
