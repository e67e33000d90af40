#!/usr/bin/env bash
# tests/cli/bad_input.sh: what is wrong is told in one line that names the place, without a crash, and leaves no
# half-written file.  bad_input.sh ECG ROOT [CASE]
source "$(dirname "$0")/common.sh"

# refuse_train WHAT 'TEXT|...' FOLDER OPTIONS...: a training that ends with status 1 before it leaves weights.
refuse_train() {
  rm -rf out
  train_command "${@:3}"
  refuse "$1" 1 "$2" "${train[@]}"
  check "$1: nothing trained" test ! -e out/done -a ! -e out/weights.safetensors
}
accept_train() {
  rm -rf out
  train_command "${@:2}"
  accept "$1" "${train[@]}"
}
# told 'TEXT': stands in the last command's warnings.
told() { check "\"$1\" is not in: $(head -c 600 "$work/stderr")" grep -qF -- "$1" "$work/stderr"; }
printed() { check "\"$1\" is not in: $(head -c 2000 "$work/stdout")" grep -qE -- "$1" "$work/stdout"; }

case_missing_signals() {
  small_set set 12
  rm set/r05.dat
  refuse_train "no .dat" "set/r05.dat|no such file" set
  mkdir set/r05.dat
  refuse_train ".dat is a folder" "set/r05.dat|not a regular file" set
  rm -r set/r05.dat set/r05.hea
  refuse_train "no .hea" "set/r05.hea|no such file" set
  accept_train "--drop-unreadable" set --drop-unreadable
  printed 'read 11 records of set, dropped 1'
  refuse "data" 1 "1 of 12 records" "$ecg" data set --length 48 --band none
  printed 'unreadable: .*set/r05.hea: no such file'
}

case_truncated_signals() {
  small_set set 12
  truncate -s 1000 set/r05.dat
  refuse_train "cut .dat" "set/r05.dat|holds 1000 bytes|wanted 1536|64 samples x 12 signals" set
  : > set/r05.dat
  refuse_train "empty .dat" "set/r05.dat|holds 0 bytes" set
}

case_leads() {
  small_set set 12
  sed -i 's/ V6$/ v5/' set/r03.hea
  refuse_train "V5 twice" "set/r03.hea|lead V5|twice|10 and 11" set
  header r03 64 | sed '1s/ 12 / 11 /;$d' > set/r03.hea
  truncate -s $((64 * 22)) set/r03.dat
  refuse_train "11 leads" "set/r03.hea|leads missing: V6|there are: I, II" set
  header r03 64 | sed '$d' > set/r03.hea
  refuse_train "a line too few" "set/r03.hea|11 signal lines|names 12" set
  (header r03 64; echo "r03.dat 16 1000/mV 16 0 V7") > set/r03.hea
  refuse_train "a line too many" "set/r03.hea:14|V7|last of 12" set
}

case_header() {
  small_set set 12
  header r03 64 212 > set/r03.hea
  refuse_train "format 212" "set/r03.hea:2|format 212|lead I|r03.dat|16 and 16+offset" set
  header r03 64 int > set/r03.hea
  refuse_train "no format" "set/r03.hea:2|format 'int'" set
  : > set/r03.hea
  refuse_train "empty header" "set/r03.hea|no record line" set
  head -c 300 /dev/zero > set/r03.hea
  refuse_train "zeros for a header" "set/r03.hea" set
  header r03 -64 > set/r03.hea
  refuse_train "-64 samples" "set/r03.hea:1|-64" set
  header r03 64 16 'nan(0)/mV' > set/r03.hea
  refuse_train "gain nan" "set/r03.hea:2|nan(0)/mV" set
  header ../r03 64 | sed '1s|../r03|r03|' > set/r03.hea
  refuse_train "signals elsewhere" "set/r03.hea|../r03.dat|outside" set
}

# WFDB reads a gain of 0 as 200, and so does ecg, saying so.
case_gain_of_zero() {
  small_set set 12
  header r03 64 16 '0(0)/mV' > set/r03.hea
  accept_train "gain 0" set
  told "set/r03.hea:2: lead I has a gain of zero: WFDB's default of 200 is taken"
  check "a warning for each lead" test "$(grep -c 'gain of zero' "$work/stderr")" = 12
  accept "data" "$ecg" data set --length 48 --band none
  printed '^  warnings    12$'
}

