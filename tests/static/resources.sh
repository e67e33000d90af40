#!/usr/bin/env bash
# tests/static/resources.sh: compiles every kernel for every device, warnings and spills being errors, and compares
# registers, shared memory and occupancy with the checked-in table.  resources.sh NVCC PROGRAM [--write]
# PROGRAM is what resources.cpp became. Another nvcc than the table's gives other registers: then only spills and
# warnings are held against it, and the test counts as skipped (77).
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
nvcc=$1
program=$2
table=$root/tests/static/resources.tsv
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
version=$("$nvcc" --version | sed -n 's/.*, V\([0-9.]*\)$/\1/p')

compile() {
  "$nvcc" -std=c++20 -O3 -I"$root/include" -DCORDIS_CUDA --expt-relaxed-constexpr -cubin "$root/kernels/cordis_cuda.cu" \
    -o "$folder/$1.cubin" -arch="sm_$1" --Werror all-warnings \
    -Xptxas -v,--warn-on-spills,--warn-on-local-memory-usage >"$folder/$1" 2>&1 && return
  echo "sm_$1: nvcc fails"
  grep -v 'ptxas info\|bytes stack frame' "$folder/$1" | head -20
  return 1
}
failed=0
for arch in 75 80 86 89 90 100 120; do
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || failed=1; done
  compile "$arch" &
done
while (($(jobs -rp | wc -l) > 0)); do wait -n || failed=1; done
((failed == 0)) || exit 1

if [[ ${3:-} == --write ]]; then
  "$program" --write "$table" "$folder"/{75,80,86,89,90,100,120} && echo "$version" >"$root/tests/static/nvcc-version"
  exit
fi
if [[ $version != "$(cat "$root/tests/static/nvcc-version")" ]]; then
  echo "no spills and no warnings; the table is of nvcc $(cat "$root/tests/static/nvcc-version"), this is $version"
  exit 77
fi
"$program" "$table" "$folder"/{75,80,86,89,90,100,120}
