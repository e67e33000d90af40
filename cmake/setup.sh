# cmake/setup.sh: sourced by the run scripts. setup PACKAGE[:COMMAND-OR-FILE] ... installs the Debian packages
# whose command (by default the package's name) or file is missing.
say() { printf '== %s\n' "$*"; }

setup() {
  local entry package proof
  local missing=()
  for entry in "$@"; do
    package=${entry%%:*}
    proof=${entry#*:}
    if [[ $proof == /* ]]; then
      [[ -e $proof ]] || missing+=("$package")
    else
      command -v "$proof" >/dev/null || missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then
    say "all packages are here"
    return
  fi
  say "installing: ${missing[*]}"
  local sudo=()
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || { echo "run as root, or install first: ${missing[*]}" >&2; exit 1; }
    sudo=(sudo)
  fi
  command -v apt-get >/dev/null || { echo "no apt-get here; install first: ${missing[*]}" >&2; exit 1; }
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# setup_clang_sanitizers: clang++, and what its programs with sanitizers or fuzzers are linked with, a package apart.
setup_clang_sanitizers() {
  setup clang:clang++
  local version
  version=$(clang++ -dumpversion)
  setup "libclang-rt-${version%%.*}-dev:$(clang++ -print-resource-dir)/lib"
}

# python_with FOLDER REQUIREMENTS: a virtual environment with these packages, made where it is missing.
python_with() {
  if [[ ! -x $1/bin/python ]]; then
    python3 -c 'import ensurepip' 2> /dev/null || setup python3-venv:/usr/share/doc/python3-venv
    say "making $1"
    python3 -m venv "$1"
  fi
  say "installing what $2 names"
  "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
}

# eigen_include: the folder of Eigen's headers.
eigen_include() {
  local folder
  folder=$(pkg-config --variable=includedir eigen3 2> /dev/null || echo /usr/include)/eigen3
  [[ -d $folder ]] && echo "$folder" || echo /usr/include/eigen3
}
