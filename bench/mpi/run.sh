#!/usr/bin/env bash
# bench/mpi/run.sh: a training step by several ranks of one thread against one rank of one thread, and of as many
# threads, in turn in one run, ending with a table.  bench/mpi/run.sh [ranks [rounds [steps]]]  (default: 2 10 5)
set -euo pipefail
cd "$(dirname "$0")/../.."
source cmake/setup.sh
setup g++ cmake ninja-build:ninja libeigen3-dev:/usr/include/eigen3 libbenchmark-dev:/usr/include/benchmark \
  openmpi-bin:mpirun libopenmpi-dev:mpicxx
say "building scaling_bench"
cmake --preset release -B build/bench -G Ninja -DCORDIS_TESTS=OFF -DCORDIS_EXAMPLES=OFF -DCORDIS_MPI=ON > /dev/null
cmake --build build/bench --target scaling_bench
# For Open MPI: a container's root, ranks on more than one processor each (one of them runs several threads).
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
  OMPI_MCA_hwloc_base_binding_policy=none
say "measuring; nothing else should run on this machine"
exec mpirun -n "${1:-2}" build/bench/bench/scaling_bench "${2:-10}" "${3:-5}"
