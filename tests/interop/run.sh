#!/usr/bin/env bash
# tests/interop/run.sh [torch|onnx]: weights from PyTorch into Cordis and back; ONNX files in ONNX Runtime. Sets up what is
# missing; PyTorch takes 5 GB. About a minute on 2 cores.
# CORDIS_PEER_VENV names a virtual environment to use, build/peer-venv otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1
source cmake/setup.sh
setup g++ libeigen3-dev:/usr/include/eigen3 libonnx-dev:/usr/include/onnx/onnx_pb.h \
  libprotobuf-dev:/usr/include/google/protobuf/port_def.inc python3
venv=${CORDIS_PEER_VENV:-build/peer-venv}
python_with "$venv" tests/interop/requirements.txt
mkdir -p build/interop
build() { # NAME LIBRARIES...
  say "building $1"
  g++ -std=c++20 -O2 -march=native -DCORDIS_ROOT_DIR="\"$PWD\"" -Iinclude -isystem /usr/include/eigen3 -pthread \
    "tests/interop/$1.cpp" "${@:2}" -o "build/interop/$1"
}
if [[ ${1:-torch} == torch ]]; then
  build round_trip
  say "PyTorch and back"
  "$venv/bin/python" tests/interop/round_trip.py build/interop/round_trip
fi
if [[ ${1:-onnx} == onnx ]]; then
  build onnx_files -lonnx_proto -lprotobuf
  say "ONNX Runtime"
  "$venv/bin/python" tests/interop/onnx_files.py build/interop/onnx_files
fi
