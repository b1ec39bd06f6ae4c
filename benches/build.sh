#!/usr/bin/env bash
# Times of building: cold debug build, and after a change in a leaf and in a lower crate. Only when asked by name
# (make bench ONLY=build BENCH_SECONDS=3600): it compiles everything from nothing.
set -euo pipefail
# shellcheck source=benches/lib.sh
. "$(dirname "$0")/lib.sh"
if [ "${ONLY:-}" != build ]; then
  say "skipped; ask for it: make bench ONLY=build BENCH_SECONDS=3600"
  exit 0
fi
needs cargo
root=$(cd "$here/.." && pwd)
export CARGO_TARGET_DIR=$work/target
timed() {
  local begin=$SECONDS
  cargo build --quiet -p gongkai --manifest-path "$root/Cargo.toml" >&2 || die "the build failed"
  echo $((SECONDS - begin))
}
cold=$(timed)
nothing=$(timed)
touch "$root/crates/gongkai/src/serve.rs"
leaf=$(timed)
touch "$root/crates/platform/src/env.rs"
low=$(timed)
record build <<TABLE
| debug build on $(nproc) cores | seconds |
| --- | --- |
| cold | $cold |
| nothing changed | $nothing |
| a file of the program changed | $leaf |
| a file of the platform changed | $low |
TABLE
