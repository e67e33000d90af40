#!/usr/bin/env bash
# bench/compile/run.sh: what the compiler needs for three programs: seconds and memory.  run.sh [ROUNDS] [COMPILER]
# In turn, the least of all rounds (default: 3); by the headers alone, with cordis::compiled, and with that and the
# umbrella header precompiled, as a project of many files has it once. Prints a table; exits with 1 where one is above its
# budget, which is about twice what a quiet core took (results/2026-11-28-compile.md).
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3} compiler=${2:-g++}
source cmake/setup.sh
eigen=$(eigen_include)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O3 -march=native -Iinclude -isystem "$eigen")
compile() { "$compiler" "${flags[@]}" "$@"; }

mkdir "$work/pch"
printf '#include <cordis/cordis.hpp>\n' > "$work/pch/umbrella.hpp"
compile -DCORDIS_COMPILED -x c++-header "$work/pch/umbrella.hpp" -o "$work/pch/umbrella.hpp.gch"

# program:way:most seconds:most MB
budgets=(umbrella:headers:11:1000 tensor:headers:12:1000 train:headers:45:1400
  umbrella:compiled:10:900 tensor:compiled:11:900 train:compiled:18:1000
  tensor:precompiled:4:600 train:precompiled:9:700)
declare -A seconds megabytes
for ((round = 0; round < rounds; round++)); do
  for budget in "${budgets[@]}"; do
    IFS=: read -r program way _ _ <<< "$budget"
    options=()
    [[ $way == headers ]] || options+=(-DCORDIS_COMPILED)
    [[ $way != precompiled ]] || options+=(-include "$work/pch/umbrella.hpp")
    /usr/bin/time -o "$work/time" -f '%U %S %M' \
      "$compiler" "${flags[@]}" "${options[@]}" -c "bench/compile/$program.cpp" -o "$work/$program.o"
    read -r s mb < <(awk '{ print $1 + $2, int($3 / 1024) }' "$work/time")
    key=$program:$way
    if [[ -z ${seconds[$key]:-} ]] || awk "BEGIN { exit !($s < ${seconds[$key]}) }"; then
      seconds[$key]=$s megabytes[$key]=$mb
    fi
  done
done

status=0
echo "$("$compiler" --version | head -1), -O3 -march=native, $(date +%F), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
printf '\n| program | by | s | budget | MB | budget |\n|---|---|---|---|---|---|\n'
for budget in "${budgets[@]}"; do
  IFS=: read -r program way most_s most_mb <<< "$budget"
  key=$program:$way
  printf '| %s | %s | %s | %s | %s | %s |\n' "$program" "$way" "${seconds[$key]}" "$most_s" "${megabytes[$key]}" "$most_mb"
  awk "BEGIN { exit !(${seconds[$key]} > $most_s || ${megabytes[$key]} > $most_mb) }" || continue
  echo "$program, $way: above its budget" >&2
  status=1
done
exit $status
