#!/usr/bin/env bash
# bench/peer/run.sh: the project against PyTorch and ONNX Runtime on this machine, in turn, ending with a table.
# Sets up what is missing. Options go to compare.py (--help lists them). CORDIS_PEER_VENV names a virtual environment
# to use, build/peer-venv otherwise; the peers take about 5.5 GB there.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1
[[ " $* " != *" --help "* ]] || exec python3 bench/peer/compare.py --help
source cmake/setup.sh
setup g++ cmake ninja-build:ninja libeigen3-dev:/usr/include/eigen3 libbenchmark-dev:/usr/include/benchmark python3 git
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # set, they hold a peer's BLAS to another processor's kernels
venv=${CORDIS_PEER_VENV:-build/peer-venv}
python_with "$venv" bench/peer/requirements.txt
say "building model_bench"
cmake --preset release -B build/bench -G Ninja -DCORDIS_TESTS=OFF -DCORDIS_EXAMPLES=OFF > /dev/null
cmake --build build/bench --target model_bench
say "measuring; nothing else should run on this machine"
exec "$venv/bin/python" bench/peer/compare.py "$@"
