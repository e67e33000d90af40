#!/usr/bin/env bash
# tests/mpi/failure.sh: when a rank dies in mid-training the others end, soon and with a reason.
# failure.sh FAILURE_MAIN MPIEXEC RANKS CASE
set -uo pipefail
program=$1 mpiexec=$2 ranks=$3 case=$4
deadline=3 # seconds a collective may take
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# train SECONDS HOW [mpiexec options]: training ends by itself within so long; its output is in $log.
train() {
  local limit=$1 how=$2 begin=$SECONDS
  shift 2
  timeout -k 5 $((limit + 10)) "$mpiexec" "$@" -n "$ranks" "$program" "$how" $deadline > "$log" 2>&1
  status=$?
  took=$((SECONDS - begin))
  echo "$how $*: status $status after $took s"
  cat "$log"
  ((took <= limit)) || { echo "FAILED: took $took s, at most $limit are allowed"; exit 1; }
}
says() { grep -q -- "$1" "$log" || { echo "FAILED: nothing says \"$1\""; exit 1; }; }
never() { grep -q -- "$1" "$log" && { echo "FAILED: something says \"$1\""; exit 1; }; return 0; }
fails() { ((status != 0)) || { echo "FAILED: the job claims success"; exit 1; }; }
ends_at_step_3() {
  says 'step 2'
  never 'step 3'
}
is_open_mpi() { "$mpiexec" --version | grep -qi "open.*mpi"; }
overdue='error: \[MPI_Iallgather\] loss and records of backward 3 of i64 (3,) did not end within 3 s on rank [0-9] of '

case $case in
  none)
    train 15 none
    ((status == 0)) || exit 1
    says 'step 5'
    ;;
  kill) # the launcher sees it, and ends the others at once
    train 10 kill
    ends_at_step_3
    fails
    if is_open_mpi; then says 'signal 9'; fi
    ;;
  kill_unseen) # a launcher that goes on, and calls that success: the others' own deadline
    is_open_mpi || { echo "skipped: an option of Open MPI's mpirun is needed"; exit 77; }
    train 15 kill --enable-recovery
    ends_at_step_3
    says "$overdue"
    ;;
  stop) # alive, but not there: nobody but the deadline can see it
    train 15 stop
    ends_at_step_3
    fails
    says "$overdue"
    ;;
  midway) # during backward, when others have started their sums
    train 15 midway
    ends_at_step_3
    fails
    says 'error: \[MPI_Iallreduce\] gradients of "lstm.weight_ih_l0" to "fc.bias", bucket 1 of 1 of f32 .* did not end within 3 s'
    ;;
  exit | return | throw)
    train 15 "$case"
    ends_at_step_3
    fails
    [[ $case != throw ]] || says 'error: the disk is full'
    [[ $case != return ]] || says "$overdue"
    ;;
  *) echo "no such case: $case"; exit 2 ;;
esac
echo ok
