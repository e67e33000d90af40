#!/usr/bin/env bash
# tests/cli/grid.sh: a study as a grid of trainings: planned, run, stopped, gone on with, collected.
# grid.sh ECG ROOT [CASE]
source "$(dirname "$0")/grid_sums.sh"
source "$(dirname "$0")/common.sh"

# grid_file FILE [KEY VALUE]...: a grid of small nets on two small sets, with keys added or replaced.
grid_file() {
  python3 - "$@" << 'PYTHON'
import json, sys
grid = {
    "data": {"up": {"folders": ["up"], "test": 0.25, "validation": 0, "length": 48, "band": "none"},
             "down": {"folders": ["down"], "split": "stratified", "test": 0.3, "validation": 0.2, "length": 48,
                      "band": "none"}},
    "models": ["resnet1d18", "gru"], "upstream": ["up"], "downstream": ["down"], "seeds": 2,
    "net": {"width": 2, "fc": 4, "hidden": 2}, "sweeps": [{"models": ["gru"], "sizes": [8]}],
    "up": {"epochs": 3, "batch": 8}, "down": {"epochs": 4, "batch": 8}, "resamples": 100, "checkpoint-seconds": 0}
for key, value in zip(sys.argv[2::2], sys.argv[3::2]):
    grid[key] = json.loads(value)
json.dump(grid, open(sys.argv[1], "w"))
PYTHON
}
two_sets() {
  small_set up 16
  small_set down 24
}

case_all_of_it() {
  two_sets
  grid_file grid.json
  accept "plan" "$ecg" plan grid.json --out a
  check "16 cells" test "$(wc -l < a/cells.jsonl)" = 16
  check "stages are told" grep -q "16 cells: 4 upstream, 6 from random weights, 6 from upstream weights" "$work/stdout"
  accept "the same plan again" "$ecg" plan grid.json --out a
  check "all wait" grep -q "0 finished, 0 running, 10 ready, 6 blocked" <("$ecg" status a)
  accept "run" "$ecg" submit a --jobs 2
  check "all are finished" grep -q "16 finished, 0 running, 0 ready, 0 blocked, 0 failed" <("$ecg" status a)
  accept "collect" "$ecg" collect a
  check "no report without being asked" test ! -e a/report.html
  accept "report" "$ecg" report a
  check "four claims in two metrics" test "$(grep -c '"number"' a/claims.json)" = 8
  check "every pair" test "$(grep -c ',last,f1_weighted,' a/contrasts.csv)" = 3
  check "the report asks for nothing" bash -c '! grep -qE "(src|href)=\"?http" a/report.html'
  check "plots have their numbers beside them" test -s a/plots/forest-auroc.csv
  # Another way: each cell by hand, in another order, and all again.
  accept "plan b" "$ecg" plan grid.json --out b
  local cell
  for cell in $("$ecg" cells b | grep ^up- | tac) $("$ecg" cells b | grep -v ^up- | tac); do
    accept "cell $cell" "$ecg" run-cell b "$cell"
  done
  accept "collect b" "$ecg" collect b
  check "the same cells" diff <(results a) <(results b)
  check "the same tables" diff <(tables a) <(tables b)
  accept "run again" "$ecg" submit b --jobs 2
  check "nothing was done again" grep -q "16 finished before" "$work/stdout"
}

case_killed() {
  two_sets
  grid_file grid.json down '{"epochs": 12, "batch": 8}'
  accept "plan a" "$ecg" plan grid.json --out a
  accept "run a" "$ecg" submit a --jobs 2
  accept "plan b" "$ecg" plan grid.json --out b
  local signal finished kills=0
  for signal in KILL TERM INT KILL; do
    "$ecg" submit b --jobs 2 > stdout 2> stderr < /dev/null &
    local pid=$!
    finished=$(find b/cells -name done 2> /dev/null | wc -l)
    until (($(find b/cells -name done 2> /dev/null | wc -l) > finished)) || ! kill -0 $pid 2> /dev/null; do
      sleep 0.01
    done
    kill -$signal $pid 2> /dev/null && kills=$((kills + 1))
    wait $pid 2> /dev/null
    local status=$?
    [[ $signal == KILL ]] || check "$signal: stopped, and said so" test $status = $((128 + $(kill -l $signal)))
    # Cells end with the one that started them.
    local tries=0
    while [[ $("$ecg" status b) == *"running:"* ]] && ((tries++ < 100)); do sleep 0.1; done
    check "$signal: no cell runs on" test $tries -lt 100
  done
  check "killed at work" test $kills -ge 3
  accept "b: to its end" "$ecg" submit b --jobs 2
  accept "collect a" "$ecg" collect a
  accept "collect b" "$ecg" collect b
  check "the same cells" diff <(results a) <(results b)
  check "the same tables" diff <(tables a) <(tables b)
}

