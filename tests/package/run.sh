#!/usr/bin/env bash
# tests/package/run.sh: a program of two files uses Cordis in every way that the README names, without a warning.
#   run.sh ROOT EIGEN_INCLUDE [CASE]
# Each way meets another compiler and standard; with MATRIX=full every compiler and standard. clang++ is left out where it
# is not installed.
set -uo pipefail
root=$(realpath "$1") eigen=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/cordis_package_XXXXXX")
trap 'rm -rf "$work"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
failed=0

fail() { echo "FAILED: $*"; failed=1; }
quiet() { "$@" > "$work/log" 2>&1 || { tail -30 "$work/log"; return 1; }; }
has() { command -v "$1" > /dev/null || { echo "no $1 here: left out"; return 1; }; }

# g++ 12 takes intrinsics' undefined registers for uninitialised variables (GCC bug 105593), and sees strings overlap
# themselves (105651).
flags_of() { [[ $1 == *clang* ]] && echo "$warnings" || echo "$warnings -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict"; }

install_once() {
  [[ -d $work/prefix ]] && return
  quiet cmake -S "$root" -B "$work/install" -DCORDIS_TESTS=OFF -DCORDIS_EXAMPLES=OFF -DCORDIS_BENCH=OFF -DCORDIS_CUDA=OFF \
    -DCORDIS_MPI=OFF -DCORDIS_HDF5=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix" &&
    quiet cmake --install "$work/install"
}

# by_cmake WAY COMPILER STANDARD FLAGS [CMAKE OPTIONS...]
by_cmake() {
  local build=$work/$1-$2-$3
  quiet cmake -S "$root/tests/package/consumer" -B "$build" -DWAY="$1" -DCORDIS_SOURCE="$root" -DCMAKE_CXX_COMPILER="$2" \
    -DCMAKE_CXX_STANDARD="$3" -DCMAKE_CXX_FLAGS="$4 $(flags_of "$2")" "${@:5}" || { fail "$1, $2: configuring"; return; }
  quiet cmake --build "$build" -j2 || { fail "$1, $2, C++$3: building"; return; }
  "$build/consumer" || fail "$1: running"
}

# by_compiler NAME COMPILER STANDARD FLAGS...
by_compiler() {
  local standard=${3/23/2b}
  # shellcheck disable=SC2046
  quiet "$2" -std=c++"$standard" -O0 $(flags_of "$2") "$root"/tests/package/consumer/*.cpp "${@:4}" -o "$work/alone" ||
    { fail "$1, $2, C++$3: building"; return; }
  "$work/alone" || fail "$1: running"
}

# each COMPILER STANDARD COMMAND...: the command with that compiler and standard, or with all of them.
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
case_add_subdirectory() { each g++ 23 by_cmake add_subdirectory "-O0 -fno-rtti"; }
case_fetch_content() { each clang++ 20 by_cmake FetchContent -O0; }
case_pkg_config() {
  has pkg-config || return
  install_once || { fail "installing"; return; }
  local flags
  flags=$(PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name cordis.pc)") pkg-config --cflags --libs cordis) ||
    { fail "pkg-config"; return; }
  # shellcheck disable=SC2086
  each clang++ 23 by_compiler pkg-config ${flags//-I$eigen/-isystem $eigen}
}
case_compiler_alone() { each g++ 20 by_compiler "the compiler alone" -I"$root/include" -isystem "$eigen" -pthread; }
# Files for other processors do not link with each other, and say why.
case_other_processors() {
  [[ $(uname -m) == x86_64 ]] || { echo "not x86-64: left out"; return; }
  local part
  for part in main:x86-64-v2 data:x86-64-v3; do
    quiet g++ -std=c++20 -O0 -march="${part#*:}" -I"$root/include" -isystem "$eigen" -c \
      "$root/tests/package/consumer/${part%:*}.cpp" -o "$work/${part%:*}.o" || { fail "compiling $part"; return; }
  done
  if g++ "$work/main.o" "$work/data.o" -pthread -o "$work/mixed" 2> "$work/log"; then
    fail "files for x86-64-v2 and -v3 were linked"
  else
    grep -q "undefined reference to .make_data" "$work/log" || fail "another error: $(head -5 "$work/log")"
    grep -q "make_data\[abi:cpu_avx2\]" <(nm -C "$work/data.o") || fail "the name does not tell the processor"
  fi
}

for name in ${3:-$(declare -F | sed -n 's/^declare -f case_//p')}; do
  echo "$name"
  "case_$name"
done
exit $failed
