#!/usr/bin/env bash
# tests/widths.sh: the numeric tests for other vector widths than this machine's own.
#   tests/widths.sh [COMPILER:ARCH ...]     (default: g++ and clang++, each with x86-64-v2, -v3, -v4 and native)
# Each pair is built in build/widths/COMPILER-ARCH; what this processor cannot run is named and left out.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=("$@")
if ((${#pairs[@]} == 0)); then
  for compiler in g++ clang++; do
    for arch in x86-64-v2 x86-64-v3 x86-64-v4 native; do pairs+=("$compiler:$arch"); done
  done
fi
declare -A needs=([x86-64-v2]=sse4_2 [x86-64-v3]=avx2 [x86-64-v4]=avx512f)
mkdir -p build/widths
for pair in "${pairs[@]}"; do
  compiler=${pair%%:*} arch=${pair#*:} folder=build/widths/${pair/:/-}
  flag=${needs[$arch]:-}
  if [[ -n $flag ]] && ! grep -qw "$flag" /proc/cpuinfo; then
    echo "== $pair: left out, this processor has no $flag"
    continue
  fi
  echo "== $pair"
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_CXX_FLAGS="-march=$arch" -DCORDIS_NATIVE=OFF -DCORDIS_BENCH=OFF \
    -DCORDIS_TEST_ROOMS="cpu;autograd;op;nn;optim;models" >"$folder.log" 2>&1 ||
    { cat "$folder.log"; exit 1; }
  cmake --build "$folder" >>"$folder.log" 2>&1 || { tail -40 "$folder.log"; exit 1; }
  ctest --test-dir "$folder" -j "$(nproc)" --output-on-failure -E "layout|cli: (commands|bad_input)" | tail -5
done
