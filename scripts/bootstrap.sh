#!/usr/bin/env bash
# Installs what a job needs and this machine lacks, on Debian and Ubuntu; on others it says what is missing.
#
#   scripts/bootstrap.sh run     a C compiler and Rust                         (make run, make dev, make dist)
#   scripts/bootstrap.sh lint    and rustfmt, clippy                           (make lint, make test-fast)
#   scripts/bootstrap.sh pg      and a PostgreSQL server                       (make test-pg)
#   scripts/bootstrap.sh e2e     and Node.js, a browser, the locked packages   (make test-e2e)
#   scripts/bootstrap.sh snap    and a Chinese font for the pictures           (make snap)
#   scripts/bootstrap.sh test    all but the font                              (make test)
#   scripts/bootstrap.sh bench   a C compiler, Rust, and the programs compared (make bench)
#
# Where nothing is missing it calls neither apt nor the network. It never changes what is already installed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

job=${1:-run}
lint='' pg='' e2e='' font='' bench=''
case $job in
  run) ;;
  lint) lint=1 ;;
  pg) lint=1 pg=1 ;;
  e2e) e2e=1 ;;
  snap) e2e=1 font=1 ;;
  test) lint=1 pg=1 e2e=1 ;;
  bench) bench=1 ;;
  *) die "unknown job '$job'; one of run, lint, pg, e2e, snap, test, bench" ;;
esac

distribution() { (. /etc/os-release 2>/dev/null && printf '%s\n' "${ID:-unknown}") || printf 'unknown\n'; }

# A compiler without the C library's headers is found by using it, not by looking for it.
compiler_works() {
  command -v cc >/dev/null 2>&1 && printf '#include <stdio.h>\nint main(void){return 0;}\n' | cc -x c - -o /dev/null 2>/dev/null
}

has_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -s /etc/pki/tls/certs/ca-bundle.crt ] || [ -s /etc/ssl/cert.pem ]; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# Another apt (a fresh machine's own updates, usually) may hold a lock: wait for it, and say so. apt waits for dpkg's
# lock itself when told to, but not for the one on its lists.
apt_update() {
  local log tries=0
  log=$(mktemp)
  until as_root apt-get update -o DPkg::Lock::Timeout=600 </dev/null >"$log" 2>&1; do
    if ! grep -qi 'lock' "$log" || [ "$tries" -ge 60 ]; then
      cat "$log" >&2
      rm -f "$log"
      die "apt-get update failed (see above); check the network and /etc/apt/sources.list, then run the command again"
    fi
    [ "$tries" -gt 0 ] || note "another program is using apt; waiting for it, at most ten minutes"
    tries=$((tries + 1))
    sleep 10
  done
  rm -f "$log"
}

install_packages() {
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null 2>&1 ||
    die "missing: $*. This is not Debian or Ubuntu, so please install them with this system's package manager, then run the command again"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
      die "missing: $*. Installing needs root, and there is no sudo here; run as root: apt-get install -y $*"
    sudo -n true 2>/dev/null || [ -t 0 ] ||
      die "missing: $*. sudo wants a password and there is no terminal to type it on; run first: sudo apt-get install -y $*"
  fi
  say "installing from $(distribution): $*"
  apt_update
  as_root apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@" </dev/null >&2 ||
    die "apt-get could not install: $* (see above); mend that, then run the command again"
}

# Rust, by its official installer. RUSTUP_DIST_SERVER and RUSTUP_UPDATE_ROOT choose a mirror, RUSTUP_HOME and
# CARGO_HOME the folders; the shell's start-up files are left alone.
install_rust() {
  local want init machine rustup
  want=$(rust_wanted)
  if rustup=$(find_rustup); then
    say "Rust $want or newer is needed: rustup installs its stable toolchain beside the one you have"
    "$rustup" toolchain install stable --profile minimal --no-self-update >&2 ||
      die "rustup could not install the stable toolchain (see above); check the network, or set RUSTUP_DIST_SERVER to a mirror"
  else
    say "Rust $want or newer is needed: installing it with rustup into ${CARGO_HOME:-$HOME/.cargo}"
    init=$(mktemp)
    machine=$(uname -m)
    if curl --proto '=https' --tlsv1.2 --fail --location --show-error --progress-bar --retry 3 --connect-timeout 20 \
      https://sh.rustup.rs -o "$init"; then
      sh "$init" -y --profile minimal --default-toolchain stable --no-modify-path >&2 ||
        die "rustup could not install Rust (see above); check the network, or set RUSTUP_DIST_SERVER and RUSTUP_UPDATE_ROOT to a mirror"
    elif [ -n "${RUSTUP_UPDATE_ROOT:-}" ] && curl --fail --location --show-error --progress-bar --retry 3 \
      "$RUSTUP_UPDATE_ROOT/dist/$machine-unknown-linux-gnu/rustup-init" -o "$init"; then
      chmod +x "$init"
      "$init" -y --profile minimal --default-toolchain stable --no-modify-path >&2 ||
        die "rustup from $RUSTUP_UPDATE_ROOT could not install Rust (see above)"
    else
      rm -f "$init"
      die "https://sh.rustup.rs could not be fetched; check the network, set RUSTUP_UPDATE_ROOT and RUSTUP_DIST_SERVER to a mirror, or install Rust $want or newer yourself (https://rustup.rs)"
    fi
    rm -f "$init"
  fi
  find_cargo ||
    die "Rust $want or newer is still not there after installing; 'rustup update stable', then run the command again"
  [ -n "${rustup:-}" ] || note "to use it in your own shell: . \"${CARGO_HOME:-$HOME/.cargo}/env\""
}

