#!/usr/bin/env bash
# tests/faults/sweep.sh: two small sets of ECGs, and sweep.py on them.  sweep.sh ECG ROOT INJECTOR [OPTIONS of sweep.py]
injector=$(realpath "$3")
source "$(dirname "$0")/../cli/common.sh"
small_set sets/up 16
small_set sets/down 20
python3 "$(dirname "$script")/sweep.py" "$ecg" "$injector" "$work" "${@:4}"
