#!/usr/bin/env bash
# tests/cuda/stand_in.sh: the tests of the device (label gpu), as nvcc compiled them, under a program that stands in for
# a GPU.  stand_in.sh BUILD LAUNCHER [SEED...]
# BUILD is a build folder with the options of the preset stand-in. LAUNCHER PROGRAM ARG... runs a program of ours on the
# stand-in; GPUCHECK_SEED tells it in which order blocks, threads and streams take turns.
set -euo pipefail
folder=$(realpath "$1")
launcher=$(realpath "$2")
shift 2
seeds=("${@:-1}")
cd "$(dirname "$0")/../.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# one SEED: every program in that order; its output where it fails.
one() {
  local program log
  export GPUCHECK_SEED=$1 CORDIS_CUDA_CACHE=$(($1 % 2))
  for program in cuda/cordis_cuda_tests cudnn/cordis_cudnn_tests; do
    [[ -x $folder/tests/$program ]] || continue
    log=$logs/$1.$(basename "$program")
    "$launcher" "$folder/tests/$program" > "$log" 2>&1 || { tail -40 "$log"; return 1; }
    echo "order $1, $(basename "$program"): $(grep 'test cases' "$log")"
  done
}
failed=0
for seed in "${seeds[@]}"; do
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || failed=1; done
  one "$seed" &
done
while (($(jobs -rp | wc -l) > 0)); do wait -n || failed=1; done
echo "ecg compare on the stand-in device"
CORDIS_LAUNCHER=$launcher bash tests/cuda/compare.sh "$folder/examples/ecg/ecg" . || failed=1
exit $failed
