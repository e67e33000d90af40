#!/usr/bin/env bash
# bench/libtorch/run.sh: one fine-tuning program on Cordis and on LibTorch from PyPI's package, in turn, ending with a table
#   bench/libtorch/run.sh [--rounds 5] [--steps 20] [--out FILE.md]
# Sets up what is missing. CORDIS_PEER_VENV names a virtual environment to use, build/peer-venv otherwise; PyTorch takes 5 GB
# there. Nothing else should run on this machine; 3 minutes on 2 cores once both programs are built (build/libtorch).
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1
source cmake/setup.sh
setup g++ libeigen3-dev:/usr/include/eigen3 python3 git
venv=${CORDIS_PEER_VENV:-build/peer-venv}
python_with "$venv" bench/libtorch/requirements.txt
exec "$venv/bin/python" bench/libtorch/measure.py "$@"
