#!/usr/bin/env bash
# Installs what is missing, builds, creates the demo city in ./data/demo (once) and serves it.
#   DATA=DIR   another folder       ARGS="…"   more arguments for `gongkai demo`       --debug   the debug build
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

profile=quick folder=quick
if [ "${1:-}" = --debug ]; then profile=dev folder=debug; fi

scripts/bootstrap.sh run
find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh run and read what it says"
target=$(target_dir)
program=$target/$folder/gongkai
[ -x "$program" ] || say "building: the first time takes some minutes (about ten on two cores), later ones seconds"
# Not --quiet: cargo's own progress is the progress.
cargo build --profile "$profile" -p gongkai || die "the build failed (see above)"
[ -x "$program" ] || die "cargo built no $program; check CARGO_TARGET_DIR and .cargo/config.toml"
# Word splitting is wanted: ARGS is a list of arguments.
# shellcheck disable=SC2086
exec "$program" demo --data "${DATA:-./data/demo}" ${ARGS:-}
