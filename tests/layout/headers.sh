#!/usr/bin/env bash
# tests/layout/headers.sh: every header compiles alone, without a warning.  headers.sh ROOT EIGEN_INCLUDE COMPILER...
set -uo pipefail
root=$1 eigen=$2
shift 2
alone() {  # ROOT EIGEN COMPILER HEADER
  echo "#include <$4>" | "$3" -x c++ -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
    -I"$1/include" -isystem "$2" - || { echo "FAILED: $4 alone under $3"; return 1; }
}
export -f alone
mapfile -t headers < <(cd "$root/include" && find cordis -name '*.hpp' | sort)
checked=0 failed=0
for compiler in "$@"; do
  command -v "$compiler" > /dev/null || { echo "$compiler is not here: not checked with it"; continue; }
  printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'alone "$@"' - "$root" "$eigen" "$compiler" {} || failed=1
  checked=$((checked + ${#headers[@]}))
done
echo "$checked compilations"
((checked > 0 && failed == 0))