# A Node.js that is new enough, for distributions whose own is not (Ubuntu 22.04). Kept inside the checkout.
install_node() {
  local version=v22.12.0 arch name
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "Node.js $node_wanted or newer is needed for the browser tests; please install it (https://nodejs.org)" ;;
  esac
  name="node-$version-linux-$arch"
  say "this system's Node.js is older than $node_wanted: fetching $version into .tools/node"
  mkdir -p .tools
  (
    cd .tools
    for file in "$name.tar.gz" SHASUMS256.txt; do
      curl --proto '=https' --tlsv1.2 --fail --location --show-error --progress-bar --retry 3 --connect-timeout 20 \
        "${NODEJS_ORG_MIRROR:-https://nodejs.org/dist}/$version/$file" -o "$file"
    done
    grep " $name.tar.gz\$" SHASUMS256.txt | sha256sum --check --status
    rm -rf node "$name"
    tar -xzf "$name.tar.gz"
    mv "$name" node
    rm -f "$name.tar.gz" SHASUMS256.txt
  ) || die "Node.js could not be fetched from nodejs.org; please install Node.js $node_wanted or newer yourself, or set NODEJS_ORG_MIRROR"
  find_node || die "the fetched Node.js does not run here; please install Node.js $node_wanted or newer yourself"
}

# Everything that apt can bring, in one call.
packages=()
compiler_works || packages+=(build-essential pkg-config)
has_certificates || packages+=(ca-certificates)
if ! find_cargo && ! command -v curl >/dev/null 2>&1; then packages+=(curl); fi
if [ -n "$pg" ] && ! find_postgres >/dev/null; then packages+=(postgresql); fi
if [ -n "$e2e" ]; then
  if ! find_node && ! command -v npm >/dev/null 2>&1; then packages+=(nodejs npm); fi
  # Ubuntu's chromium is a snap, which cannot be used here: Playwright brings its own below.
  if ! find_browser >/dev/null && [ "$(distribution)" = debian ]; then packages+=(chromium); fi
fi
if [ -n "$font" ] && ! { command -v fc-list >/dev/null 2>&1 && fc-list :lang=zh-cn family | grep -q .; }; then
  packages+=(fontconfig fonts-noto-cjk)
fi
if [ -n "$bench" ]; then
  for program in nginx wrk hugo; do
    command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || packages+=("$program")
  done
fi
install_packages ${packages[@]+"${packages[@]}"}
compiler_works || die "the C compiler (cc) does not compile a program of one line; run: apt-get install --reinstall build-essential"

find_cargo || install_rust

if [ -n "$lint" ]; then
  missing=()
  cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
  cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
  if [ ${#missing[@]} -gt 0 ]; then
    rustup=$(find_rustup) ||
      die "missing beside this cargo: ${missing[*]}; install them the way you installed cargo, or use rustup (https://rustup.rs)"
    say "installing Rust's ${missing[*]}"
    "$rustup" component add "${missing[@]}" >&2 || die "rustup could not add ${missing[*]} (see above)"
  fi
fi

if [ -n "$pg" ]; then
  find_postgres >/dev/null ||
    die "PostgreSQL's server programs (initdb, pg_ctl) were not found; set GONGKAI_PG_BIN to their folder"
fi

if [ -n "$e2e" ]; then
  find_node || install_node
  # The lock decides what is installed; it is installed again only when it has changed.
  stamp=e2e/node_modules/.installed
  if ! cmp -s e2e/package-lock.json "$stamp"; then
    say "installing the browser tests' packages (npm ci)"
    (cd e2e && npm ci --no-audit --no-fund --loglevel=error >&2) ||
      die "npm ci failed in e2e (see above); check the network, or npm's registry setting, then run the command again"
    cp e2e/package-lock.json "$stamp"
  fi
  if ! find_browser >/dev/null && ! (cd e2e && node browser.mjs --check >/dev/null 2>&1); then
    say "installing a browser for the tests (Playwright's Chromium)"
    (cd e2e && node node_modules/playwright-core/cli.js install chromium >&2) ||
      die "no browser could be installed; install Chromium or Chrome yourself and set GONGKAI_CHROMIUM to its program"
    (cd e2e && as_root "$(command -v node)" node_modules/playwright-core/cli.js install-deps chromium >&2) ||
      die "the browser's system libraries could not be installed (see above)"
  fi
fi