case_one_stopped() {
  two_sets
  grid_file grid.json seeds 1 down '{"epochs": 4000, "batch": 8}'
  accept "plan" "$ecg" plan grid.json --out a
  local cell=down-gru-random-seed0 signal pid status
  for signal in TERM INT; do
    rm -rf a/cells/$cell
    "$ecg" run-cell a $cell > stdout 2> stderr < /dev/null &
    pid=$!
    until [[ -e a/cells/$cell/epochs.csv ]] || ! kill -0 $pid 2> /dev/null; do sleep 0.01; done
    refuse "in use" 75 "process $pid on $(hostname)|at work" "$ecg" run-cell a $cell
    check "status names it" grep -q "  $cell: epoch .*process $pid on " <("$ecg" status a)
    kill -$signal $pid
    wait $pid
    status=$?
    check "$signal: status of a stopped cell" test $status = $((128 + $(kill -l $signal)))
    check "$signal: its message" grep -q "stopped by SIG$signal; the same command goes on" stderr
    check "$signal: its state" test -s a/cells/$cell/checkpoint.safetensors
    check "$signal: it did not fail" grep -q ", 0 failed" <("$ecg" status a)
  done
}

# A disk that is full in the middle: what is finished stays, and with room the rest goes on from where it was.
case_disk_full() {
  two_sets
  grid_file grid.json
  accept "plan a" "$ecg" plan grid.json --out a
  accept "plan b" "$ecg" plan grid.json --out b
  accept "run b" "$ecg" submit b --jobs 2
  mkdir -p a/cells
  # Half of what the cells take.
  mount -t tmpfs -o "size=$(($(du -sk b/cells | cut -f 1) / 2))k" none a/cells 2> /dev/null ||
    { echo "no small file system can be mounted here: not tried"; return; }
  quiet "$ecg" submit a --jobs 2
  local before
  before=$(find a/cells -name done | wc -l)
  check "some cells failed" test "$status" = 1
  check "why" grep -q "No space left on device" <("$ecg" status a)
  check "some are finished" test "$before" -gt 0 -a "$before" -lt 16
  check "no half of a file" bash -c '! find a/cells -name "*.part" -o -name "*.tmp*" | grep -q .'
  mount -o remount,size=50m a/cells
  accept "with room" "$ecg" submit a --jobs 2
  check "all are finished" grep -q "16 finished" <("$ecg" status a)
  check "the same cells" diff <(results a) <(results b)
  umount a/cells
}

case_failures() {
  two_sets
  # A damaged record of the upstream set: its trainings fail, and what starts from them is left; the rest goes on.
  truncate -s 100 up/r03.dat
  grid_file grid.json seeds 1 sweeps '[]'
  refuse "no such file" 1 "no such grid" "$ecg" plan "no such grid"
  accept "plan" "$ecg" plan grid.json --out a
  quiet "$ecg" submit a --jobs 2
  check "status" test "$status" = 1
  check "what failed" grep -q "2 of 6 cells are finished, 2 failed: .* 2 were left because they start from those" "$work/stdout"
  check "why" grep -q "up-up-gru-seed0: .*r03.dat" <("$ecg" status a)
  accept "collect what is there" "$ecg" collect a
  check "no pair" grep -q "not asked\|2 of 6" "$work/stdout"
  small_set up 16
  accept "mended" "$ecg" submit a --jobs 2
  check "all are finished" grep -q "6 of 6 cells are finished" "$work/stdout"
}