case_checksum() {
  small_set set 12
  sed -i '2s/16 0 I/16 0 0 1 0 I/' set/r03.hea
  accept_train "checksum" set
  told "set/r03.dat: checksum of lead I is"
  told "the header says 1"
  accept "data" "$ecg" data set --length 48 --band none
  printed 'checksum: .*set/r03.dat'
}

case_short_record() {
  small_set set 12
  header r03 40 > set/r03.hea
  truncate -s $((40 * 24)) set/r03.dat
  accept_train "short" set
  printed 'read 11 records of set, dropped 1'
  accept "data" "$ecg" data set --length 48 --band none
  printed 'too short: .*set/r03.hea.*40 samples.*48'
  printed '12 -> +11 +not dropped as too short'
  refuse_train "all are short" "set: no record is left|12 dropped|set/r00.hea|64 samples|65" set --length 65
}

# -32768 is a missing sample.
case_missing_samples() {
  small_set set 12
  local i
  for ((i = 0; i < 64; i++)); do printf '\000\200' | dd of=set/r03.dat bs=1 seek=$((i * 24 + 14)) conv=notrunc status=none; done
  accept_train "an empty lead" set
  printed 'read 11 records of set, dropped 1'
  accept "data" "$ecg" data set --length 48 --band none
  printed 'empty lead: .*set/r03.hea.*lead V2'
  small_set set 12
  printf '\000\200' | dd of=set/r03.dat bs=1 seek=$((5 * 24 + 14)) conv=notrunc status=none
  accept_train "a missing sample is filled" set
  accept "data" "$ecg" data set --length 48 --band none
  printed 'filled +1 missing'
  accept_train "or its record dropped" set --missing drop
  printed 'dropped 1'
  train_command set --band 1,40 --missing keep
  refuse "kept, it meets a filter" 1 "missing samples can be kept only without" "${train[@]}"
  refuse_train "kept, it makes the loss NaN" "epoch 1|batch|the loss is|nan" set --missing keep --resampling decimate \
    --test 0 --scaling none
}

case_labels() {
  small_set set 12
  cp set/labels.csv good.csv
  sed 's/\(r[0-9]*\),[01]/\1,0/' good.csv > set/labels.csv
  refuse_train "nobody has X" "set|X|training records" set
  sed 's/,[01]$//;1s/,Y//' good.csv | sed '5s/$/,1/' > set/labels.csv
  refuse_train "a field too many" "labels.csv:5|3 fields|the header has 2" set
  sed '5s/,[01]$/,2/' good.csv > set/labels.csv
  refuse_train "a label of 2" "labels.csv:5|column 'Y'|'2'|0 or 1" set --classes X,Y
  sed '1s/filename/file/' good.csv > set/labels.csv
  refuse_train "no filename column" "set|labels.csv with a filename column" set
  cp good.csv set/labels.csv
  refuse_train "no such class" "labels.csv:1|no column 'Z'|filename, X, Y" set --classes X,Z
  refuse "a class twice" 2 "--classes|X|twice" "$ecg" data set --classes X,X
  sed '4s/r02/"r02/' good.csv > set/labels.csv
  refuse_train "an open quote" "labels.csv:4|never closed" set
  head -1 good.csv > set/labels.csv
  train_command set --classes X,Y
  refuse "no records" 1 "set" "${train[@]}"
  : > set/labels.csv
  train_command set
  refuse "an empty table" 1 "labels.csv|empty" "${train[@]}"
  rm set/labels.csv
  refuse_train "no table" "set|no data set known|labels.csv|ptbxl_database.csv|#Dx" set
  refuse_train "no folder" "nowhere|no such folder" nowhere

  # Line breaks, commas and quotes inside a quoted field.
  sed 's/$/,"a remark,\nof two lines, ""quoted"""/;1s/,"a.*//' good.csv | sed '1s/$/,remark/' | tr '\r' ' ' > broken.csv
  awk 'NR == 1 { print; next } { print }' broken.csv | sed 's/^of/of/' > set/labels.csv
  accept "quoted line breaks" "$ecg" data set --length 48 --band none
  printed 'records     12 of'
}

