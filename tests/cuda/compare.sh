#!/usr/bin/env bash
# tests/cuda/compare.sh: ecg compare on the device, from records to report, ends with the CPU's numbers.
# compare.sh ECG ROOT. Exits with 77 where there is no device. CORDIS_LAUNCHER in the environment runs the binary.
source "$(dirname "$0")/../cli/common.sh"

read -r -a launch <<< "${CORDIS_LAUNCHER:-}"
quiet "${launch[@]}" "$ecg" compare --device cuda --up none --down none
grep -q 'no driver for them' "$work/stderr" && exit 77
subset "$data/ptb-xl-derived" up 40
subset "$data/ludb" down 40
compare=("${launch[@]}" "$ecg" compare --up up --down down --model resnet1d18,lstm,gru --width 4 --fc 8 --hidden 4 --length 100
  --down-classes HYP,ISCHEMIA,CD --up-epochs 1 --up-batch 16 --epochs 2 --batch 16 --seeds 1 --validation 0.2
  --resamples 100 --threads 2)
accept "on the CPU" "${compare[@]}" --device cpu --out cpu
accept "on the device" "${compare[@]}" --device cuda --out cuda

# Losses, scores and probabilities, number by number; counts of epochs and names are the same text.
close() {
  paste -d'\n' "$1" "$2" | awk -F, -v limit=2e-3 '
    NR % 2 { split($0, a, ","); n = NF; next }
    { if (NF != n) exit 1
      for (i = 1; i <= NF; ++i) if ($i != a[i]) {
        if ($i !~ /^[-0-9.e]+$/ || a[i] !~ /^[-0-9.e]+$/) exit 1
        d = $i - a[i]; if (d < 0) d = -d
        if (d > limit) { print "line " NR / 2 ": " a[i] " and " $i; exit 1 } } }'
}
columns() { cut -d, -f1-3 "$1"; }  # scores jump where two records change places
for file in $(cd cpu && find . -name epochs.csv | sort); do
  columns "cpu/$file" > left
  columns "cuda/$file" > right
  check "$file agrees" close left right
done
check "the report is there" test -s cuda/report.html
check "the run says where it computed" grep -q '"device": "cuda:0"' cuda/config.json
finish
