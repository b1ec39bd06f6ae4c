# shellcheck shell=bash
# What every script here shares: where we are, how we speak, and which cargo and node we use.
# Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

say() { printf '%s\n' "==> $*" >&2; }
note() { printf '%s\n' "    $*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# at_least A B: whether version A is B or newer. Only dotted numbers; a suffix such as -nightly is cut off first.
at_least() {
  local have=${1%%[-+ ]*} want=${2%%[-+ ]*}
  [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1)" = "$want" ]
}

# The oldest Rust that the workspace builds with, from the one place that says so.
rust_wanted() {
  sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$root/Cargo.toml" | head -n 1
}

# The version of a cargo, or nothing if it does not run (a rustup proxy without a toolchain, say).
cargo_version() { "$1" --version 2>/dev/null | sed -n 's/^cargo \([0-9][^ ]*\).*/\1/p'; }

# Puts a cargo that is new enough first on PATH. One that the machine already has is used as it is; one installed by
# rustup but not on PATH is found too, and so is rustup's stable toolchain beside an older default, which stays the
# default. Fails, silently, where there is none.
find_cargo() {
  local want own version rustup stable
  want=$(rust_wanted)
  [ -n "$want" ] || die "Cargo.toml names no rust-version; restore that line"
  own="${CARGO_HOME:-$HOME/.cargo}/bin"
  if command -v cargo >/dev/null 2>&1; then
    version=$(cargo_version cargo)
    if [ -n "$version" ] && at_least "$version" "$want"; then return 0; fi
  fi
  if [ -x "$own/cargo" ]; then
    version=$(cargo_version "$own/cargo")
    if [ -n "$version" ] && at_least "$version" "$want"; then
      export PATH="$own:$PATH"
      return 0
    fi
  fi
  rustup=$(find_rustup) || return 1
  stable=$("$rustup" which --toolchain stable cargo 2>/dev/null) || return 1
  version=$(cargo_version "$stable")
  if [ -n "$version" ] && at_least "$version" "$want"; then
    PATH="$(dirname "$stable"):$PATH:$own"
    export PATH RUSTUP_TOOLCHAIN=stable
    return 0
  fi
  return 1
}

find_rustup() { command -v rustup 2>/dev/null || { [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/rustup" ] && printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}/bin/rustup"; }; }

# The Node.js that the browser tests need (`node --test` with its reporters).
node_wanted=18.19

find_node() {
  local dir version
  for dir in "" "$root/.tools/node/bin"; do
    if [ -n "$dir" ] && [ -x "$dir/node" ]; then PATH="$dir:$PATH"; fi
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then continue; fi
    version=$(node --version 2>/dev/null)
    if at_least "${version#v}" "$node_wanted"; then
      export PATH
      return 0
    fi
  done
  return 1
}

# Prints the browser to test with; nothing if there is none. A snap's browser cannot read our temporary folders.
find_browser() {
  local name path
  if [ -n "${GONGKAI_CHROMIUM:-}" ]; then
    [ -x "$GONGKAI_CHROMIUM" ] || die "GONGKAI_CHROMIUM names $GONGKAI_CHROMIUM, which cannot be run; correct or unset it"
    printf '%s\n' "$GONGKAI_CHROMIUM"
    return 0
  fi
  for name in chromium google-chrome-stable google-chrome chromium-browser; do
    path=$(command -v "$name" 2>/dev/null) || continue
    case $(readlink -f "$path") in /snap/* | */snap) continue ;; esac
    # Ubuntu's chromium-browser is a shell script that only says "install the snap".
    if [ "$name" = chromium-browser ] && grep -qs snap "$path"; then continue; fi
    printf '%s\n' "$path"
    return 0
  done
  return 1
}

# Prints the folder with PostgreSQL's server programs (initdb, pg_ctl); nothing if there is none.
find_postgres() {
  local dir
  if [ -n "${GONGKAI_PG_BIN:-}" ]; then
    [ -x "$GONGKAI_PG_BIN/initdb" ] || die "GONGKAI_PG_BIN names $GONGKAI_PG_BIN, which holds no initdb; correct or unset it"
    printf '%s\n' "$GONGKAI_PG_BIN"
    return 0
  fi
  if command -v pg_config >/dev/null 2>&1; then
    dir=$(pg_config --bindir 2>/dev/null)
    if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ]; then
      printf '%s\n' "$dir"
      return 0
    fi
  fi
  # Debian and Ubuntu keep them off PATH, one folder a version; the newest wins.
  dir=$(for d in /usr/lib/postgresql/*/bin; do [ -x "$d/initdb" ] && printf '%s\n' "$d"; done | sort -V | tail -n 1)
  if [ -n "$dir" ]; then
    printf '%s\n' "$dir"
    return 0
  fi
  dir=$(command -v initdb 2>/dev/null) || return 1
  dir=$(dirname "$(readlink -f "$dir")")
  [ -x "$dir/pg_ctl" ] && printf '%s\n' "$dir"
}

# Where cargo puts what it builds: CARGO_TARGET_DIR, a cargo configuration file, or ./target.
target_dir() {
  local dir
  dir=$(cargo metadata --format-version 1 --no-deps 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
  printf '%s\n' "${dir:-${CARGO_TARGET_DIR:-$root/target}}"
}

# nextest where it is installed, plain `cargo test` elsewhere; both run the same tests. Arguments before `--` go to
# cargo, those after it name tests.
run_tests() {
  local build=() names=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    build+=("$1")
    shift
  done
  [ $# -eq 0 ] || { shift; names=("$@"); }
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run "${build[@]}" ${names[@]+"${names[@]}"}
  else
    cargo test "${build[@]}" -- ${names[@]+"${names[@]}"}
  fi
}