case_ptbxl_tables() {
  small_set set 12
  rm set/labels.csv
  local i
  printf ',diagnostic,diagnostic_class\nNORM,1.0,NORM\nIMI,1.0,MI\nNDT,1.0,STTC\nLVH,1.0,HYP\nIRBBB,1.0,CD\n' \
    > set/scp_statements.csv
  local codes=(NORM IMI NDT LVH IRBBB)
  echo 'ecg_id,patient_id,report,scp_codes,strat_fold,filename_lr,filename_hr' > set/ptbxl_database.csv
  for ((i = 0; i < 12; i++)); do
    printf '%d,%d.0,"a report\nof ""two"" lines",%s,%d,r%02d,\n' $i $i \
      "\"{'${codes[i % 5]}': 100.0, 'WHAT': 0.0}\"" $((i % 10 + 1)) $i
  done >> set/ptbxl_database.csv
  cp set/ptbxl_database.csv good.csv
  accept "unknown SCP code" "$ecg" data set --length 48 --band none
  printed 'kind        ptb-xl'
  printed 'records     12 of'
  printed '^ +WHAT +12$'
  # The 3rd record starts on line 6.
  sed "6,7s/{'NDT'/{NDT/" good.csv > set/ptbxl_database.csv
  refuse_train "not a dict" "ptbxl_database.csv:6|'scp_codes'|NDT" set
  sed '1s/strat_fold/fold/' good.csv > set/ptbxl_database.csv
  refuse_train "no strat_fold" "ptbxl_database.csv:1|no column 'strat_fold'|ecg_id, patient_id" set
  sed '7s/,3,r02/,11,r02/' good.csv > set/ptbxl_database.csv
  refuse_train "fold 11" "ptbxl_database.csv:6|'strat_fold'|'11'|1 to 10" set
  cp good.csv set/ptbxl_database.csv
  sed -i 's/,HYP$/,/' set/scp_statements.csv
  refuse_train "no HYP" "scp_statements.csv|HYP" set
}

case_challenge() {
  small_set set 12
  rm set/labels.csv
  local i codes=(426783006 164889003 59118001,999999)
  for ((i = 0; i < 12; i++)); do echo "#Dx: ${codes[i % 3]}" >> "$(printf 'set/r%02d.hea' $i)"; done
  accept "unknown SNOMED code" "$ecg" data set --length 48 --band none --classes NORM,AF,RBBB
  printed 'kind        challenge'
  printed '^ +999999 +4$'
  printed '^ +RBBB +4 '
  accept_train "trains" set --classes NORM,AF,RBBB
  refuse_train "a class that nobody has" "set|LQT|training records" set --classes NORM,LQT
  refuse_train "no such class" "WHAT|SNOMED|NORM" set --classes NORM,WHAT
  sed -i '/#Dx/d' set/r04.hea
  accept "no diagnosis" "$ecg" data set --length 48 --band none
  printed 'no diagnosis: .*r04.hea: no #Dx line'
}

# Folders in the layouts of PTB and CODE-test, small: written by wfdb and h5py.
sources=$root/tests/fixtures/sources

case_ptb() {
  cp -r "$sources/ptb" set
  accept "whole" "$ecg" data set --length 48 --band none
  printed 'kind        ptb'
  printed 'no diagnosis: .*patient285/s0544_re: no reason for admission'
  rm set/patient001/s0014lre.xyz set/patient104/s0306lre.hea
  refuse_train "files missing" "patient001/s0014lre.xyz: no such file|2 of 5 records of set|--drop-unreadable" set
  refuse "data" 1 "2 of 5 records" "$ecg" data set --length 48 --band none
  printed 'unreadable: .*s0306lre.hea: no such file'
  printed '^ +5 -> +3  not dropped as unreadable'
  echo patient001/s0010_re >> set/RECORDS
  refuse_train "a record twice" "RECORDS:6|line 1 already" set
}

case_code_test() {
  cp -r "$sources/code-test" set
  quiet "$ecg" data set
  if [[ $status == 1 ]]; then
    refuse "a build without HDF5" 1 "ecg_tracings.hdf5|built without|-DCORDIS_HDF5=ON" "$ecg" data set
    return
  fi
  truncate -s 9000 set/ecg_tracings.hdf5
  refuse_train "cut" "ecg_tracings.hdf5: holds 9000 bytes|HDF5" set
  cp "$sources/code-test-f8/ecg_tracings.hdf5" set
  refuse_train "another's annotations" "dataset tracings holds 2 records|gold_standard.csv has 5 rows" set
  echo text > set/ecg_tracings.hdf5
  refuse_train "no HDF5" "ecg_tracings.hdf5: holds 5 bytes" set
  rm -r set/annotations
  refuse_train "no annotations" "annotations/gold_standard.csv|no such file" set
}

