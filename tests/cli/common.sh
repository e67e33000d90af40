# tests/cli/common.sh: sourced by the scripts beside it.  SCRIPT ECG ROOT [CASE]
# A case is a bash function case_NAME; each runs, or the one named. Checks go on after a failure, and count.
set -uo pipefail
script=$(realpath "$0") ecg=$(realpath "$1") root=$(realpath "$2") only=${3:-}
data=$root/examples/data
work=$(mktemp -d "${TMPDIR:-/tmp}/ecg_cli_XXXXXX") || exit 1
work=$(realpath "$work")
trap 'chmod -R u+rwX "$work" 2> /dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C
failed=0 checks=0

fail() {
  echo "FAILED: $*"
  failed=$((failed + 1))
}
# check WHAT COMMAND...: the command has to succeed.
check() {
  checks=$((checks + 1))
  "${@:2}" || fail "$1"
}

# quiet COMMAND...: leaves its status in $status, its outputs in $work/stdout and $work/stderr.
quiet() {
  timeout -k 5 300 "$@" > "$work/stdout" 2> "$work/stderr" < /dev/null
  status=$?
}

# accept WHAT COMMAND...: exit status 0, and nothing on stderr but warnings.
accept() {
  checks=$((checks + 1))
  quiet "${@:2}"
  [[ $status == 0 ]] && ! grep -qv '^ecg: warning: ' "$work/stderr" && return 0
  fail "$1: status $status"
  sed 's/^/    /' "$work/stderr" | head -20
  return 1
}

# halves: the temporary files below the working folder, but for those of processes that are at work.
halves() {
  local file pid
  find . -name '*.tmp.*' | while read -r file; do
    pid=${file##*.tmp.}
    kill -0 "${pid%%.*}" 2> /dev/null || echo "$file"
  done
}
# refuse WHAT STATUS 'TEXT|TEXT...' COMMAND...: that status, one line on stderr beside warnings, which holds each
# TEXT; no temporary file is left.
refuse() {
  local what=$1 wanted=$2 texts text line
  IFS='|' read -r -a texts <<< "$3"
  checks=$((checks + 1))
  quiet "${@:4}"
  line=$(grep -v '^ecg: warning: ' "$work/stderr")
  [[ $status == "$wanted" ]] || fail "$what: status $status, wanted $wanted: ${line:0:600}"
  [[ -n $line && $line != *$'\n'* && $line == "ecg: "* ]] || fail "$what: not one line on stderr: ${line:0:2000}"
  for text in "${texts[@]}"; do
    [[ $line == *"$text"* ]] || fail "$what: \"$text\" is not in: ${line:0:600}"
  done
  text=$(halves)
  [[ -z $text ]] || fail "$what: left $text"
}

# subset FROM TO COUNT: the first COUNT records of a data folder; the signals are linked.
subset() {
  mkdir -p "$2"
  head -n $(($3 + 1)) "$1/labels.csv" > "$2/labels.csv"
  local entry
  for entry in "$1"/*/; do ln -sfn "${entry%/}" "$2/$(basename "$entry")"; done
}

leads=(I II III aVR aVL aVF V1 V2 V3 V4 V5 V6)
# header NAME SAMPLES [FORMAT GAIN]: a header of 12 leads at 100 Hz, without checksums.
header() {
  echo "$1 12 100 $2"
  local lead
  for lead in "${leads[@]}"; do echo "$1.dat ${3:-16} ${4:-1000(0)/mV} 16 0 $lead"; done
}
# small_set FOLDER COUNT [SAMPLES]: records r00, r01, ... cut from a real one (100 Hz, 12 leads), in which class
# X alternates, and Y half as fast.
small_set() {
  local i name samples=${3:-64} from=$data/ptb-xl-mini/records100/00000/00001_lr.dat
  mkdir -p "$1"
  echo filename,X,Y > "$1/labels.csv"
  for ((i = 0; i < $2; i++)); do
    name=$(printf 'r%02d' "$i")
    dd if="$from" of="$1/$name.dat" bs=24 skip=$((i * 25)) count="$samples" status=none
    header "$name" "$samples" > "$1/$name.hea"
    echo "$name,$((i % 2)),$((i / 2 % 2))" >> "$1/labels.csv"
  done
}
# train_command OPTIONS...: puts into $train a training that takes moments on such a set; OPTIONS replace its own.
train_command() {
  local -A options=([--out]=out [--model]=resnet1d18 [--width]=2 [--fc]=4 [--hidden]=2 [--length]=48 [--band]=none
    [--epochs]=1 [--batch]=8 [--threads]=1 [--test]=0.25 [--validation]=0)
  local option
  for option in "$@"; do [[ $option != --* ]] || unset "options[$option]"; done
  train=("$ecg" train "$@")
  for option in "${!options[@]}"; do train+=("$option" "${options[$option]}"); done
}

# run_cases: all functions case_NAME in the order of the script, or the one asked for.
run_cases() {
  local name
  for name in $(grep -oE '^case_[a-z0-9_]+' "$script"); do
    [[ -z $only || $name == "case_$only" ]] || continue
    echo "${name#case_}"
    rm -rf "$work/${name#case_}"
    mkdir -p "$work/${name#case_}"
    cd "$work/${name#case_}" || exit 1
    "$name"
    cd "$work" || exit 1
  done
  finish
}
finish() {
  echo "$checks checks, $failed failed"
  ((checks > 0 && failed == 0))
  exit
}
