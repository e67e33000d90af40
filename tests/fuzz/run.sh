#!/usr/bin/env bash
# tests/fuzz/run.sh: libFuzzer on everything that reads files, under ASan and UBSan: run.sh [SECONDS] [TARGET...]
# SECONDS for each target, 60 without. Findings are left in build/fuzz/TARGET-*; those that were mended stay in
# regressions/TARGET, which every run begins with.
set -euo pipefail
cd "$(dirname "$0")/../.."
source cmake/setup.sh
setup clang:clang++ libeigen3-dev:/usr/include/eigen3 python3
seconds=${1:-60}
targets=("${@:2}")
if ((${#targets[@]} == 0)); then
  for file in tests/fuzz/*.cpp; do targets+=("$(basename "$file" .cpp)"); done
fi
out=build/fuzz
mkdir -p "$out"
python3 tests/fuzz/corpora.py "$out/seeds"
status=0
for target in "${targets[@]}"; do
  clang++ -std=c++20 -O1 -g1 -Iinclude -isystem /usr/include/eigen3 -pthread -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=all "tests/fuzz/$target.cpp" -o "$out/$target"
  mkdir -p "$out/corpus/$target" "tests/fuzz/regressions/$target"
  if "$out/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=4096 -artifact_prefix="$out/$target-" \
    "$out/corpus/$target" "$out/seeds/$target" "tests/fuzz/regressions/$target" > "$out/$target.log" 2>&1; then
    say "$target: $(grep -o '^Done.*' "$out/$target.log"), $(grep -o 'cov: [0-9]* ft: [0-9]*' "$out/$target.log" | tail -1)"
  else
    say "$target: a finding, see $out/$target.log"
    grep -m 3 -E "ERROR|runtime error|SUMMARY|Test unit written|terminate|what\(\)" "$out/$target.log" || tail -5 "$out/$target.log"
    status=1
  fi
  rmdir "tests/fuzz/regressions/$target" 2> /dev/null || true
done
exit $status
