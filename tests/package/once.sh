#!/usr/bin/env bash
# tests/package/once.sh: a compiler launcher that compiles a program text once.  once.sh COMPILER ARGUMENTS... -o OBJECT -c SOURCE
# Where the preprocessor has made the same tokens before, for the same compiler and the same flags but for where headers
# lie, the object of then is taken, from the folder ONCE; so ways to come by the same headers are not compiled again.
set -euo pipefail
arguments=("$@")
preprocess=() flags=() object='' depfile=''
while (($# > 0)); do
  case $1 in
    -o) object=$2; shift ;;
    -MF) depfile=$2; shift ;;
    -MT) shift ;;
    -MD | -c) ;;
    -I | -isystem) preprocess+=("$1" "$2"); shift ;;
    -I* | -pthread | *.cpp) preprocess+=("$1") ;;
    *) preprocess+=("$1"); flags+=("$1") ;;
  esac
  shift
done
tokens=$("${preprocess[@]}" -E -P | tr -s '[:space:]' '\n' | sha256sum)
key=$(printf '%s\n' "$tokens" "${flags[0]##*/}" "$(printf '%s\n' "${flags[@]:1}" | sort)" | sha256sum | cut -c1-32)
if [[ -e $ONCE/$key ]]; then
  cp "$ONCE/$key" "$object"
  [[ -z $depfile ]] || : > "$depfile"
  echo "$object" >> "$ONCE/taken"
else
  "${arguments[@]}"
  cp "$object" "$ONCE/$key"
  echo "$object" >> "$ONCE/compiled"
fi
