#!/usr/bin/env bash
# Every check there is, or a part of them: all, fast, pg, e2e, lint.
#
# Clippy aside, one debug build serves everything here: unit and integration tests, both databases and
# the browser journeys. Nothing sets RUSTFLAGS, so what you built before is not built again.
#
# What the tests are told by the environment:
#   GONGKAI_TEST_PG   the address of the throw-away PostgreSQL; `off` leaves its tests out. Where it is not set, the
#                     test harness calls scripts/pg.sh itself.
#   GONGKAI_BIN       the program that the browser journeys start
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

part=${1:-all}
ONLY=${ONLY:-}
only=()
[ -z "$ONLY" ] || only=("$ONLY")
started=$SECONDS

step() {
  local name=$1 from=$SECONDS
  shift
  say "$name"
  "$@" || die "$name failed (see above)"
  note "$name: $((SECONDS - from)) s"
}

pg_dir=''
work=''
finish() {
  local code=$?
  trap - EXIT
  [ -z "$pg_dir" ] || scripts/pg.sh stop "$pg_dir" || true
  [ -z "$work" ] || rm -rf -- "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start_postgres() {
  if [ -n "${GONGKAI_TEST_PG:-}" ]; then return 0; fi
  work=$(mktemp -d)
  pg_dir=$work/pg
  GONGKAI_TEST_PG=$(scripts/pg.sh start "$pg_dir") || return 1
  export GONGKAI_TEST_PG
}

format() { cargo fmt --all --check; }

# Arguments after `--` reach only our own crates, so the dependencies stay as they are.
clippy() { cargo clippy --workspace --all-targets -- -D warnings; }

# The scripts and licences, where the tools for them are installed: they are not worth an installation to everybody.
extras() {
  if command -v shellcheck >/dev/null 2>&1; then
    shellcheck -x scripts/*.sh .ci/run || return 1
  else
    note "shellcheck is not installed: scripts not checked"
  fi
  if cargo deny --version >/dev/null 2>&1; then
    # Advisories need a database from the network; bans, licences and sources do not.
    cargo deny check bans licenses sources || return 1
  else
    note "cargo-deny is not installed: licences and bans not checked"
  fi
}

# `cargo test --no-run` builds the product's program too (its integration tests need it), so that the journeys below
# find it built.
build() { cargo test --workspace --no-run; }
rust_tests() {
  run_tests --workspace -- "$@" || return 1
  # nextest runs no examples in documentation; plain `cargo test` has run them already.
  if [ $# -eq 0 ] && cargo nextest --version >/dev/null 2>&1; then cargo test --workspace --doc || return 1; fi
}

journeys() {
  local program
  program=${GONGKAI_BIN:-$(target_dir)/debug/gongkai}
  case $program in /*) ;; *) program=$root/$program ;; esac
  if [ -z "${GONGKAI_BIN:-}" ] && [ "$part" = e2e ] || [ ! -x "$program" ]; then
    cargo build -p gongkai || return 1
  fi
  local filter=()
  [ -z "$ONLY" ] || filter=(--test-name-pattern="$ONLY")
  local browser
  browser=$(find_browser) || browser=
  (
    cd e2e
    GONGKAI_BIN=$program GONGKAI_CHROMIUM=$browser GONGKAI_E2E_SCALE=${SCALE:-small} \
      node --test --test-reporter=spec ${filter[@]+"${filter[@]}"} all.test.mjs
  )
}

need() {
  scripts/bootstrap.sh "$1"
  find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh $1 and read what it says"
}

case $part in
  all)
    need test
    find_node || die "no Node.js that is new enough; run scripts/bootstrap.sh e2e and read what it says"
    step "format" format
    step "scripts, licences" extras
    step "clippy" clippy
    step "build" build
    step "PostgreSQL" start_postgres
    step "tests" rust_tests
    step "browser journeys" journeys
    ;;
  fast)
    need lint
    export GONGKAI_TEST_PG=off
    step "tests on SQLite" rust_tests ${only[@]+"${only[@]}"}
    ;;
  pg)
    need pg
    step "PostgreSQL" start_postgres
    step "tests on PostgreSQL" rust_tests "${only[0]:-postgres}"
    ;;
  e2e)
    need e2e
    find_node || die "no Node.js that is new enough; run scripts/bootstrap.sh e2e and read what it says"
    step "browser journeys" journeys
    ;;
  lint)
    need lint
    step "format" format
    step "scripts, licences" extras
    step "clippy" clippy
    ;;
  *) die "unknown part '$part'; one of all, fast, pg, e2e, lint" ;;
esac
say "passed: $part, $((SECONDS - started)) s"
