#!/usr/bin/env bash
# tests/interop/run.sh: weights from PyTorch into Cordis and back. Sets up what is missing; PyTorch takes 5 GB.
# CORDIS_PEER_VENV names a virtual environment to use, build/peer-venv otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1
source cmake/setup.sh
setup g++ libeigen3-dev:/usr/include/eigen3 python3
venv=${CORDIS_PEER_VENV:-build/peer-venv}
python_with "$venv" tests/interop/requirements.txt
mkdir -p build/interop
say "building round_trip"
g++ -std=c++20 -O2 -march=native -Iinclude -I/usr/include/eigen3 -pthread tests/interop/round_trip.cpp -o build/interop/round_trip
say "PyTorch and back"
exec "$venv/bin/python" tests/interop/round_trip.py build/interop/round_trip
