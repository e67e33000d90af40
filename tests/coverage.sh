#!/usr/bin/env bash
# tests/coverage.sh: line coverage of include/cordis by the tests, room by room: coverage.sh [uncovered]
# Builds build/coverage without optimisation, for the plainest processor (what is compiled for wider vectors only does
# not count), runs the rooms' tests, and prints a table; with "uncovered" also each line that no test reached. A line
# counts as covered where any instantiation of it ran. Not counted: what no test even instantiates or calls, as the
# compiler leaves it out; cuda, mpi and nccl, whose tests run elsewhere; lines of brackets alone, which to the compiler
# are the clean-up after exceptions. A quarter of an hour on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
source cmake/setup.sh
setup g++ cmake ninja-build:ninja gcovr libeigen3-dev:/usr/include/eigen3 doctest-dev:/usr/include/doctest \
  nlohmann-json3-dev:/usr/include/nlohmann libhdf5-dev:/usr/include/hdf5/serial/hdf5.h python3
out=build/coverage
flags="-O0 -g0 --coverage -fprofile-update=atomic"
rooms=(core cpu autograd op nn optim io data train models ecg hdf5)
mkdir -p build
say "building $out"
cmake -S . -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="$flags" -DCORDIS_NATIVE=OFF \
  -DCORDIS_CUDA=OFF -DCORDIS_MPI=OFF -DCORDIS_BENCH=OFF -DCORDIS_EXAMPLES=OFF -DCORDIS_SIMT_TESTS=OFF > "$out.log"
targets=("${rooms[@]/#/cordis_}")
cmake --build "$out" -j "$(nproc)" --target "${targets[@]/%/_tests}"
find "$out" -name '*.gcda' -delete
say "running the tests"
# Without the cases that take minutes so and run no line that others do not.
slow="parity*,recurrent: gradients of every*,resnet1d: gradients*,memory: from*,fuse: every*,*Winograd's error*"
printf '%s\n' "${rooms[@]}" | CORDIS_NUM_THREADS=2 xargs -P "$(nproc)" -I ROOM env \
  "$out/tests/ROOM/cordis_ROOM_tests" -tce="$slow" > "$out.log" 2>&1 || { grep -B 3 -A 10 "ERROR" "$out.log"; exit 1; }
gcovr -r include/cordis --object-directory "$out" --json "$out/coverage.json" "$out"
python3 - "$out/coverage.json" "${1:-}" << 'PYTHON'
import collections, json, pathlib, sys
rooms = collections.defaultdict(lambda: [0, 0])
missed = []
for file in json.load(open(sys.argv[1]))["files"]:
    path = pathlib.PurePath(file["file"])
    parts = path.parts[path.parts.index("cordis") + 1:] if "cordis" in path.parts else path.parts
    room = parts[0] if len(parts) > 1 else "config.hpp"
    source = pathlib.Path("include/cordis", *parts).read_text().split("\n")
    kinds = [room]
    if room not in ("ecg", "hdf5"): kinds.append("ENGINE")
    if room in ("ecg", "hdf5") or parts[-1] in ("safetensors.hpp", "safetensors_header.hpp", "mapped_file.hpp"): kinds.append("READERS")
    for line in file["lines"]:
        if line.get("gcovr/noncode") or not source[line["line_number"] - 1].strip("{}();, "): continue
        for kind in kinds:
            rooms[kind][0] += 1
            rooms[kind][1] += line["count"] > 0
        if line["count"] == 0: missed.append(f"{'/'.join(parts)}:{line['line_number']}")
for room in sorted(rooms):
    lines, covered = rooms[room]
    print(f"{room:10} {covered:6} of {lines:6} lines  {100 * covered / lines:6.2f} %")
if sys.argv[2] == "uncovered": print(*missed, sep="\n")
PYTHON
