#!/usr/bin/env bash
# tests/cli/commands.sh: what each subcommand does when all is well.  commands.sh ECG ROOT [CASE]
source "$(dirname "$0")/common.sh"

# Parameters of the study's networks, as arXiv 2402.02021's official code has them: by classes.
case_summary() {
  local model classes count
  while read -r classes rest; do
    set -- $rest
    for model in resnet1d18 resnet1d50 resnet1d101 lstm bilstm gru; do
      count=$1
      shift
      accept "summary $model $classes" "$ecg" summary --model "$model" --classes "$classes"
      check "$model with $classes classes has $count parameters, not $(tail -1 "$work/stdout")" \
        grep -qE "(^|[^0-9])$(sed ':a;s/\B[0-9]\{3\}\>/[ ,]?&/;ta' <<< "$count")([^0-9]|$)" "$work/stdout"
    done
  done << 'END'
2 4112514 17009282 29316738 245602 491202 234202
5 4114053 17010821 29318277 545605 1091205 534205
7 4115079 17011847 29319303 745607 1491207 734207
9 4116105 17012873 29320329 945609 1891209 934209
10 4116618 17013386 29320842 1045610 2091210 1034210
END
}

# count CLASS N: `ecg data` told so.
count() { check "$1 counts $2" grep -qE "^ +$1 +$2 +[0-9.]+ %" "$work/stdout"; }

case_data() {
  accept "data ptb-xl-mini" "$ecg" data "$data/ptb-xl-mini"
  check "365 records" grep -q 'records     365 of 12 leads, 1000 samples at 100 Hz' "$work/stdout"
  count NORM 233; count MI 52; count STTC 62; count HYP 30; count CD 60
  check "steps" grep -qE '^ +365 -> +365  has a filename_lr' "$work/stdout"
  check "folds" grep -qE '^  folds +1-8: 21 1: 56 2: 50' "$work/stdout"
  check "patients" grep -qE '^  patients +334$' "$work/stdout"
  check "nothing dropped" grep -qE '^  dropped     0$' "$work/stdout"
  check "no warnings" grep -qE '^  warnings    0$' "$work/stdout"

  accept "data ptb-xl-derived" "$ecg" data "$data/ptb-xl-derived"
  check "1417 records" grep -q 'records     1417 of 12 leads' "$work/stdout"
  count NORM 759; count MI 203; count STTC 407; count HYP 158; count CD 362

  accept "data ludb" "$ecg" data "$data/ludb"
  check "160 records" grep -q 'records     160 of 12 leads, 1000 samples at 100 Hz' "$work/stdout"
  count NORM 28; count HYP 114; count ISCHEMIA 43; count STTC 39; count CD 53; count AFIB_AFLT 14

  accept "data ludb, chosen classes" "$ecg" data "$data/ludb" --classes PACE,NORM
  count PACE 8; count NORM 28
  check "none of them" grep -qE '^ +\(none\) +124$' "$work/stdout"
}

# Small folders in the layouts of PTB and CODE-test, written by wfdb and h5py.
case_study_sets() {
  local sources=$root/tests/fixtures/sources
  accept "data ptb" "$ecg" data "$sources/ptb" --length 48
  count NORM 1; count MI 2
  check "patients" grep -qE '^  patients +3$' "$work/stdout"
  check "the others" grep -qE '^ +Bundle branch block +1$' "$work/stdout"
  accept "ptb downstream" "$ecg" compare --up "$sources/ptb" --down "$sources/ptb" --down-classes MI --model gru --hidden 4 \
    --length 48 --test 0.5 --validation 0 --split-seed 3 --up-epochs 1 --epochs 1 --seeds 1 --resamples 100 --out ptb
  quiet "$ecg" data "$sources/code-test"
  if [[ $status == 1 ]]; then
    echo "built without HDF5: CODE-test is not tried"
    return
  fi
  accept "data code-test" "$ecg" data "$sources/code-test" --band none --resampling decimate --scaling min-max
  check "5 records" grep -q 'records     5 of 12 leads, 1000 samples at 100 Hz' "$work/stdout"
  count NORM 1; count 1dAVb 1; count ST 1
  check "no warnings" grep -qE '^  warnings    0$' "$work/stdout"
  accept "from code-test to ptb" "$ecg" compare --up "$sources/code-test" --down "$sources/ptb" --down-classes MI --model gru \
    --hidden 4 --length 48 --test 0.5 --validation 0 --split-seed 3 --up-holdout 0 --up-epochs 1 --epochs 1 --seeds 1 --resamples 100 --out run
  check "its records" grep -q '^upstream,4,0,' run/records.csv
}

