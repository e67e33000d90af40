#!/usr/bin/env bash
# tests/run.sh: sets up what is missing, builds and runs every test.  tests/run.sh [preset [cmake options...]]
# (default: dev)
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-dev}
options=("${@:2}")
source cmake/setup.sh
setup g++ cmake ninja-build:ninja libeigen3-dev:/usr/include/eigen3 doctest-dev:/usr/include/doctest \
  libcli11-dev:/usr/include/CLI nlohmann-json3-dev:/usr/include/nlohmann libbenchmark-dev:/usr/include/benchmark \
  libhdf5-dev:/usr/include/hdf5/serial/hdf5.h libonnx-dev:/usr/include/onnx/onnx_pb.h \
  libprotobuf-dev:/usr/include/google/protobuf/port_def.inc gnuplot-nox:gnuplot python3
say "configuring build/$preset"
cmake --preset "$preset" -G Ninja "${options[@]}"
say "building"
cmake --build --preset "$preset"
say "running the tests"
ctest --preset "$preset" -j "$(nproc)"
