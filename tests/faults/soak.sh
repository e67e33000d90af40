#!/usr/bin/env bash
# tests/faults/soak.sh: trainings that are killed at random moments, from their start on, and started again until they
# end, which they have to do with the bytes of one left alone.  soak.sh [TIMES=200]
# In the environment: SEED repeats the moments, EPOCHS (60) makes trainings longer or shorter, ECG names a program that is
# built already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../.. times=${1:-200} epochs=${EPOCHS:-60} ecg=${ECG:-}
if [[ -z $ecg ]]; then
  source "$root/cmake/setup.sh"
  setup g++ cmake ninja-build:ninja libeigen3-dev:/usr/include/eigen3 libcli11-dev:/usr/include/CLI \
    nlohmann-json3-dev:/usr/include/nlohmann libhdf5-dev:/usr/include/hdf5/serial/hdf5.h gnuplot-nox:gnuplot
  cmake -S "$root" --preset release -G Ninja -DCORDIS_TESTS=OFF -DCORDIS_BENCH=OFF
  cmake --build "$root/build/release" --target ecg
  ecg=$root/build/release/examples/ecg/ecg
fi
source "$here/../cli/common.sh" "$ecg" "$root"
source "$root/tests/cli/run_sums.sh"
set +e

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "SEED=$seed"
RANDOM=$seed

small_set up 24
small_set down 32
# What is trained, in turn; each leaves a checkpoint after every epoch.
net=(--width 2 --fc 4 --hidden 2 --length 48 --band none --batch 8 --threads 2 --checkpoint-seconds 0)
kinds=(pretrain scratch tuned gru)
command_of() {  # KIND FOLDER: into $train
  train=("$ecg" train down --validation 0.2 --test 0.25 --epochs "$epochs" --out "$2" "${net[@]}")
  case $1 in
    pretrain) train=("$ecg" pretrain up --holdout 0.25 --epochs "$epochs" --out "$2" "${net[@]}" --cache kept) ;;
    tuned) train+=(--init weights.safetensors) ;;
    gru) train+=(--model gru --cache kept) ;;
  esac
}
now() { date +%s%3N; }
contents() { sums "$1" && figures "$1"; }

declare -A took
for kind in "${kinds[@]}"; do
  command_of "$kind" "alone-$kind"
  begun=$(now)
  accept "$kind: left alone" "${train[@]}" || finish
  took[$kind]=$(($(now) - begun))
  echo "$kind: left alone, ${took[$kind]} ms"
  [[ $kind != pretrain ]] || cp alone-pretrain/weights.safetensors weights.safetensors
  rm -rf kept
done

kills=0 early=0 ended=0 same=0 begun=$SECONDS
declare -A of
for ((n = 0; kills < times; ++n)); do
  kind=${kinds[n % ${#kinds[@]}]}
  command_of "$kind" killed
  rm -rf killed
  ((RANDOM % 2)) || rm -rf kept
  # In one training of three the moments lie close to the start.
  span=${took[$kind]}
  ((n % 3)) || span=$((span / 4 + 50))
  while true; do
    moment=$((RANDOM % span))
    ((kills < times)) || moment=-1
    "${train[@]}" > "$work/stdout" 2> "$work/stderr" < /dev/null &
    pid=$!
    if ((moment >= 0)); then
      sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
      kill -KILL "$pid" 2> /dev/null
    fi
    wait "$pid" 2> /dev/null
    status=$?
    ((status == 137)) || break
    kills=$((kills + 1)) of[$kind]=$((${of[$kind]:-0} + 1))
    [[ -s killed/config.json ]] || early=$((early + 1))
    # Busy machines: the moments grow until a training gets to its end.
    span=$((span + span / 20 + 10))
  done
  check "$kind: status $status: $(head -3 "$work/stderr")" test "$status" = 0
  ended=$((ended + 1))
  if diff <(contents "alone-$kind") <(contents killed) > differences && [[ -z $(find killed -name '*.tmp*') ]]; then
    same=$((same + 1))
  else
    fail "$kind: training $n ended otherwise than left alone: $(head -5 differences)"
  fi
  ((n % 10)) || echo "$kills of $times kills, $ended trainings ended, $same with the same bytes, $((SECONDS - begun)) s"
done
for kind in "${kinds[@]}"; do echo "$kind: ${of[$kind]:-0} kills"; done
echo "$kills of $times kills ($early before config.json was there), $ended trainings ended, $same of them with the bytes" \
  "of those left alone, $((SECONDS - begun)) s"
check "all are the same" test "$same" = "$ended"
check "as many kills as asked for" test "$kills" = "$times"
finish