# As many records as PTB has, all of the same signals; published is that 522 have a diagnosis, and their shares.
case_published() {
  local i name reason
  mkdir -p set/patient001
  head -c $((16 * 24)) "$data/ptb-xl-mini/records100/00000/00001_lr.dat" > set/patient001/x.dat
  header x 16 | tail -n +2 > signals
  for ((i = 0; i < 549; i++)); do
    printf -v name 's%04d' "$i"
    reason='Myocardial infarction'
    ((i % 20 > 0 || i > 520)) || reason=n/a  # 27 times
    { echo "$name 12 100 16"; cat signals; echo "# Reason for admission: $reason"; } > "set/patient001/$name.hea"
    echo "patient001/$name"
  done > set/RECORDS
  accept "data" "$ecg" data set --length 16 --band none
  check "published" grep -qE "^  published   PTB 1.0.0: differs from the published counts: NORM 0.00000 of the test \
records, published 0.16763, MI 1.00000 of the test records, published 0.69364$" "$work/stdout"
  check "a warning" grep -q '^ecg: warning: PTB 1.0.0: differs' "$work/stderr"
  sed -i '$d' set/RECORDS
  accept "data of a part" "$ecg" data set --length 16 --band none
  check "nothing is said of a part" test -z "$(grep published "$work/stdout" "$work/stderr")"
}

# A digest speaks of bytes: twice the same, and another for another set.
case_digest() {
  small_set a 4
  small_set b 5
  accept "data" "$ecg" data a b --length 48
  check "two digests" test "$(grep -oE 'digest +[0-9a-f]{16}' "$work/stdout" | sort -u | wc -l)" = 2
  cp "$work/stdout" before
  accept "data again" "$ecg" data a b --length 48
  check "same account" cmp -s before "$work/stdout"
}

case_pretrain_train_predict() {
  subset "$data/ptb-xl-mini" up 60
  subset "$data/ludb" down 32
  local model file=up-run/weights.safetensors
  local net=(--width 4 --fc 8 --hidden 4 --length 250 --threads 2)
  for model in resnet1d18 gru; do
    rm -rf up-run down-run scratch-run
    accept "$model pretrain" "$ecg" pretrain up --model $model "${net[@]}" --classes NORM,STTC,CD --epochs 2 --batch 16 --out up-run
    check "$model: weights" test -s $file
    accept "$model train --init" "$ecg" train down --model $model "${net[@]}" --classes HYP,ISCHEMIA,CD --epochs 2 \
      --batch 8 --init $file --out down-run
    accept "$model train" "$ecg" train down --model $model "${net[@]}" --classes HYP,ISCHEMIA,CD --epochs 2 \
      --batch 8 --out scratch-run
    check "$model: --init makes a difference" \
      test "$(sha256sum < down-run/weights.safetensors)" != "$(sha256sum < scratch-run/weights.safetensors)"
    local run
    for run in up-run down-run scratch-run; do
      check "$run: files" test -s $run/config.json -a -s $run/epochs.csv -a -s $run/predictions.csv -a \
        -s $run/timing.csv -a -e $run/done -a ! -e $run/checkpoint.safetensors
      report $run/report.html
    done
    check "2 epochs and a head" test "$(wc -l < down-run/epochs.csv)" = 3

    accept "$model predict" "$ecg" predict --model down-run/weights.safetensors --csv \
      "$data/ludb/data/1" "$data/ludb/data/2.hea" "$data/ptb-xl-mini/records100/00000/00001_lr"
    check "$model: head of the table" test "$(head -1 "$work/stdout")" = "record,HYP,ISCHEMIA,CD"
    check "$model: a probability per class" awk -F, 'NR > 1 {
        if (NF != 4) exit bad = 1
        for (i = 2; i <= 4; i++) if ($i !~ /^[01]\.[0-9]+$/ || $i < 0 || $i > 1) exit bad = 1
      } END { exit bad || NR != 4 }' "$work/stdout"
    cp "$work/stdout" table
    accept "$model predict in blocks" "$ecg" predict --model down-run/weights.safetensors "$data/ludb/data/1"
    local name p
    for name in HYP ISCHEMIA CD; do
      p=$(awk -F, -v name=$name 'NR == 1 { for (i = 2; i <= NF; i++) if ($i == name) k = i }
                                 NR == 2 { printf "%.3f", $k }' table)
      check "$model: $name is $p in both" grep -qE "^ +$name +$p" "$work/stdout"
    done

    quiet "$ecg" export --model down-run/weights.safetensors --onnx net.onnx
    if grep -q "built without ONNX" "$work/stderr"; then
      echo "built without ONNX: export is not tried"
    else
      check "$model export: status $status" test "$status" = 0
      check "$model: the file names its classes" grep -q "HYP,ISCHEMIA,CD" net.onnx
      check "$model: shapes" grep -qE "x \(N, 250, 12\) -> y \(N, 3\)" "$work/stdout"
    fi

    # predictions.csv holds what predict says of the same record with the kept weights.
    local record said
    record=$(awk -F, '$1 == "selected" { print $3; exit }' down-run/predictions.csv)
    said=$(awk -F, '$1 == "selected" { printf "%.5f %.5f %.5f", $7, $8, $9; exit }' down-run/predictions.csv)
    accept "$model predict a test record" "$ecg" predict --model down-run/weights.safetensors --csv "down/$record"
    check "$model: $record is $said in predictions.csv, $(tail -1 "$work/stdout") by predict" awk -F, -v said="$said" \
      'NR == 2 { split(said, p, " "); for (i = 1; i <= 3; i++) if (p[i] - $(i + 1) > 2e-5 || $(i + 1) - p[i] > 2e-5) exit 1 }' \
      "$work/stdout"
  done

  # The head stays with --keep-head, where the classes are the same.
  accept "train --keep-head" "$ecg" train down --model gru "${net[@]}" --classes HYP,ISCHEMIA,CD --epochs 1 --batch 8 \
    --init down-run/weights.safetensors --keep-head --out kept-run
}

