#!/usr/bin/env bash
# bench/revisions.sh: today's model_bench on the engine of other revisions, in turn, to see what a change gained
#   bench/revisions.sh BEFORE AFTER [ROUNDS] -- --model lstm --mode train --batch 32 --threads 1
# Prints the best of all rounds of each. Compiled as the release preset does, into build/revisions.
set -euo pipefail
cd "$(dirname "$0")/.."
revisions=()
while (($#)) && [[ $1 != -- ]]; do revisions+=("$1"); shift; done
rounds=3
if ((${#revisions[@]} == 3)); then rounds=${revisions[2]}; unset 'revisions[2]'; fi
((${#revisions[@]} == 2)) && (($# > 1)) || { sed -n '2,4p' "$0" >&2; exit 2; }
shift
source cmake/setup.sh
eigen=$(eigen_include)
mkdir -p build/revisions
programs=()
for revision in "${revisions[@]}"; do
  commit=$(git rev-parse --short "$revision")
  program=build/revisions/model_bench-$commit
  if [[ ! -x $program || bench/model/model_bench.cpp -nt $program ]]; then
    rm -rf "build/revisions/$commit"
    mkdir "build/revisions/$commit"
    git archive "$commit" include | tar -x -C "build/revisions/$commit"
    g++ -std=c++20 -O3 -DNDEBUG -march=native -I"build/revisions/$commit/include" -isystem "$eigen" \
      bench/model/model_bench.cpp -o "$program" -pthread
  fi
  programs+=("$program")
done
declare -A best
for ((round = 0; round < rounds; ++round)); do
  for program in "${programs[@]}"; do
    ms=$("$program" "$@" | sed -E 's/.*"min_ms": *([0-9.]+).*/\1/')
    if [[ -z ${best[$program]:-} ]] || awk "BEGIN { exit !($ms < ${best[$program]}) }"; then best[$program]=$ms; fi
  done
done
for i in 0 1; do echo "${revisions[$i]}: ${best[${programs[$i]}]} ms"; done
awk "BEGIN { printf \"ratio: %.2f\n\", ${best[${programs[0]}]} / ${best[${programs[1]}]} }"
