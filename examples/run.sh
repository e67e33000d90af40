#!/usr/bin/env bash
# examples/run.sh: does starting from pretrained weights beat starting at random? On the ECGs in this repository.
# Sets up what is missing, builds `ecg`, runs `ecg compare` and says where the report is. Arguments go to compare.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/setup.sh
setup g++ cmake ninja-build:ninja libeigen3-dev:/usr/include/eigen3 libcli11-dev:/usr/include/CLI \
  nlohmann-json3-dev:/usr/include/nlohmann libhdf5-dev:/usr/include/hdf5/serial/hdf5.h gnuplot-nox:gnuplot
say "configuring build/release"
cmake --preset release -G Ninja -DCORDIS_TESTS=OFF -DCORDIS_BENCH=OFF
say "building ecg"
cmake --build --preset release --target ecg
say "comparing pretrained with random weights, PTB-XL -> LUDB"
build/release/examples/ecg/ecg compare "$@"
