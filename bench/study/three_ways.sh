#!/usr/bin/env bash
# bench/study/three_ways.sh: a grid run undisturbed, run with kills in the middle, and run through a real Slurm gives the
# same files and tables.
#   three_ways.sh ECG GRID DATA OUT [KILLS]     for example build/release/examples/ecg/ecg \
#     examples/ecg/grids/small.json examples/data /tmp/three
# OUT/undisturbed, OUT/killed and OUT/slurm hold the runs; what is finished there is not run again. Slurm needs root and
# Debian's munge, slurmctld, slurmd, slurm-client.
set -uo pipefail
(($# >= 4)) || { sed -n '2,7s/^# //p' "$0"; exit 2; }
ecg=$(realpath "$1") grid=$(realpath "$2") data=$(realpath "$3") kills=${5:-5}
mkdir -p "$4"
out=$(realpath "$4")
source "$(dirname "$0")/../../tests/slurm/cluster.sh"
source "$(dirname "$0")/../../tests/cli/grid_sums.sh"
export PATH=$(dirname "$ecg"):$PATH
cd "$out" || exit 1

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
plan() { [[ -e $1/grid.json ]] || "$ecg" plan "$grid" --root "$data" --out "$1" > /dev/null || exit 1; }
finished() { find "$1/cells" -name done 2> /dev/null | wc -l; }

plan undisturbed
cells=$(wc -l < undisturbed/cells.jsonl)
say "undisturbed: $cells cells, 2 at a time"
"$ecg" submit undisturbed --jobs 2 > undisturbed.log 2>&1 || { tail -5 undisturbed.log; exit 1; }
say "undisturbed: $(finished undisturbed) finished"

plan killed
signals=(KILL TERM INT)
for ((i = 0; i < kills; i++)); do
  before=$(finished killed) signal=${signals[i % 3]}
  ((before < cells)) || break
  "$ecg" submit killed --jobs 2 > killed.log 2>&1 &
  # Somewhere in the run's i-th part, and not at the end of a cell.
  until (($(finished killed) >= cells * (i + 1) / (kills + 1))) || ! kill -0 $! 2> /dev/null; do sleep 0.2; done
  sleep $((RANDOM % 5))
  kill -$signal $! 2> /dev/null
  wait $!
  say "killed: SIG$signal, status $?, $(finished killed) finished, $(find killed/cells -name checkpoint.safetensors | wc -l) with a checkpoint"
done
"$ecg" submit killed --jobs 2 > killed.log 2>&1 || { tail -5 killed.log; exit 1; }
say "killed: $(finished killed) finished"

if has_slurm; then
  rm -rf cluster
  start_cluster "$out/cluster" 2 || exit 1
  trap stop_cluster EXIT
  plan slurm
  "$ecg" submit slurm --engine slurm --time 01:00:00 > slurm.log 2>&1 || { tail -5 slurm.log; exit 1; }
  say "slurm: $(grep -c '^job' slurm.log) job arrays"
  while [[ -n $(squeue -h) ]]; do sleep 2; done
  say "slurm: $(finished slurm) finished"
fi

failed=0
for run in undisturbed killed slurm; do
  [[ -e $run ]] || continue
  { "$ecg" collect "$run" && "$ecg" report "$run"; } > "$run.claims" || failed=1
  for what in results tables; do
    if diff -q <($what undisturbed) <($what $run) > /dev/null; then
      say "$run: $($what $run | wc -l) $what, the same"
    else
      say "$run: $what DIFFER"
      failed=1
    fi
  done
done
exit $failed