case_refusals() {
  two_sets
  grid_file grid.json
  accept "plan" "$ecg" plan grid.json --out a
  refuse "no such cell" 1 "has no cell nobody|lists its 16" "$ecg" run-cell a nobody
  refuse "too early" 1 "starts from up-up-gru-seed0, which is not finished" "$ecg" run-cell a down-gru-from-up-seed0
  check "the failure is kept" grep -q "not finished" <("$ecg" status a)
  refuse "no grid" 1 "has no grid.json|ecg plan makes one" "$ecg" submit up
  grid_file other.json seeds 3
  refuse "another grid" 1 "holds another grid|seeds is 2 there and 3 now" "$ecg" plan other.json --out a
  mkdir half
  echo '{"cell"' > half/cells.jsonl
  accept "a plan that was killed" "$ecg" plan grid.json --out half
  refuse "a folder of something else" 1 "is no folder of a grid" "$ecg" plan grid.json --out up
  grid_file bad.json sead 3
  refuse "unknown key" 1 "bad.json: has the unknown key sead|known are" "$ecg" plan bad.json --out c
  grid_file bad.json models '["resnet1d19"]'
  refuse "unknown network" 1 'models names "resnet1d19"' "$ecg" plan bad.json --out c
  grid_file bad.json downstream '["dwon"]'
  refuse "unknown set" 1 'downstream names "dwon", which is not one of' "$ecg" plan bad.json --out c
  grid_file bad.json up '{"epochs": 0}'
  refuse "no epochs" 1 "up: epochs is 0, a whole number from 1" "$ecg" plan bad.json --out c
  grid_file bad.json sweeps '[{"sizes": [8, 8]}]'
  refuse "a size twice" 1 "sweeps 1: sizes is [8,8]" "$ecg" plan bad.json --out c
  grid_file bad.json data '{"up": {"folders": ["nowhere"]}, "down": {"folders": ["down"]}}'
  refuse "no such folder" 1 "nowhere: no such folder" "$ecg" plan bad.json --out c
  echo '{"data": {' > bad.json
  refuse "not JSON" 1 "bad.json: is not JSON" "$ecg" plan bad.json --out c
  python3 -c 'print("[" * 100000 + "]" * 100000)' > bad.json
  refuse "nested too deep" 1 "bad.json: is nested more than 64 deep" "$ecg" plan bad.json --out c
  grid_file bad.json seeds 1
  sed -i 's/"seeds": 1/"seeds": 1e999/' bad.json
  refuse "a number beyond a double" 1 "bad.json: is not JSON|1e999" "$ecg" plan bad.json --out c
  grid_file bad.json seeds 18446744073709551615
  refuse "a number beyond 63 bits" 1 "bad.json: seeds is 18446744073709551615" "$ecg" plan bad.json --out c
  grid_file bad.json sweeps '[{"sizes": [18446744073709551615]}]'
  refuse "a size beyond 63 bits" 1 "sizes is [18446744073709551615]" "$ecg" plan bad.json --out c
  grid_file bad.json seeds 1000 sweeps "[{\"sizes\": $(seq -s, 2 200 | sed 's/.*/[&]/')}]"
  refuse "a grid without end" 1 "the grid asks for more than 100000 cells: down-" "$ecg" plan bad.json --out c
  check "nothing was written" test ! -e c
  sed -i 's/"seed":1/"seed":1,"colour":"red"/' a/cells.jsonl
  refuse "a cell with an unknown key" 1 "cells.jsonl:2|unknown key colour" "$ecg" status a
  # A set that another grid or program has written into the cell's folder.
  accept "plan d" "$ecg" plan grid.json --out d
  mkdir -p d/cells/up-up-gru-seed0
  echo hello > d/cells/up-up-gru-seed0/notes.txt
  refuse "somebody's files" 1 "notes.txt" "$ecg" run-cell d up-up-gru-seed0
  accept "a cell" "$ecg" run-cell d up-up-resnet1d18-seed0
  cp -r d/cells/up-up-resnet1d18-seed0 d/cells/up-up-resnet1d18-seed1
  rm d/cells/up-up-resnet1d18-seed1/done
  refuse "the files of another cell" 1 "holds a run with other settings" "$ecg" run-cell d up-up-resnet1d18-seed1
}

# Preprocessed records are kept once for all cells, and read again where they are damaged or the data has changed.
case_cache() {
  two_sets
  grid_file grid.json seeds 1 sweeps '[]'
  accept "plan a" "$ecg" plan grid.json --out a
  accept "plan b" "$ecg" plan grid.json --out b
  accept "a" "$ecg" submit a --jobs 2
  check "one file for each set" test "$(ls a/cache | wc -l)" = 2
  accept "b, upstream" "$ecg" run-cell b up-up-gru-seed0
  local kept
  kept=$(echo b/cache/up-*.safetensors)
  printf X | dd of="$kept" bs=1 seek=$(($(stat -c %s "$kept") - 5)) conv=notrunc status=none
  accept "b, with a damaged file" "$ecg" run-cell b up-up-resnet1d18-seed0
  check "it was told" grep -q "warning: .*checksum is .*the records are read again" "$work/stderr"
  accept "b" "$ecg" submit b --jobs 2
  check "the same cells" diff <(results a) <(results b)
  # A record that changes is another experiment.
  cp down/r01.dat down/r00.dat
  rm -r b/cells/down-gru-random-seed0
  accept "b, other data" "$ecg" run-cell b down-gru-random-seed0
  check "other bytes were read" bash -c '! cmp -s a/cells/$0/config.json b/cells/$0/config.json' down-gru-random-seed0
  train_command down --out c
  accept "without" "${train[@]}"
  train_command down --out d --cache kept
  accept "with" "${train[@]}"
  train_command down --out e --cache kept
  accept "with, again" "${train[@]}"
  check "the same weights" test "$(cat {c,d,e}/weights.safetensors | sha256sum)" = \
    "$(cat {c,c,c}/weights.safetensors | sha256sum)"
}

