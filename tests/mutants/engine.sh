#!/usr/bin/env bash
# tests/mutants/engine.sh: which test catches each mistake of engine.txt.  engine.sh WORK TABLE [NAME...]
# All mistakes are compiled into one set of CPU test programs, and CORDIS_MUTANT chooses one by its number when they run:
# nothing is compiled twice. A room's tests are compiled as one file, when they are first needed. Each mistake meets the tests
# of its own room (op's for a kernel); those that pass meet the other rooms', until one fails. WORK gets a copy of the tree and its build, and
# may be used again. TABLE gets the results. Exits with 1 where a mistake is caught by nothing.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[[ $# -ge 2 ]] || { sed -n '2,6s/^# //p' "$0"; exit 2; }
mkdir -p "$1"
work=$(realpath "$1") table=$(realpath "$2")
shift 2
names=("$@")
rooms=(op cpu optim autograd nn data train models ecg)
tree=$work/tree build=$work/build

# A file for the room that includes its tests, each in a namespace of its own.
whole() {
  local file at=0
  {
    grep -h '^#include' "$root/tests/$1/"*_test.cpp | sort -u
    for file in "$root/tests/$1/"*_test.cpp; do
      echo "namespace file_$((at += 1)) {"
      echo "#include \"${file##*/}\""
      echo "}"
    done
  } > "$work/whole"
  cmp -s "$work/whole" "$tree/tests/$1/whole_test.cpp" || cp "$work/whole" "$tree/tests/$1/whole_test.cpp"
  echo "cordis_tests($1 whole)" > "$tree/tests/$1/CMakeLists.txt"
}
program() { echo "$build/tests/$1/cordis_$1_tests"; }

# caught ROOM NUMBER: how the room's tests end with that mistake; nothing where all pass.
caught() {
  local status=0 where
  (ulimit -v 6000000 -t 300 && CORDIS_MUTANT=$2 timeout 1800 "$(program "$1")" --abort-after=1 --no-colors=1) \
    > "$work/log" 2>&1 || status=$?
  ((status)) || return 0
  where=$(sed -n 's/^ *TEST CASE: *//p' "$work/log" | head -1)
  ((status != 124 && status != 137 && status != 152)) || where="no end: $where"
  echo "$1: ${where:-status $status}"
}

# make_rooms ROOM...: their programs, which pass without a mistake.
make_rooms() {
  local targets=("${@/#/cordis_}") room failed
  cmake --build "$build" --target "${targets[@]/%/_tests}" > "$work/log" 2>&1 ||
    { grep -A5 error "$work/log" | head -40; exit 2; }
  for room in "$@"; do
    failed=$(caught "$room" 0)
    [[ -z $failed ]] || { echo "without a mistake: $failed"; tail -20 "$work/log"; exit 2; }
  done
}

mkdir -p "$tree"
(cd "$root" && git ls-files -co --exclude-standard -z | tar -c --null -T -) | tar -x -C "$tree"
python3 "$root/tests/mutants/schemata.py" "$root/tests/mutants/engine.txt" "$tree" > "$work/mutants"
for room in "${rooms[@]}"; do
  [[ $room == autograd ]] || whole "$room"  # whose files have a sum of their own, and take little time
done
[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(cut -d ' ' -f 3 "$work/mutants")
cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O1" -DCORDIS_CUDA=OFF \
  -DCORDIS_MPI=OFF -DCORDIS_EXAMPLES=OFF -DCORDIS_BENCH=OFF -DCORDIS_WERROR=OFF \
  "-DCORDIS_TEST_ROOMS=$(IFS=';'; echo "${rooms[*]}")" > "$work/log" || { cat "$work/log"; exit 2; }

declare -A number own by seconds
while read -r n file name; do
  number[$name]=$n own[$name]=$(cut -d / -f 3 <<< "$file")
  [[ ${own[$name]} != cpu ]] || own[$name]=op  # whose tests are the kernels'
done < "$work/mutants"
try() {  # MISTAKE ROOM
  local begun=$SECONDS
  by[$1]=$(caught "$2" "${number[$1]}")
  seconds[$1]=$((${seconds[$1]:-0} + SECONDS - begun))
  echo "$1"$'\t'"${by[$1]:-$2: passes}"
}

for name in "${names[@]}"; do
  [[ -n ${own[$name]:-} ]] || { echo "$name: unknown"; exit 2; }
done
mapfile -t first < <(for name in "${names[@]}"; do echo "${own[$name]}"; done | sort -u)
make_rooms "${first[@]}"
for name in "${names[@]}"; do try "$name" "${own[$name]}"; done
for room in "${rooms[@]}"; do
  mapfile -t left < <(for name in "${names[@]}"; do
    [[ -n ${by[$name]} || ${own[$name]} == "$room" ]] || echo "$name"
  done)
  [[ ${#left[@]} -gt 0 ]] || continue
  [[ " ${first[*]} " == *" $room "* ]] || make_rooms "$room"
  for name in "${left[@]}"; do try "$name" "$room"; done
done
printf 'mistake\tcaught by\tseconds\n' > "$table"
missed=0
for name in "${names[@]}"; do
  printf '%s\t%s\t%s\n' "$name" "${by[$name]:--}" "${seconds[$name]}" >> "$table"
  [[ -n ${by[$name]} ]] || missed=$((missed + 1))
done
echo "${#names[@]} mistakes, $missed caught by nothing"
((missed == 0))
