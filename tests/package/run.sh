#!/usr/bin/env bash
# tests/package/run.sh: a program of two files uses Cordis in every way that the README names, without a warning.
#   run.sh ROOT EIGEN_INCLUDE [CASE [ARGUMENTS]]
# Each way meets another compiler and standard; with MATRIX=full every compiler and standard, where a program text is
# compiled once for all ways (once.sh). clang++ is left out where it is not installed. By hand alone (by_hand_NAME): cuda
# BUILD, compiled BUILD; BUILD a build folder with CORDIS_CUDA=ON, or CORDIS_COMPILED=ON.
set -uo pipefail
root=$(realpath "$1") eigen=$2 consumer=$(realpath "$1")/tests/package/consumer
work=$(mktemp -d "${TMPDIR:-/tmp}/cordis_package_XXXXXX")
trap 'rm -rf "$work"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
failed=0
launcher=()
if [[ ${MATRIX:-} == full ]]; then
  export ONCE=$work/once
  mkdir "$ONCE"
  launcher=("$consumer/../once.sh")
fi

fail() { echo "FAILED: $*"; failed=1; }
quiet() { "$@" > "$work/log" 2>&1 || { tail -30 "$work/log"; return 1; }; }
has() { command -v "$1" > /dev/null || { echo "no $1 here: left out"; return 1; }; }

# g++ 12 takes intrinsics' undefined registers for uninitialised variables (GCC bug 105593), and sees strings overlap
# themselves (105651).
flags_of() { [[ $1 == *clang* ]] && echo "$warnings" || echo "$warnings -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict"; }

install_once() {
  [[ -d $work/prefix ]] && return
  quiet cmake -S "$root" -B "$work/install" -DCORDIS_TESTS=OFF -DCORDIS_EXAMPLES=OFF -DCORDIS_BENCH=OFF -DCORDIS_CUDA=OFF \
    -DCORDIS_MPI=OFF -DCORDIS_HDF5=OFF -DCORDIS_ONNX=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix" &&
    quiet cmake --install "$work/install"
}
# The Debian package's files under $work/deb.
deb_once() {
  [[ -d $work/deb ]] && return
  install_once && (cd "$work/install" && quiet cpack -G DEB) && dpkg-deb -x "$work"/install/libcordis-dev_*_all.deb "$work/deb"
}

# by_cmake WAY COMPILER STANDARD FLAGS [CMAKE OPTIONS...]
by_cmake() {
  local build=$work/$1-$2-$3
  rm -rf "$build"
  quiet cmake -S "$consumer" -B "$build" -DWAY="$1" -DCORDIS_SOURCE="$root" -DCMAKE_CXX_COMPILER="$2" \
    -DCMAKE_CXX_STANDARD="$3" -DCMAKE_CXX_EXTENSIONS=OFF -DCMAKE_CXX_COMPILER_LAUNCHER="${launcher[*]}" \
    -DCMAKE_CXX_FLAGS="$4 $(flags_of "$2")" "${@:5}" || { fail "$1, $2: configuring"; return; }
  quiet cmake --build "$build" -j2 || { fail "$1, $2, C++$3: building"; return; }
  "$build/consumer" || fail "$1: running"
}

# by_compiler NAME COMPILER STANDARD FLAGS...: with the program's other file, where $also names one.
by_compiler() {
  local standard=$3 file good=yes parts=() objects=()
  [[ $2 != clang* ]] || standard=${3/23/2b}
  for file in main data ${also:-}; do
    # shellcheck disable=SC2046
    "${launcher[@]}" "$2" -std=c++"$standard" -O0 $(flags_of "$2") "${@:4}" -o "$work/$file.o" -c "$consumer/$file.cpp" \
      &> "$work/$file.log" &
    parts+=("$!:$file") objects+=("$work/$file.o")
  done
  for file in "${parts[@]}"; do wait "${file%:*}" || { tail -30 "$work/${file#*:}.log"; good=; }; done
  [[ -n $good ]] || { fail "$1, $2, C++$3: compiling"; return; }
  quiet "$2" "${objects[@]}" -pthread -o "$work/alone" || { fail "$1, $2, C++$3: linking"; return; }
  "$work/alone" || fail "$1: running"
}