# The grids that come with the program: the whole study on sets of its names, the small one on the ECGs here.
case_grids() {
  local set name
  for set in ptb-xl cpsc_2018 georgia ptbdb code-test; do small_set $set 8; done
  accept "the study" "$ecg" plan "$root/examples/ecg/grids/study.json" --out a
  check "132 cells" grep -q "132 cells: 18 upstream, 36 from random weights, 78 from upstream weights" "$work/stdout"
  accept "the small one" "$ecg" plan "$root/examples/ecg/grids/small.json" --root "$data" --out b
  check "26 cells" grep -q "26 cells: 2 upstream, 12 from random weights, 12 from upstream weights" "$work/stdout"
  accept "LUDB's folds" "$ecg" plan "$root/examples/ecg/grids/ludb.json" --root "$data" --out c
  check "410 cells" grep -q "410 cells: 10 upstream, 200 from random weights, 200 from upstream" "$work/stdout"
  for set in cpsc_2018 cpsc_2018_extra chapman_shaoxing ningbo georgia; do
    small_set challenge-2021/training/$set 8
    rm challenge-2021/training/$set/labels.csv  # a Challenge's folder: its labels stand in the headers
    for name in challenge-2021/training/$set/*.hea; do echo "#Dx: 426783006,427084000" >> "$name"; done
  done
  ln -s "$data"/ludb "$data"/ptb-xl-* .
  accept "several sources" "$ecg" plan "$root/examples/ecg/grids/sources.json" --out d
  check "174 cells" grep -q "174 cells: 12 upstream, 54 from random weights, 108 from upstream" "$work/stdout"
  # Sets are opened as the cells will open them: CODE-test by HDF5.
  echo '{"data": {"ribeiro": {"folders": ["code-test"]}}, "models": ["gru"], "downstream": ["ribeiro"]}' > grid.json
  quiet "$ecg" plan grid.json --root "$root/tests/fixtures/sources" --out e
  check "a set in HDF5" grep -q "e: 3 cells\|built without HDF5" "$work/stdout" "$work/stderr"
}

# The one-liners of examples/ecg/grids/README.md.
case_parallel() {
  command -v parallel > /dev/null || { echo "no GNU parallel: not tried"; checks=1; return; }
  two_sets
  grid_file grid.json
  accept "plan a" "$ecg" plan grid.json --out a
  accept "plan b" "$ecg" plan grid.json --out b
  accept "here" "$ecg" submit a --jobs 2
  "$ecg" cells b | grep '^up-' | parallel -j 2 "$ecg" run-cell b {} > "$work/stdout" 2>&1
  "$ecg" cells b --unfinished | parallel -j 2 "$ecg" run-cell b {} > "$work/stdout" 2>&1
  check "all are finished" grep -q "16 finished" <("$ecg" status b)
  check "the same cells" diff <(results a) <(results b)
}
case_snakemake() {
  command -v snakemake > /dev/null || { echo "no Snakemake: not tried"; checks=1; return; }
  two_sets
  grid_file grid.json seeds 1
  accept "plan a" "$ecg" plan grid.json --out a
  accept "plan b" "$ecg" plan grid.json --out b
  accept "here" "$ecg" submit a --jobs 2
  sed -n '/^# Snakefile/,/^```/p' "$root/examples/ecg/grids/README.md" | grep -v '^```' > Snakefile
  mkdir bin
  ln -s "$ecg" bin/ecg
  PATH=$PWD/bin:$PATH quiet snakemake --cores 2 --snakefile Snakefile --config run=b
  check "Snakemake ends well" test "$status" = 0
  check "the same cells" diff <(results a) <(results b)
}

run_cases
