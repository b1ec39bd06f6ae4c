#!/usr/bin/env bash
# The long checks in full count. `make test` runs a fixed-seed sample of the same tests.
#   ONLY=name   one of them (crash, flip, isolation, …)       N=count   another count
#
# They are the tests of the modules named `soak`; they read GONGKAI_SOAK=1 and GONGKAI_SOAK_N.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
scripts/bootstrap.sh pg
find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh pg and read what it says"
case ${N:-1} in *[!0-9]*) die "N=$N is not a whole number; for example: make soak ONLY=crash N=20" ;; esac

pg=$(mktemp -d)
trap 'scripts/pg.sh stop "$pg/pg"; rm -rf -- "$pg"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
GONGKAI_TEST_PG=$(scripts/pg.sh start "$pg/pg")
export GONGKAI_TEST_PG GONGKAI_SOAK=1
[ -z "${N:-}" ] || export GONGKAI_SOAK_N=$N
# One after the other, and with what they print: they measure as they go.
cargo test --workspace --tests -- --nocapture --test-threads=1 "soak::${ONLY:-}" || die "a long check failed (see above)"
say "passed: soak ${ONLY:-all}"
