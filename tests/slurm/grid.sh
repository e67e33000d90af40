#!/usr/bin/env bash
# tests/slurm/grid.sh: a grid through a real Slurm gives the numbers of the same grid run here; a task that is stopped
# near its time limit is queued again and goes on; what depends on a failed cell is dropped, the rest goes on.
# grid.sh ECG ROOT [CASE].  Exits with 77, skipped, where Slurm's programs are not there.
source "$(dirname "$0")/cluster.sh"
has_slurm || exit 77
source "$(dirname "$0")/../cli/grid_sums.sh"
source "$(dirname "$0")/../cli/common.sh"
trap 'stop_cluster; chmod -R u+rwX "$work" 2> /dev/null; rm -rf "$work"' EXIT
start_cluster "$work/cluster" 2 || { echo "Slurm does not start on this machine"; exit 77; }

grid_file() {
  cat > "$1" << EOF
{"data": {"up": {"folders": ["up"], "test": 0.25, "validation": 0, "length": 48, "band": "none"},
          "down": {"folders": ["down"], "split": "stratified", "test": 0.3, "validation": 0.2, "length": 48,
                   "band": "none"}},
 "models": ["resnet1d18", "gru"], "upstream": ["up"], "downstream": ["down"], "seeds": ${2:-2},
 "net": {"width": 2, "fc": 4, "hidden": 2},
 "up": {"epochs": 3, "batch": 8}, "down": {"epochs": ${3:-4}, "batch": 8}, "resamples": 100}
EOF
}
no_jobs() { [[ -z $(squeue -h) ]]; }

case_same_numbers() {
  small_set up 16
  small_set down 24
  grid_file grid.json
  accept "plan a" "$ecg" plan grid.json --out a
  accept "plan b" "$ecg" plan grid.json --out b
  accept "here" "$ecg" submit a --jobs 2
  accept "through Slurm" "$ecg" submit b --engine slurm --time 00:10:00
  check "an array for what is free, one upstream, one for each upstream cell's dependents" test \
    "$(grep -c '^job' "$work/stdout")" = 6
  check "the dependents wait" grep -q afterok <(scontrol show job | grep Dependency)
  check "all jobs end" until_true 120 no_jobs
  check "all are finished" grep -q "12 finished, 0 running" <("$ecg" status b)
  accept "collect a" "$ecg" collect a
  accept "collect b" "$ecg" collect b
  check "the same cells" diff <(results a) <(results b)
  check "the same tables" diff <(tables a) <(tables b)
  accept "again" "$ecg" submit b --engine slurm
  check "nothing is handed in again" bash -c '! grep -q "^job" "$0"' "$work/stdout"
}

case_queued_again() {
  small_set up 16
  small_set down 24
  grid_file grid.json 1 3000
  accept "plan" "$ecg" plan grid.json --out a
  accept "submit" "$ecg" submit a --engine slurm --time 00:10:00
  check "a cell is at work" until_true 60 test -s a/cells/down-gru-random-seed0/epochs.csv
  local job
  job=$(squeue -h -r -t R -o %F_%K -n ecg-free | head -1)
  scancel --signal=USR1 --batch "$job"  # what Slurm does before the time limit
  check "it is queued again" until_true 60 bash -c "scontrol show job | grep -q 'Restarts=1'"
  check "its state was saved" test -n "$(find a/cells -name checkpoint.safetensors)"
  scancel --user=root
  check "all end, and none is queued again" until_true 60 no_jobs
  check "a cancelled cell did not fail" grep -q ", 0 failed" <("$ecg" status a)
}

case_failure() {
  small_set up 16
  small_set down 24
  truncate -s 100 up/r03.dat
  grid_file grid.json 1
  accept "plan" "$ecg" plan grid.json --out a
  accept "submit" "$ecg" submit a --engine slurm
  check "all end" until_true 120 no_jobs
  check "what is free is finished, what is upstream failed" grep -q "2 finished, 0 running, 0 ready, 2 blocked, 2 failed" \
    <("$ecg" status a)
  small_set up 16
  accept "mended" "$ecg" submit a --engine slurm
  check "all end again" until_true 120 no_jobs
  check "all are finished" grep -q "6 finished" <("$ecg" status a)
}

# A node that dies with its jobs, and comes back.
case_dead_node() {
  small_set up 16
  small_set down 24
  grid_file grid.json 1 300
  accept "plan a" "$ecg" plan grid.json --out a
  accept "plan b" "$ecg" plan grid.json --out b
  accept "here" "$ecg" submit a --jobs 2
  accept "through Slurm" "$ecg" submit b --engine slurm
  check "a cell is at work" until_true 60 test -s b/cells/down-gru-random-seed0/epochs.csv
  kill -KILL "$(cat "$cluster/slurmd.pid")"
  local step  # of this cluster alone
  for step in $(pgrep slurmstepd); do
    if grep -qz "^SLURM_CONF=$SLURM_CONF$" /proc/$step/environ; then kill -KILL $step; fi
  done
  pkill -KILL -f "run-cell $PWD/b "
  check "the cells died with it" until_true 10 bash -c "! pgrep -f 'run-cel[l] $PWD/b '"
  check "the node is missed" until_true 60 bash -c "sinfo -h -o %T | grep -q down"
  check "what was finished is there, what was not is not" test "$(find b/cells -name done | wc -l)" -lt 6
  slurmd -c
  check "it comes back" until_true 60 bash -c "sinfo -h -o %T | grep -qv down"
  check "its jobs are queued again" until_true 60 bash -c "scontrol show job | grep -q 'Restarts=1'"
  scancel --user=root  # Slurm lets two minutes pass before it starts them; no waiting for that here
  check "none is left" until_true 60 no_jobs
  accept "what was lost is handed in again" "$ecg" submit b --engine slurm
  check "all jobs end" until_true 120 no_jobs
  check "all are finished" grep -q "6 finished" <("$ecg" status b)
  check "the same cells" diff <(results a) <(results b)
}

run_cases
