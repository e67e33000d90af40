#!/usr/bin/env bash
# tests/faults/run.sh: builds ecg and the injector, and lets every kind of call fail in every operation: a quarter of an
# hour.  run.sh [OPTIONS of sweep.py]   Without options the table goes to tests/faults/results.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
source cmake/setup.sh
setup g++ cmake ninja-build:ninja libeigen3-dev:/usr/include/eigen3 libcli11-dev:/usr/include/CLI \
  nlohmann-json3-dev:/usr/include/nlohmann libhdf5-dev:/usr/include/hdf5/serial/hdf5.h doctest-dev:/usr/include/doctest \
  gnuplot-nox:gnuplot python3
cmake --preset dev -G Ninja -DCORDIS_BENCH=OFF
cmake --build --preset dev --target ecg cordis_fault_injector
[[ $# -gt 0 ]] || set -- --table "$PWD/tests/faults/results.md"
tests/faults/sweep.sh build/dev/examples/ecg/ecg . build/dev/tests/faults/libcordis_fault_injector.so "$@"
