#!/usr/bin/env bash
# tests/cli/resume.sh: ecg compare, killed at random moments and started again, ends with the bytes of a run left
# alone.  resume.sh ECG ROOT
# Told apart, and not compared: lock (a process id), timing.csv, and report.html but for its figures.
# SEED in the environment repeats a run's moments.
source "$(dirname "$0")/common.sh"
source "$root/tests/cli/run_sums.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "SEED=$seed"
RANDOM=$seed

subset "$data/ptb-xl-derived" up 48
subset "$data/ludb" down 40
up_epochs=8 epochs=10 seeds=2
compare=("$ecg" compare --up up --down down --model resnet1d18,gru --width 4 --fc 8 --hidden 4 --length 250
  --down-classes HYP,ISCHEMIA,CD --up-epochs "$up_epochs" --up-batch 16 --epochs "$epochs" --batch 8 --seeds "$seeds"
  --validation 0.2 --resamples 100 --threads 2)
all=$((2 * (up_epochs + 2 * seeds * epochs)))  # epochs of the whole comparison

# Epochs that a run has told of so far.
progress() { find "$1/upstream" "$1/cells" -name epochs.csv -exec tail -q -n +2 {} + 2> /dev/null | wc -l; }

accept "A: left alone" "${compare[@]}" --out a || finish
check "A: $all epochs" test "$(progress a)" = "$all"

# Another folder, another moment for each checkpoint.
accept "C: left alone" "${compare[@]}" --out c --checkpoint-seconds 0.05

# Rising moments: that many epochs told of, and then up to a fifth of a second. Where the run was done before it
# could be killed, as on a machine that is busy with other things, the folder is made anew and the moment halved.
moments=($(for i in 1 2 3 4 5; do echo $((1 + RANDOM % (all * 3 / 5))); done | sort -n))
kills=0
for ((try = 0; kills < 5 && try < 15; ++try)); do
  moment=${moments[kills]}
  pause=0.$(printf '%03d' $((RANDOM % 200)))
  "${compare[@]}" --out b --checkpoint-seconds 0 > stdout 2> stderr < /dev/null &
  pid=$!
  until (($(progress b) >= moment)) || ! kill -0 "$pid" 2> /dev/null; do sleep 0.01; done
  sleep "$pause"
  kill -KILL "$pid" 2> /dev/null
  wait "$pid" 2> /dev/null
  ended=$? told=$(progress b)
  if ((ended == 137)) && [[ ! -e b/done ]]; then
    echo "killed $pause s after $moment of $all epochs, at $told, $(find b -name done | wc -l) trainings finished"
    kills=$((kills + 1))
    check "a killed run has left progress" test -s b/config.json -a "$told" -ge "$moment"
  else
    echo "done (status $ended) before it was killed: from the start again"
    check "an unkilled run ends well" test "$ended" = 0 -o "$ended" = 137
    rm -rf b
    kills=0
    for i in "${!moments[@]}"; do moments[i]=$(((moments[i] + 1) / 2)); done
  fi
done
check "five processes were killed at work" test "$kills" = 5
accept "B: to its end" "${compare[@]}" --out b --checkpoint-seconds 0
check "B: goes on" grep -q "going on in b" "$work/stdout"
check "B: what was finished is not done again" grep -q "finished before" "$work/stdout"

for other in b c; do
  check "$other holds the files of a" diff <(listing a) <(listing "$other")
  check "$other: bytes of a" diff <(sums a) <(sums "$other")
  check "$other: figures of a" diff -q <(figures a) <(figures "$other")
done
check "predictions, weights, results and scores were compared" test \
  "$(sums a | grep -cE '/(predictions.csv|weights.safetensors|epochs.csv|results.json|results.csv|convergence.csv)$')" = \
  $((3 * (2 + 4 * seeds) + 3))
check "inits differ" test "$(sums a | grep -E 'cells/.*weights' | cut -d' ' -f1 | sort -u | wc -l)" = $((4 * seeds))

# The same command on a finished run changes nothing.
before=$(sums b)
accept "B: again" "${compare[@]}" --out b --checkpoint-seconds 0
check "a finished run stays as it is" test "$before" = "$(sums b)"
finish
