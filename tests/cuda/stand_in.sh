#!/usr/bin/env bash
# tests/cuda/stand_in.sh: the tests of the device (label gpu), as nvcc compiled them, under a program that stands in for
# a GPU.  stand_in.sh BUILD LAUNCHER [SEED...]
# BUILD is a build folder with the options of the preset stand-in. LAUNCHER PROGRAM ARG... runs a program of ours on the
# stand-in; GPUCHECK_SEED tells it in which order blocks, threads and streams take turns. Every case runs in the first
# order; in the others resnet1d50 and resnet1d101 are left out, two thirds of the time: their layers are tested apart.
set -euo pipefail
folder=$(realpath "$1")
launcher=$(realpath "$2")
shift 2
seeds=("${@:-1}")
cd "$(dirname "$0")/../.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# cases SEED PROGRAM ARG...: the program on the stand-in, with the cases that run in that order.
cases() {
  local but=()
  [[ $1 == "${seeds[0]}" ]] || but=("--test-case-exclude=resnet1d50*,resnet1d101*")
  "$launcher" "$folder/tests/$2/cordis_$2_tests" "${but[@]}" "${@:3}"
}
# one SEED PROGRAM FIRST LAST: the program's cases with these numbers, in that order; the output where one fails.
one() {
  local log=$logs/$1.$2.$3
  export GPUCHECK_SEED=$1 CORDIS_CUDA_CACHE=$(($1 % 2))
  cases "$1" "$2" --first="$3" --last="$4" > "$log" 2>&1 || { tail -40 "$log"; touch "$logs/failed"; return; }
  echo "order $1, $2, cases $3 to $4: $(grep -o 'assertions: .*' "$log")"
}
step=4
for program in cuda cudnn; do
  [[ -x $folder/tests/$program/cordis_${program}_tests ]] || continue
  for seed in "${seeds[@]}"; do
    count=$(cases "$seed" "$program" --count --no-colors=1 | grep -oE '[0-9]+$')
    for ((first = 1; first <= count; first += step)); do
      while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || true; done
      one "$seed" "$program" "$first" $((first + step - 1)) &
    done
  done
done
wait
echo "ecg compare on the stand-in device"
CORDIS_LAUNCHER=$launcher bash tests/cuda/compare.sh "$folder/examples/ecg/ecg" . || touch "$logs/failed"
[[ ! -e $logs/failed ]]
