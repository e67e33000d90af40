#!/usr/bin/env bash
# tests/fuzz/run.sh: libFuzzer on everything that reads files, under ASan and UBSan: run.sh [SECONDS] [TARGET...]
# SECONDS for each target, 60 without. Findings are left in build/fuzz/TARGET-*; those that were mended stay in
# regressions/TARGET, which every run begins with. HDF5's library is the system's: where it stumbles itself, that is
# counted, and no finding.
set -euo pipefail
cd "$(dirname "$0")/../.."
source cmake/setup.sh
setup_clang_sanitizers
setup libeigen3-dev:/usr/include/eigen3 nlohmann-json3-dev:/usr/include/nlohmann \
  libcli11-dev:/usr/include/CLI libhdf5-dev:/usr/include/hdf5/serial/hdf5.h pkg-config python3
seconds=${1:-60}
targets=("${@:2}")
if ((${#targets[@]} == 0)); then
  for file in tests/fuzz/*.cpp; do targets+=("$(basename "$file" .cpp)"); done
fi
out=build/fuzz
mkdir -p "$out"
python3 tests/fuzz/corpora.py "$out/seeds"
flags=(-std=c++20 -O1 -g1 -Iinclude -Iexamples -isystem /usr/include/eigen3 -pthread -fno-sanitize-recover=all)
read -ra hdf5 <<< "$(pkg-config --cflags --libs hdf5-serial)"

# What of the ecg binary reads a grid and its folder, as one object, in APP.
app=()
with_app() {
  ((${#app[@]} == 0)) || return 0
  for file in grid grid_folder grid_progress grid_results grid_data results options options_json json_reader run_folder \
    console device records stopping tracings_none; do
    echo "#include \"ecg/$file.cpp\""
  done > "$out/app.cpp"
  clang++ "${flags[@]}" -fsanitize=fuzzer-no-link,address,undefined -DECG_BUILD_FLAGS='"fuzz"' -DECG_DATA_DIR='"/"' \
    -c "$out/app.cpp" -o "$out/app.o"
  app=("$out/app.o")
}

build() {
  local more=()
  case $1 in
    grid | run_folder)
      with_app
      more=("${app[@]}")
      ;;
    hdf5) more=("${hdf5[@]/#-I/-isystem}") ;;
  esac
  clang++ "${flags[@]}" -fsanitize=fuzzer,address,undefined "tests/fuzz/$1.cpp" "${more[@]}" -o "$out/$1"
  mkdir -p "$out/corpus/$1" "$out/seeds/$1" "tests/fuzz/regressions/$1"
  if grep -q offer_seeds "tests/fuzz/$1.cpp"; then "$out/$1" seeds "$out/seeds/$1"; fi
}

options=(-timeout=20 -rss_limit_mb=3000)
# fuzz TARGET OPTION...
fuzz() {
  "$out/$1" -max_total_time="$seconds" -max_len=8192 "${options[@]}" -artifact_prefix="$out/$1-" "${@:2}" \
    "$out/corpus/$1" "$out/seeds/$1" "tests/fuzz/regressions/$1" > "$out/$1.log" 2>&1
}

# In processes that may end, and without regard to what the library does not free: each such input is tried again, and is a finding where the library is not on the stack.
fuzz_around_library() {
  local theirs=0 ours=0 input
  local -x ASAN_OPTIONS=symbolize=0:detect_leaks=0
  rm -f "$out/$1"-{crash,timeout,oom}-*
  fuzz "$1" -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 || true
  for input in "$out/$1"-{crash,timeout,oom}-*; do
    [[ -e $input ]] || continue
    if "$out/$1" "${options[@]}" "$input" > "$out/$1.again" 2>&1; then
      theirs=$((theirs + 1))  # depends on what the library kept of inputs before
    elif grep -q "$2" "$out/$1.again"; then
      theirs=$((theirs + 1))
      rm "$input"
    else
      ours=$((ours + 1))
      cat "$out/$1.again" >> "$out/$1.log"
    fi
  done
  say "$1: $theirs inputs that the library fails on"
  ((ours == 0))
}

status=0
for target in "${targets[@]}"; do
  build "$target"
  run=(fuzz "$target")
  if [[ $target == hdf5 ]]; then run=(fuzz_around_library "$target" libhdf5); fi
  if "${run[@]}"; then
    say "$target: $(grep -oE '^Done.*|^#[0-9]+: cov.*' "$out/$target.log" | tail -1), $(grep -o 'cov: [0-9]* ft: [0-9]*' "$out/$target.log" | tail -1)"
  else
    say "$target: a finding, see $out/$target.log"
    grep -m 3 -E "ERROR|runtime error|SUMMARY|Test unit written|terminate|what\(\)" "$out/$target.log" || tail -5 "$out/$target.log"
    status=1
  fi
  rmdir "tests/fuzz/regressions/$target" 2> /dev/null || true
done
exit $status
