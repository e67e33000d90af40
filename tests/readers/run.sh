#!/usr/bin/env bash
# tests/readers/run.sh: the readers against Python's: every sample of every WFDB record, and whole sets from folder to
# labels and network input. Without arguments on examples/data and on random sets that wfdb, scipy and h5py write.
#   tests/readers/run.sh [FOLDER...]
# CORDIS_PEER_VENV names a virtual environment to use, build/readers-venv otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1
source cmake/setup.sh
setup g++ libeigen3-dev:/usr/include/eigen3 libhdf5-dev:/usr/include/hdf5/serial/hdf5.h pkg-config python3
venv=${CORDIS_PEER_VENV:-build/readers-venv} out=build/readers
python_with "$venv" tests/readers/requirements.txt
mkdir -p "$out"
say "building dump_record and dump_set"
for program in dump_record dump_set; do
  # shellcheck disable=SC2046
  g++ -std=c++20 -O2 -Iinclude -I/usr/include/eigen3 tests/readers/$program.cpp -o "$out/$program" -pthread \
    $(pkg-config --cflags --libs hdf5-serial)
done
folders=("$@")
if ((${#folders[@]} == 0)); then
  folders=(examples/data/*/)
  # LUDB and PTB-XL again, by their publishers' tables instead of labels.csv.
  for name in ludb ptb-xl-mini; do
    rm -rf "$out/published/$name"
    mkdir -p "$out/published/$name"
    ln -s "$PWD/examples/data/$name"/* "$out/published/$name/"
    rm "$out/published/$name/labels.csv"
    folders+=("$out/published/$name")
  done
  for seed in 0 1 2; do
    rm -rf "$out/generated-$seed"
    "$venv/bin/python" tests/readers/generate_sets.py "$out/generated-$seed" $seed
    folders+=("$out/generated-$seed"/*)
  done
fi
records=()
for folder in "${folders[@]}"; do
  [[ -e $folder/ecg_tracings.hdf5 ]] || records+=("$folder")
done
say "samples"
"$venv/bin/python" tests/readers/compare_wfdb.py --dump "$out/dump_record" "${records[@]}"
say "labels and prepared signals"
"$venv/bin/python" tests/readers/compare_sets.py --dump "$out/dump_set" "${folders[@]}"