case_cpsc2018() {
  refuse_train "MATLAB structs" "CPSC2018|A0001.mat|challenge-2020/1.0.2|training/cpsc_2018" "$sources/cpsc2018"
}

# safetensors FILE HEADER BYTES [LENGTH]: a file of that header and so many zeros, whatever it claims.
safetensors() {
  local length=${4:-${#2}} i
  for ((i = 0; i < 8; i++)); do printf "\\$(printf %03o $((length >> 8 * i & 255)))"; done > "$1"
  printf %s "$2" >> "$1"
  head -c "$3" /dev/zero >> "$1"
}

case_model_file() {
  small_set set 12
  accept_train "a model" set
  cp out/weights.safetensors good.safetensors
  local size
  size=$(stat -c %s good.safetensors)
  # refuse_model WHAT 'TEXT|...': by predict and by train --init.
  refuse_model() {
    refuse "$1, predict" 1 "model.safetensors|$2" "$ecg" predict --model model.safetensors set/r00
    refuse_train "$1, --init" "model.safetensors|$2" set --init model.safetensors
  }
  refuse_model "no file" "No such file"
  mkdir model.safetensors
  refuse_model "a folder" "folder"
  rmdir model.safetensors
  : > model.safetensors
  refuse_model "empty" "0 bytes|at least 8"
  head -c 100 good.safetensors > model.safetensors
  refuse_model "cut in the header" "byte 0|only 92 follow"
  head -c $((size - 1)) good.safetensors > model.safetensors
  refuse_model "the last byte is missing" "bytes"
  (cat good.safetensors; printf x) > model.safetensors
  refuse_model "a byte too many" "bytes"
  safetensors model.safetensors '{}' 0 $((1 << 60))
  refuse_model "a header of 2^60 bytes" "header of 1152921504606846976 bytes|only 2 follow"
  safetensors model.safetensors '{}' 0 -1
  refuse_model "a header of 2^64 - 1 bytes" "header of 18446744073709551615 bytes"
  safetensors model.safetensors '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}' 12
  refuse_model "overlapping offsets" "\"b\"|4"
  safetensors model.safetensors '{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}' 8
  refuse_model "offsets that fall" "\"a\"|8"
  safetensors model.safetensors '{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}' 8
  refuse_model "a shape beyond 64 bits" "\"a\""
  safetensors model.safetensors '{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}' 8
  refuse_model "shape and bytes apart" "\"a\"|12|8"
  safetensors model.safetensors '{"a":' 0
  refuse_model "half a header" "byte"
  head -c 4096 /dev/urandom > model.safetensors
  refuse_model "noise" "byte"
  printf 'PK\003\004 a pickle' > model.safetensors
  refuse_model "a pickle" "byte"
  safetensors model.safetensors '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' 8
  refuse "no card" 1 "model.safetensors|ecg.model|not written by ecg" \
    "$ecg" predict --model model.safetensors set/r00
  refuse_train "other keys" "model.safetensors|missing|conv1.weight|unexpected (1): a (2,)" set --init model.safetensors
  # The same length, so that nothing but the word is wrong.
  LC_ALL=C sed 's/"resnet1d18"/"resnet1d81"/' good.safetensors > model.safetensors
  refuse "a net of no name" 1 "model.safetensors|ecg.model|resnet1d81|resnet1d18" \
    "$ecg" predict --model model.safetensors set/r00
  LC_ALL=C sed 's/"ecg.width":"2"/"ecg.width":"3"/' good.safetensors > model.safetensors
  refuse "a card of other widths" 1 "model.safetensors: its metadata needs a tensor layer4.0.conv2.weight (24, 24, 3)|(16, 16, 3)" \
    "$ecg" predict --model model.safetensors set/r00

  refuse_train "a wider net" "good.safetensors|misshapen|conv1.weight: file f32 (2, 12, 7), net f32 (4, 12, 7)" \
    set --init good.safetensors --width 4
  refuse_train "another net" "good.safetensors|holds a resnet1d18|gru" set --init good.safetensors --model gru
  refuse_train "other classes" "good.safetensors|2 classes|data 1|--keep-head" \
    set --init good.safetensors --keep-head --classes X --test 0
  accept_train "other classes, a new head" set --init good.safetensors --classes X --test 0
  accept "a good model" "$ecg" predict --model good.safetensors set/r00

  header r00 64 | sed '1s/ 12 / 11 /;$d' > set/r00.hea
  truncate -s $((64 * 22)) set/r00.dat
  refuse "a record of 11 leads" 1 "set/r00.hea|leads missing: V6" "$ecg" predict --model good.safetensors set/r00
  header r01 40 > set/r01.hea
  truncate -s $((40 * 24)) set/r01.dat
  refuse "a short record" 1 "set/r01.hea|40 samples|48" "$ecg" predict --model good.safetensors set/r01
  refuse "no record" 1 "set/none.hea|no such file" "$ecg" predict --model good.safetensors set/none
}

case_out() {
  small_set set 12
  echo text > out
  train_command set
  refuse "--out is a file" 1 "out: is a file" "${train[@]}"
  check "the file is as it was" test "$(cat out)" = text
  train_command set --out out/below
  refuse "--out below a file" 1 "out/below" "${train[@]}"
  rm out
  train_command set --out ""
  refuse "--out is empty" 2 "--out|empty" "${train[@]}"
  mkdir out
  echo text > out/notes.txt
  train_command set
  refuse "a folder of something else" 1 "out|notes.txt|config.json" "${train[@]}"
  check "nothing was put there" test "$(ls out)" = notes.txt

  accept_train "a run" set --seed 3
  local before
  before=$(cd out && find . -type f ! -name lock | sort | xargs sha256sum)
  train_command set --seed 4 --lr 0.01
  refuse "other settings" 1 "out|--lr is 0.001 there and 0.01 now|--seed is 3 there and 4 now" "${train[@]}"
  sed -i '2s/,0,/,1,/;2s/1$/0/' set/labels.csv
  train_command set --seed 3
  refuse "other data" 1 "out|digest|there and" "${train[@]}"
  check "the run is as it was" test "$before" = "$(cd out && find . -type f ! -name lock | sort | xargs sha256sum)"
  echo '{"command"' > out/config.json
  train_command set
  refuse "a broken config.json" 1 "out/config.json|not JSON" "${train[@]}"
  : > out/config.json
  train_command set
  refuse "an empty config.json" 1 "out/config.json|not JSON" "${train[@]}"
}

case_out_in_use() {
  small_set set 12
  local pid i
  train_command set --epochs 100000
  "${train[@]}" > log 2>&1 < /dev/null &
  pid=$!
  for ((i = 0; i < 3000; i++)); do
    [[ -s out/epochs.csv ]] || ! kill -0 "$pid" 2> /dev/null && break
    sleep 0.01
  done
  refuse "in use" 75 "out|process $pid on $(hostname) (for|is at work" "${train[@]}"
  check "the first one goes on" kill -0 "$pid"
  kill -KILL "$pid"
  wait "$pid" 2> /dev/null
  echo half > out/weights.safetensors.tmp.$pid.7  # as a kill in the midst of a write leaves it
  # The lock has gone with its process.
  "${train[@]}" > log2 2>&1 < /dev/null &
  pid=$!
  for ((i = 0; i < 3000; i++)); do
    grep -q 'goes on after\|epoch 2/' log2 || ! kill -0 "$pid" 2> /dev/null && break
    sleep 0.01
  done
  check "what the killed one left half is gone" test -z "$(halves)"
  check "free again: $(head -c 300 log2)" grep -q 'goes on after\|epoch 2/' log2
  kill -KILL "$pid"
  wait "$pid" 2> /dev/null
}

# A checkpoint that is not of this run is refused, and stays.
case_checkpoint() {
  small_set set 12
  train_command set
  accept "a run" "${train[@]}"
  # not_done: out as a run that was stopped before its end, but for its checkpoint
  not_done() { rm -f out/done out/weights.safetensors out/report.html out/checkpoint.safetensors; }
  cp out/weights.safetensors weights.safetensors
  not_done
  head -c 1000 weights.safetensors > out/checkpoint.safetensors
  refuse "a cut checkpoint" 1 "out/checkpoint.safetensors|byte" "${train[@]}"
  check "it stays" test "$(stat -c %s out/checkpoint.safetensors)" = 1000
  cp weights.safetensors out/checkpoint.safetensors
  refuse "weights for a checkpoint" 1 "out/checkpoint.safetensors|does not belong into a checkpoint" "${train[@]}"
  not_done
  accept "without it" "${train[@]}"
  check "the same weights" cmp -s weights.safetensors out/weights.safetensors
}

case_disk_full() {
  small_set set 12
  train_command set --width 8 --epochs 3 --checkpoint-seconds 0
  # A file may not grow beyond 8 KiB: config.json can be written, checkpoint and weights cannot.
  refuse "a limit" 1 "out/checkpoint.safetensors|cannot be written|File too large" bash -c 'ulimit -f 8; exec "$@"' - \
    "${train[@]}"
  check "no half of a file" test ! -e out/checkpoint.safetensors -a ! -e out/weights.safetensors -a ! -e out/done
  train_command set --width 8 --epochs 3 --checkpoint-seconds 0
  accept "with room it goes on" "${train[@]}"
  train_command set --out alone --width 8 --epochs 3 --checkpoint-seconds 0
  accept "and ends as one left alone" "${train[@]}"
  check "same weights" cmp -s out/weights.safetensors alone/weights.safetensors

  mkdir small
  if mount -t tmpfs -o size=64k none small 2> /dev/null; then
    train_command set --out small/out --width 8
  refuse "no space" 1 "small/|No space left on device" "${train[@]}"
    check "no half of a file" test ! -e small/out/weights.safetensors -a ! -e small/out/done
    umount small
  else
    echo "  (no small file system can be mounted here: left out)"
  fi
  if [[ $(id -u) != 0 ]]; then
    mkdir shut
    chmod a-w shut
    train_command set --out shut/out
  refuse "no permission" 1 "shut|Permission denied" "${train[@]}"
  fi
  train_command set --out /dev/null/out
  refuse "a device" 1 "/dev/null" "${train[@]}"
}

case_loss() {
  small_set set 12
  refuse_train "at once" "resnet1d18|epoch 1, batch 2 of 2|the loss is|no good epoch before|learning rate" \
    set --lr 1e30 --epochs 3 --batch 4
  # One batch an epoch and nothing to score: the first epoch is good, its step is not.
  train_command set --test 0 --batch 64 --lr 1e30 --epochs 5 --checkpoint-seconds 1000
  rm -rf out
  refuse "later" 1 "resnet1d18|epoch 2, batch 1 of 1|the loss is|last good state is in out/checkpoint.safetensors" \
    "${train[@]}"
  check "the last good checkpoint stays" test -s out/checkpoint.safetensors
  local before
  before=$(sha256sum < out/checkpoint.safetensors)
  refuse "again" 1 "epoch 2, batch 1 of 1|out/checkpoint.safetensors" "${train[@]}"
  check "from that checkpoint" grep -q 'goes on after epoch 1' "$work/stdout"
  check "which is as it was" test "$before" = "$(sha256sum < out/checkpoint.safetensors)"
  check "not done" test ! -e out/done -a ! -e out/weights.safetensors
}

case_batch_norm() {
  small_set set 12
  refuse_train "one value per channel" "batch_norm|1" set --batch 1 --length 16
  accept_train "several of one record" set --batch 1
}

case_sizes() {
  small_set set 12
  refuse_train "one record" "1 training records are left|at least 2" set --size 1
  sed 's/,[01],[01]/,1,1/' set/labels.csv > all && cp -r set yes && mv all yes/labels.csv
  accept_train "two records, yes to all" yes --size 2 --test 0
  refuse_train "more than there are" "--size 100|only 9 training records" set --size 100
  refuse_train "the test takes all" "0.95 of 12 records" set --test 0.95
  small_set one 1
  refuse_train "a set of one record" "one: 1 training records|at least 2" one --classes X --test 0
  small_set empty 12 0
  refuse_train "records without samples" "empty" empty
  refuse "more folds than records" 1 "--folds 13|12 records" "$ecg" compare --up set --down set --model gru \
    --hidden 2 --length 48 --band none --folds 13 --out out2
  refuse "an upstream set of one" 1 "one: 1 training records" "$ecg" compare --up one --down set --model gru --hidden 2 --length 48 \
    --band none --out out2
  check "nothing was begun" test ! -e out2/upstream
}

case_options() {
  small_set set 12
  # option NAME VALUE TEXT: refused by name, with the value.
  option() {
    refuse "$1 $2" 2 "$1|$2|${3:-}|see ecg train --help" "$ecg" train set --out out "$1" "$2"
  }
  option --epochs -1 "from 1 to"
  option --epochs 0 "from 1 to"
  option --epochs 1e3 "whole number"
  option --epochs 99999999999999999999 "whole number"
  option --batch 0 "from 1 to"
  option --batch x "whole number"
  option --lr nan "number"
  option --lr inf "number"
  option --lr 0 "number"
  option --lr -0.1 "number"
  option --lr 1e400 "number"
  option --threads -1 "from 0 to"
  option --threads 1000000 "from 0 to"
  option --length 0 "from 16 to"
  option --length 99999999999 "from 16 to"
  option --rate 0 "number"
  option --rate nan "number"
  option --skip -1 "whole number"
  option --width 0 "from 1 to"
  option --hidden 99999999 "from 1 to"
  option --fc -5 "from 1 to"
  option --seed -1 "from 0 to"
  option --seed 2147483648 "from 0 to"
  option --test 1 "number"
  option --test -0.1 "number"
  option --validation 2 "number"
  option --size -1 "from 0 to"
  option --checkpoint-seconds -1 "number"
  option --model resnet "resnet1d18|bilstm"
  option --head middle "flatten|last"
  option --scaling both "z-score"
  option --band 40 "LOW,HIGH"
  option --band 40,1 "LOW,HIGH"
  option --band nan,40 "LOW,HIGH"
  option --split thirds "stratified"
  option --select luck "auroc"
  option --keep all "selected"
  option --protocol other "study"
  option --missing what "fill"
  option --resampling fast "decimate"
  check "nothing was made" test ! -e out
  refuse "--sizes 1" 2 "--sizes|1|from 2" "$ecg" compare --sizes 1
  refuse "--sizes 0" 2 "--sizes|0|from 2" "$ecg" compare --sizes 0
  refuse "--sizes 8,8" 2 "--sizes|8|twice" "$ecg" compare --sizes 8,8
  refuse "--sizes with nothing" 2 "--sizes" "$ecg" compare --sizes
  refuse "--seeds 0" 2 "--seeds|0|from 1" "$ecg" compare --seeds 0
  refuse "--folds 0" 2 "--folds|0|from 1" "$ecg" compare --folds 0
  refuse "--resamples 1" 2 "--resamples|1|from 100" "$ecg" compare --resamples 1
  refuse "a model twice" 2 "--model|gru|twice" "$ecg" compare --model gru,gru
  refuse "an unknown model" 2 "--model|what" "$ecg" compare --model gru,what
  refuse "--leads 0" 2 "--leads|0" "$ecg" summary --leads 0
  refuse "an unknown option" 2 "--wat" "$ecg" train set --wat
  refuse "an unknown option of compare" 2 "--lrr" "$ecg" compare --lrr 1
  refuse "an unknown subcommand" 2 "compar" "$ecg" compar
  refuse "no subcommand" 2 "subcommand" "$ecg"
  refuse "predict without a model" 2 "--model" "$ecg" predict set/r00
  refuse "predict without a record" 2 "RECORD" "$ecg" predict --model m.safetensors
  refuse "export without a model" 2 "--model" "$ecg" export --onnx net.onnx
  refuse "export of no file" 1 "m.safetensors|No such file" "$ecg" export --model m.safetensors --onnx net.onnx
  refuse "data without a folder" 2 "DIR" "$ecg" data
  refuse "--keep-head alone" 2 "--keep-head|--init" "$ecg" train set --keep-head --out out
  refuse "folds twice over" 1 "--split folds|--folds" "$ecg" compare --up set --down set --split folds --folds 2 \
    --model gru --length 48 --band none --out out
  train_command set --split folds
  refuse "no folds there" 1 "--split folds|r00|no fold" "${train[@]}"
  train_command set --band 1,60
  refuse "a band beyond the rate" 1 "set: no record is left|12 dropped|set/r00.hea|60" "${train[@]}"
  check "nothing was made" test ! -e out
  accept_train "--threads 0 is all cores" set --threads 0
}

run_cases
