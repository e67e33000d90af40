#!/usr/bin/env bash
# tests/layout/rules.sh: the rules of the house that a script can hold.  rules.sh [ROOT]
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}/include/cordis" || exit 1
failed=0
complain() { echo "$*"; failed=1; }

# Each folder includes only those on its own line and before.
declare -A may=(
  [core]="core" [contract]="core contract" [cpu]="core contract cpu" [cuda]="core contract cuda" [compiled]="core contract cpu compiled"
  [autograd]="core cpu cuda autograd" [op]="core contract cpu cuda compiled autograd op"
  [io]="core cpu autograd nn io" [nn]="core contract cpu autograd op nn" [optim]="core contract cpu cuda compiled autograd nn optim"
  [models]="core cpu autograd op nn models" [data]="core cuda data"
  [train]="core cpu cuda autograd op nn optim io data train"
  [mpi]="core contract cpu autograd op nn optim data train mpi" [nccl]="core cuda mpi nccl"
  [ecg]="core autograd op nn optim io data train models ecg" [hdf5]="core ecg hdf5"
  [onnx]="core contract nn io models onnx")
for folder in */; do
  folder=${folder%/}
  [[ -n ${may[$folder]:-} ]] || { complain "$folder: a room that this script does not know"; continue; }
  while IFS=: read -r file line; do
    target=$(sed -E 's|.*<cordis/([^/>]+)/.*|\1|' <<<"$line")
    [[ " ${may[$folder]} " == *" $target "* ]] || complain "$file: $folder may not include $target"
  done < <(grep -rnE '#include <cordis/[a-z_0-9]+/' "$folder" | sed -E 's/^([^:]+):[0-9]+:/\1:/')
done

while read -r file; do
  lines=$(wc -l < "$file")
  ((lines <= 300)) || complain "$file: $lines lines, at most 300"
  head -1 "$file" | grep -q "^// cordis/$file: " || complain "$file: the first line is not its path and purpose"
  grep -q '^namespace cordis::inline CORDIS_ABI' "$file" || [[ $file == cordis.hpp ]] ||
    complain "$file: does not open namespace cordis::inline CORDIS_ABI"
  [[ $file == cordis.hpp || $file =~ ^(cpu|compiled|contract|ecg|hdf5|mpi|nccl|onnx)/ ||
    ($file == cuda/* && $file != cuda/runtime.hpp && $file != cuda/graph.hpp) ]] || grep -q "<cordis/$file>" cordis.hpp ||
    complain "$file: missing from the umbrella cordis.hpp"
done < <(find . -name '*.hpp' | sed 's|^\./||' | sort)

# The core is free of everything but the standard library and Eigen, whose products live in one header; HDF5 is that of
# a room which nothing but its users includes.
while IFS=: read -r file include; do
  [[ ($file == cpu/* && $include == *'<Eigen'*) || ($file == hdf5/* && $include == *'<hdf5.h>'*) ||
    ($file == mpi/* && $include == *'<mpi.h>'*) || ($file == onnx/* && $include == *'<onnx/onnx_pb.h>'*) ||
    ($file == nccl/* && $include =~ \<(nccl|cuda_runtime_api)\.h\>) ]] || complain "$file: $include"
done < <(grep -rnE '#include <(Eigen|nlohmann|CLI|hdf5|mpi|nccl|onnx|google|cuda_)' . | sed -E 's|^\./([^:]+):[0-9]+:|\1:|')
grep -nE '<cordis/(hdf5|onnx)/' cordis.hpp && complain "cordis.hpp: includes hdf5 or onnx, which are not everybody's"
# Kernels are started by launch(), say how many threads they are for, and stay small files.
while read -r file; do
  lines=$(wc -l < "$file")
  ((lines <= 300)) || complain "$file: $lines lines, at most 300"
  head -1 "$file" | grep -q "^// ${file#../../}: " || complain "$file: the first line is not its path and purpose"
  grep -n '<<<' "$file" && complain "$file: a launch that is not launch()"
  tr '\n' ' ' < "$file" | grep -o '__global__ *void [^ ]*' | grep -v '__launch_bounds__' &&
    complain "$file: a kernel without __launch_bounds__"
  [[ ${file##*/} == launch.cuh ]] || { grep -n 'atomicAdd' "$file" && complain "$file: an atomic sum"; }
done < <(find ../../kernels -name '*.cuh' -o -name '*.cu' -o -name '*.cpp' -path '*kernels*' -o -name '*.hpp' -path '*kernels*' | sort)
# One version.
version=$(sed -n 's/^#define CORDIS_VERSION_[A-Z]* //p' config.hpp | paste -sd.)
grep -q "\"version\": \"$version\"" ../../cmake/vcpkg/cordis/vcpkg.json ||
  complain "cmake/vcpkg/cordis/vcpkg.json: not version $version, which config.hpp tells"
exit $failed
