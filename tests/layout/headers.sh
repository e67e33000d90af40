#!/usr/bin/env bash
# tests/layout/headers.sh: every header compiles alone, without a warning.  headers.sh ROOT EIGEN_INCLUDE COMPILER...
set -uo pipefail
root=$1 eigen=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
checked=0 failed=0
for compiler in "$@"; do
  command -v "$compiler" >/dev/null || { echo "$compiler is not here: not checked with it"; continue; }
  while read -r header; do
    echo "#include <$header>" > "$folder/one.cpp"
    if ! "$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
      -I"$root/include" -isystem "$eigen" "$folder/one.cpp"; then
      echo "FAILED: $header alone under $compiler"
      failed=$((failed + 1))
    fi
    checked=$((checked + 1))
  done < <(cd "$root/include" && find cordis -name '*.hpp' | sort)
done
echo "$checked compilations, $failed failed"
((checked > 0 && failed == 0))
