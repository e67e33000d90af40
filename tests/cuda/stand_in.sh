#!/usr/bin/env bash
# tests/cuda/stand_in.sh: the tests of the device (label gpu), as nvcc compiles them, under a program that stands in for
# a GPU.  stand_in.sh LAUNCHER [SEED...]
# LAUNCHER PROGRAM ARG... runs a program of ours on the stand-in; GPUCHECK_SEED tells it in which order blocks, threads
# and streams take turns. Builds in build/stand-in.
set -euo pipefail
cd "$(dirname "$0")/../.."
launcher=$(realpath "$1")
shift
seeds=("${@:-1}")
source cmake/setup.sh
say "building for the stand-in device"
cmake --preset stand-in -G Ninja
cmake --build --preset stand-in --target cordis_cuda_tests cordis_cudnn_tests ecg
folder=build/stand-in/tests
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# one SEED: every program in that order; its output where it fails.
one() {
  local program
  export GPUCHECK_SEED=$1 CORDIS_CUDA_CACHE=$(($1 % 2))
  for program in cuda/cordis_cuda_tests cudnn/cordis_cudnn_tests; do
    "$launcher" "$folder/$program" > "$logs/$1" 2>&1 || { tail -40 "$logs/$1"; return 1; }
    echo "order $1, $(basename "$program"): $(grep 'test cases' "$logs/$1")"
  done
}
failed=0
for seed in "${seeds[@]}"; do
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || failed=1; done
  one "$seed" &
done
while (($(jobs -rp | wc -l) > 0)); do wait -n || failed=1; done
say "ecg compare on the stand-in device"
CORDIS_LAUNCHER=$launcher bash tests/cuda/compare.sh build/stand-in/examples/ecg/ecg . || failed=1
exit $failed