# report FILE: one file that loads nothing else, with figures where there is a gnuplot to draw them.
report() {
  check "$1: is a page" grep -qi '<html' "$1"
  check "$1: loads nothing" test -z "$(grep -oiE '(src|href|data|action) *= *"?(https?:)?//[^ >]*|@import|url\([^#)]*\)|<(link|script|iframe|img)[^>]*(src|href)[^>]*>' "$1" | head -3)"
  if command -v gnuplot > /dev/null; then
    check "$1: figures" test "$(grep -c '<svg' "$1")" -ge 2
    check "$1: every figure ends" test "$(grep -o '<svg' "$1" | wc -l)" = "$(grep -o '</svg>' "$1" | wc -l)"
  else
    check "$1: says why there are no figures" grep -q 'gnuplot' "$1"
  fi
}

case_compare() {
  subset "$data/ptb-xl-derived" up 40
  subset "$data/ludb" down 32
  accept "compare" "$ecg" compare --up up --down down --model gru --hidden 4 --length 250 --down-classes HYP,ISCHEMIA,CD \
    --up-epochs 1 --up-batch 16 --epochs 2 --batch 8 --seeds 2 --resamples 100 --threads 1 --sizes 10,16 --out run
  report run/report.html
  check "both sizes are compared" grep -q '^gru,10,' run/results.csv
  check "all results" test "$(tail -n +2 run/results.csv | wc -l)" = 24  # 2 sizes, 4 moments, 3 metrics
  check "the floor stands beside every result" awk -F, 'NR > 1 && $5 == "" { exit 1 }' run/results.csv
  check "two seeds, two sizes, three metrics" test "$(tail -n +2 run/convergence.csv | wc -l)" = 12
  check "the console shows the floor" grep -q floor "$work/stdout"
  check "the console answers" grep -q '=> ' "$work/stdout"
  check "every record has its part" test "$(tail -n +2 run/records.csv | cut -d, -f1 | sort | uniq -c | tr -s ' \n' ' ')" = \
    " 32 downstream 40 upstream "
}

# Every option that takes a value shows its default in brackets, unless it is required.
case_help() {
  local command
  accept "--help" "$ecg" --help
  for command in summary data pretrain train compare predict; do
    check "ecg --help names $command" grep -qE "^ +$command " "$work/stdout"
  done
  accept "--version" "$ecg" --version
  check "a version" grep -qE '^ecg [0-9]+\.[0-9]+\.[0-9]+$' "$work/stdout"
  for command in summary data pretrain train compare predict; do
    accept "$command --help" "$ecg" $command --help
    check "$command: examples" grep -q 'Examples' "$work/stdout"
    check "$command: no line over 120 columns, but for where this tree lies" \
      awk -v root="$root" '{ gsub(root, "") } length > 120 { exit 1 }' "$work/stdout"
    # An entry is the option's line and those indented below it.
    check "$command: every value has its default: $(without_default)" test -z "$(without_default)"
  done
  accept "study's defaults" "$ecg" compare --protocol study --help
  check "100 epochs" grep -qE 'passes over the training records \[100\]' "$work/stdout"
}
# Options of $work/stdout that take a value and show no default. REQUIRED ones have none; --init has none to show.
without_default() {
  awk 'function done() { if (name != "" && text !~ /\[[^]]+\]/) print name }
       /^  -/ { done(); name = ""; text = $0
                if ($0 ~ /^  (-[a-z],)?--[a-z-]+ [A-Za-z0-9,.|-]+( |$)/) name = $0; next }
       /^    / { text = text " " $0; next }
       { done(); name = "" }
       END { done() }' "$work/stdout" | grep -vE -- '^ +(-m,)?--(model|init) FILE' | awk '{ print $1 }' | tr '\n' ' '
}

case_download() {
  local set
  for set in ptb-xl cpsc2018 georgia ptb ludb ribeiro; do
    accept "$set" "$ecg" data --download $set
    check "$set: commands, sizes, and nothing there" grep -q "wget" "$work/stdout"
    check "$set: says so" grep -q "is not there yet" "$work/stdout"
  done
  small_set ptb-xl 8
  refuse "a part of it" 1 "8 records, 21837, 21799 were published" "$ecg" data --download ptb-xl
  refuse "another name" 2 "--download" "$ecg" data --download nothing
  refuse "no folder" 2 "DIR is required" "$ecg" data
}

run_cases
