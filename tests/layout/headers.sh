#!/usr/bin/env bash
# tests/layout/headers.sh: every header compiles alone, without a warning.  headers.sh ROOT INCLUDES COMPILER...
# INCLUDES: the folders of Eigen and, where they are there, HDF5, MPI, NCCL and ONNX, with colons between; the rooms of
# those that are not are left out. By hand, with CUDA's folder too: FLAGS=-DCORDIS_CUDA headers.sh ..., as for GPUs.
set -uo pipefail
root=$1 includes=$2
shift 2
alone() {  # ROOT INCLUDES COMPILER HEADER
  echo "#include <$4>" | "$3" -x c++ -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
    ${FLAGS:-} -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -I"$1/include" -idirafter ${2//:/ -idirafter } - ||
    { echo "FAILED: $4 alone under $3"; return 1; }
}
export -f alone
mapfile -t headers < <(cd "$root/include" && find cordis -name '*.hpp' | sort)
IFS=: read -ra folders <<< "$includes"
for header in hdf5.h mpi.h nccl.h onnx/onnx_pb.h; do
  room=${header%%[./]*} there=
  for folder in "${folders[@]}"; do [[ ! -e $folder/$header ]] || there=yes; done
  [[ -z $there ]] || continue
  echo "no $header: cordis/$room is not checked"
  mapfile -t headers < <(printf '%s\n' "${headers[@]}" | grep -v "^cordis/$room/")
done
checked=0 failed=0
for compiler in "$@"; do
  command -v "$compiler" > /dev/null || { echo "$compiler is not here: not checked with it"; continue; }
  printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'alone "$@"' - "$root" "$includes" "$compiler" {} || failed=1
  checked=$((checked + ${#headers[@]}))
done
echo "$checked compilations"
((checked > 0 && failed == 0))