# by_pkg_config PREFIX COMPILER STANDARD
by_pkg_config() {
  local flags
  flags=$(PKG_CONFIG_PATH=$1/share/pkgconfig pkg-config --cflags --libs cordis) || { fail "pkg-config"; return; }
  # shellcheck disable=SC2086
  by_compiler pkg-config "$2" "$3" ${flags//-I$eigen/-isystem $eigen}
}

# each COMPILER STANDARD COMMAND FIRST [ARGUMENTS...]: COMMAND FIRST, that compiler and standard or each of all, ARGUMENTS.
each() {
  local compiler standard
  if [[ ${MATRIX:-} != full ]]; then
    has "$1" && "${@:3:2}" "$1" "$2" "${@:5}"
    return
  fi
  for compiler in g++ clang++; do
    has $compiler || continue
    for standard in 20 23; do
      printf '%s %s: ' $compiler $standard
      "${@:3:2}" $compiler $standard "${@:5}"
    done
  done
}

case_find_package() {
  install_once || { fail "installing"; return; }
  each g++ 20 by_cmake find_package -O0 -DCMAKE_PREFIX_PATH="$work/prefix"
}
# Versions and components, found or refused with a reason, of a copy whose header tells a later version.
case_components() {
  local there=() work=$work/later  # an installation of its own
  local root=$work/tree
  mkdir -p "$root" && cp -r "$consumer"/../../../{CMakeLists.txt,LICENSE,cmake,include} "$root" &&
    sed -i 's/^#define CORDIS_VERSION_PATCH .*/#define CORDIS_VERSION_PATCH 3/' "$root/include/cordis/config.hpp"
  install_once || { fail "installing"; return; }
  ! has pkg-config || [[ $(PKG_CONFIG_PATH=$work/prefix/share/pkgconfig pkg-config --modversion cordis) == *.3 ]] || fail "pkg-config's version"
  ! compgen -G "/usr/include/hdf5/serial/hdf5.h" > /dev/null || there+=(hdf5)
  ! command -v mpicxx > /dev/null || there+=(mpi)
  quiet cmake -S "$consumer/../components" -B "$work/components" -DCMAKE_PREFIX_PATH="$work/prefix" \
    "-DTHERE=$(IFS=';'; echo "${there[*]}")" || fail "components"
  echo "here are also: ${there[*]:-none}"
  if quiet cmake -S "$consumer" -B "$work/refused" -DWAY=find_package -DCOMPONENTS=cuda -DCMAKE_PREFIX_PATH="$work/prefix" \
    > /dev/null; then
    fail "component cuda was found, which is not installed"
  fi
  grep -q "CORDIS_CUDA=ON" "$work/log" || fail "no reason in $(cat "$work/log")"
}
case_add_subdirectory() { each g++ 23 by_cmake add_subdirectory "-O0 -fno-rtti"; }
case_fetch_content() { each clang++ 20 by_cmake FetchContent -O0; }
case_pkg_config() {
  has pkg-config || return
  install_once || { fail "installing"; return; }
  each clang++ 23 by_pkg_config "$work/prefix"
}
# Two files include all of Cordis.
case_compiler_alone() {
  also=whole each g++ 20 by_compiler "the compiler alone" -I"$root/include" -isystem "$eigen" -pthread
}

# The preprocessor makes the same of the one file as of the tree: the same program.
case_single_header() {
  has python3 || return
  mkdir -p "$work/single/cordis/data" && "$root/cmake/single_header.py" "$work/single/cordis_single.hpp" ||
    { fail "writing it"; return; }
  echo '#include <cordis_single.hpp>' | tee "$work/single/cordis/cordis.hpp" > "$work/single/cordis/data/dataset.hpp"
  local compiler flags
  for compiler in g++ clang++; do
    has $compiler || continue
    for flags in "" -DCORDIS_CUDA; do
      for from in "$root/include" "$work/single"; do
        # shellcheck disable=SC2086
        $compiler -std=c++20 $flags -E -P -I"$from" -isystem "$eigen" "$consumer/whole.cpp" |
          tr -s '[:space:]' '\n' > "$work/tokens"
        [[ $from == "$work/single" ]] || mv "$work/tokens" "$work/tree"
      done
      (($(wc -l < "$work/tree") > 100000)) || fail "$compiler $flags: the preprocessor"
      cmp "$work/tree" "$work/tokens" || fail "$compiler $flags: the single header is another program"
    done
  done
  [[ ${MATRIX:-} == full ]] || return
  same_bytes g++ 20
  ! has clang++ || same_bytes clang++ 23
}
# same_bytes COMPILER STANDARD: what the program prints and writes, with the tree and with the single header.
same_bytes() {
  local from
  for from in "$root/include" "$work/single"; do
    by_compiler "single header" "$1" "$2" -I"$from" -isystem "$eigen" -pthread
    "$work/alone" "$work/weights-${from##*/}" > "$work/printed-${from##*/}" || fail "single header: running"
    launcher=()  # the single header is compiled
  done
  launcher=("$consumer/../once.sh")
  cmp "$work/printed-include" "$work/printed-single" && cmp "$work/weights-include" "$work/weights-single" ||
    fail "$1 C++$2: the single header's program gives other bytes"
}

# The Debian package holds what is installed, and in MATRIX=full programs are built from it.
case_debian() {
  has dpkg-deb || return
  deb_once || { fail "cpack"; return; }
  diff -r -x doc "$work/prefix" "$work/deb/usr" || fail "the package holds other files"
  dpkg-deb -f "$work"/install/libcordis-dev_*.deb Depends | grep -q "^libeigen3-dev (>= 3.4)$" || fail "its dependencies"
  grep -q "^License: Expat" "$work/deb/usr/share/doc/libcordis-dev/copyright" || fail "no licence"
  [[ -z $(find "$work/deb" -type f ! -perm 644 -o -type d ! -perm 755) ]] || fail "permissions"
  [[ ${MATRIX:-} == full ]] || return
  each g++ 20 by_cmake find_package -O0 -DCMAKE_PREFIX_PATH="$work/deb/usr"
  each clang++ 20 by_pkg_config "$work/deb/usr"
}

# Files for other processors do not link with each other, and say why.
case_other_processors() {
  [[ $(uname -m) == x86_64 ]] || { echo "not x86-64: left out"; return; }
  echo '#include "data.hpp"
    int main() { return make_data(1).x.rank(); }' > "$work/main.cpp"
  echo '#include <cordis/cpu/accumulate.hpp>' > "$work/sum.cpp"
  local part compile=(g++ -std=c++20 -O0 -I"$consumer" -I"$root/include" -isystem "$eigen")
  for part in "$work/main":x86-64-v2 "$consumer/data":x86-64-v3; do
    quiet "${compile[@]}" -march="${part#*:}" -c "${part%:*}.cpp" -o "$work/$(basename "${part%:*}").o" ||
      { fail "compiling $part"; return; }
  done
  if g++ "$work/main.o" "$work/data.o" -pthread -o "$work/mixed" 2> "$work/log"; then
    fail "files for x86-64-v2 and -v3 were linked"
  else
    grep -q "undefined reference to .make_data" "$work/log" || fail "another error: $(head -5 "$work/log")"
    grep -q "make_data\[abi:cpu_avx2\]" <(nm -C "$work/data.o") || fail "the name does not tell the processor"
  fi
  # For GPUs the kernels' library is one for all processors, so that names do not tell them.
  for part in 2a:2 2b:2 3:3 4:4; do
    quiet "${compile[@]}" -DCORDIS_CUDA -march=x86-64-v${part#*:} -c "$work/sum.cpp" -o "$work/${part%:*}.o" ||
      { fail "compiling for CUDA, $part"; return; }
  done
  quiet g++ -r "$work/2a.o" "$work/2b.o" -o "$work/joined.o" || fail "files for the same processor are refused"
  for part in 2a:3 2a:4 3:4; do
    if g++ -r "$work/${part%:*}.o" "$work/${part#*:}.o" -o "$work/joined.o" 2> "$work/log"; then
      fail "files of a CUDA build for x86-64-v${part%:*} and -v${part#*:} were linked"
    else
      grep -q "multiple definition of .cordis_cuda_build_needs_one_march" "$work/log" ||
        fail "another error: $(cat "$work/log")"
    fi
  done
}

# by_hand_compiled BUILD: the program on the compiled kernels that the build, which was made for this machine, installs.
by_hand_compiled() {
  quiet cmake --install "$1" --prefix "$work/compiled" || { fail "installing"; return; }
  local march build=$work/compiled-consumer
  for march in native x86-64-v2; do
    quiet cmake -S "$consumer" -B "$build-$march" -DWAY=find_package -DCOMPONENTS=compiled \
      -DCMAKE_PREFIX_PATH="$work/compiled" -DCMAKE_CXX_FLAGS="-O0 -march=$march $(flags_of g++)" ||
      { fail "configuring"; return; }
  done
  quiet cmake --build "$build-native" -j2 && "$build-native/consumer" || fail "building"
  if quiet cmake --build "$build-x86-64-v2" -j2 > /dev/null; then fail "a program for x86-64-v2 was linked"; fi
  grep -q "undefined reference to .cordis::compiled_" "$work/log" || fail "another error: $(tail -5 "$work/log")"
}

# by_hand_cuda BUILD: every component, from what the build installs; the programs run without a GPU as well.
by_hand_cuda() {
  local build=$work/cuda-consumer name
  quiet cmake --install "$1" --prefix "$work/cuda" || { fail "installing"; return; }
  quiet cmake -S "$consumer" -B "$build" -DWAY=find_package "-DCOMPONENTS=cuda;hdf5;mpi;nccl" \
    -DCMAKE_PREFIX_PATH="$work/cuda" -DCMAKE_CXX_FLAGS="-O0 $(flags_of g++)" || { fail "configuring"; return; }
  quiet cmake --build "$build" -j2 || { fail "building"; return; }
  for name in consumer with_cuda with_hdf5 with_mpi; do "$build/$name" || fail "$name"; done
  for name in CUDAToolkit CUDNN; do
    if quiet cmake -S "$consumer" -B "$work/without-$name" -DWAY=find_package -DCOMPONENTS=cuda \
      -DCMAKE_PREFIX_PATH="$work/cuda" -DCMAKE_DISABLE_FIND_PACKAGE_$name=ON > /dev/null; then
      fail "cordis::cuda was found without $name"
    fi
    grep -q "cordis::cuda needs what is not here" "$work/log" || fail "no reason in $(cat "$work/log")"
    grep -A1 "cordis::cuda needs" "$work/log"
  done
}

for name in ${3:-$(declare -F | sed -n 's/^declare -f case_//p')}; do
  echo "$name"
  if declare -F "by_hand_$name" > /dev/null; then "by_hand_$name" "${@:4}"; else "case_$name"; fi
done
[[ ${MATRIX:-} != full ]] ||
  echo "$(wc -l < "$ONCE/compiled") files compiled, $(cat "$ONCE/taken" 2> /dev/null | wc -l) taken, being the same"
exit $failed
