#!/usr/bin/env bash
# tests/mutants/run.sh: builds the kernels with one mistake of mutants.txt at a time and tells which layer of the tests
# catches it.  run.sh WORK TABLE [NAME...]
# WORK gets a copy of the tree and its build, and may be used again. TABLE gets the results. CORDIS_LAUNCHER runs what
# nvcc built, where there is no GPU. Exits with 1 where a mistake is caught by no layer.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$1 table=$(realpath "$2")
shift 2
names=("$@")
mutants=$root/tests/mutants/mutants.txt
[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(sed -n 's/^== \([^:]*\):.*/\1/p' "$mutants")
mkdir -p "$work"
work=$(realpath "$work")
read -r -a launch <<< "${CORDIS_LAUNCHER:-}"

(cd "$root" && git ls-files -co --exclude-standard -z) | (cd "$root" && tar -c --null -T - --ignore-failed-read) |
  tar -x -C "$work" --keep-newer-files 2> /dev/null
cmake -S "$work" -B "$work/build/mutants" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DCORDIS_CUDA=ON -DCORDIS_EXAMPLES=OFF -DCORDIS_BENCH=OFF \
  -DCORDIS_TEST_ROOMS= -DCMAKE_CUDA_ARCHITECTURES=75-virtual -DCMAKE_CUDA_RUNTIME_LIBRARY=Shared \
  "-DCMAKE_CUDA_FLAGS=--no-compress -lineinfo" > "$work/log" || { cat "$work/log"; exit 2; }

slow="resnet1d50*,resnet1d101*"  # they use what resnet1d18 does
layers=(plain asan race device)
program() { [[ $1 == device ]] && echo cordis_cuda_tests || echo "cordis_simt_$1_tests"; }
build() { cmake --build "$work/build/mutants" --target "$(program "$1")" > "$work/log" 2>&1; }
passes() {
  local run=() cache
  [[ $1 == device ]] && run=("${launch[@]}")
  for cache in 0 1; do  # exact bounds; streams that no release waits for
    CORDIS_CUDA_CACHE=$cache timeout 300 "${run[@]}" "$work/build/mutants/tests/cuda/$(program "$1")" \
      --abort-after=1 "--test-case-exclude=$2" > "$work/log" 2>&1 || return
  done
}

# apply NAME: that mistake, in the copy.
apply() {
  rm -rf "$work/block"
  mkdir "$work/block"
  awk -v name="$1" -v dir="$work/block" '
    /^== / { on = index($0, "== " name ":") == 1; part = 0; next }
    !on { next }
    part == 0 { print > (dir "/file"); part = 1; next }
    /^----$/ { part = 2; next }
    { print > (dir "/" (part == 1 ? "from" : "to")) }' "$mutants"
  touch "$work/block/to"
  file=$(cat "$work/block/file")
  local text from to
  text=$(cat "$root/$file"; echo x) from=$(cat "$work/block/from") to=$(cat "$work/block/to")
  [[ -n $from && $text == *"$from"* && ${text#*"$from"} != *"$from"* ]] || return 1
  text=${text/"$from"/"$to"}
  printf '%s' "${text%x}" > "$work/$file"
}

for layer in "${layers[@]}"; do
  build "$layer" || { echo "the $layer tests do not compile"; tail -20 "$work/log"; exit 2; }
  passes "$layer" "$slow" || [[ $? == 77 ]] || { echo "the $layer tests fail without any mistake"; tail -20 "$work/log"; exit 2; }
done
(IFS=$'\t'; echo "mistake"$'\t'"${layers[*]}") > "$table"
missed=0
for name in "${names[@]}"; do
  apply "$name" || { echo "$name: its text does not stand once in its file"; missed=$((missed + 1)); continue; }
  row=$name caught=0
  for layer in "${layers[@]}"; do
    if ! build "$layer"; then
      row+=$'\tnot compiled'
      grep -m3 error "$work/log"
      continue
    fi
    passes "$layer" "$slow"
    case $? in
      0) row+=$'\t-' ;;
      77) row+=$'\tskipped' ;;
      *) row+=$'\tcaught' caught=1 ;;
    esac
  done
  cp "$root/$file" "$work/$file"
  echo "$row" | tee -a "$table"
  ((caught)) || missed=$((missed + 1))
done
echo "${#names[@]} mistakes, $missed caught by no layer"
((missed == 0))
