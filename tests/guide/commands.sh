#!/usr/bin/env bash
# tests/guide/commands.sh: the guide's shell commands, in an empty folder with a clone beside them.
#   commands.sh install     the first page's, with -O0 in place of -O3 -march=native: a minute, by hand
#   commands.sh study       the last page's, whole: nine minutes, by hand
#   commands.sh names ECG   the last page's: each command and option of ecg is one of this program's
# Packages are not installed: who runs this has them.
set -euo pipefail
root=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d "${TMPDIR:-/tmp}/cordis_guide_XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# blocks LANGUAGE PAGE: the blocks of that language, each in a file LANGUAGE-NUMBER.
blocks() {
  awk -v language="$1" '
    $0 == "```" language { inside = 1; file = sprintf("%s-%02d", language, ++n); next }
    /^```$/ { inside = 0 }
    inside { print > file }' "$root/examples/guide/$2"
}

case ${1:-} in
  install)
    ln -s "$root" cordis
    for language in sh cpp cmake; do blocks $language README.md; done
    mv cpp-01 hello.cpp
    sed 's/-O3 -march=native/-O0/' cmake-01 > CMakeLists.txt
    ;;
  study)
    git -C "$root" archive HEAD | tar x
    blocks sh 06_the_study.md
    shopt -s expand_aliases
    ;;
  names)
    blocks sh 06_the_study.md
    known=0
    while read -r _ command words; do
      "$2" "$command" --help > help
      for word in $words; do
        [[ $word != -* ]] || grep -qE -- "(^|[ ,])$word([ ,:]|\$)" help || { echo "ecg $command has no $word"; exit 1; }
      done
      known=$((known + 1))
    done < <(grep -h '^ecg ' sh-*)
    echo "$known commands, each as ecg knows it"
    ((known > 0))
    exit
    ;;
  *) echo "install, study or names ECG, not '${1:-}'" >&2; exit 2 ;;
esac
for block in sh-*; do
  grep -q '^apt-get' "$block" && continue
  sed -i 's/-O3 -march=native/-O0/' "$block"
  echo "== $(cat "$block")"
  # shellcheck disable=SC1090
  source "./$block"
done
[[ $1 == study || -s hello.safetensors ]]
