#!/usr/bin/env bash
# The measurements: one program a target in benches/, each within ten minutes, on loopback only.
#   ONLY=name   one of them       SCALE=…   size of the corpus       DATA=DIR   where the corpus is built once and kept
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

names=() all=()
for file in benches/*.sh; do
  [ -x "$file" ] || continue
  name=$(basename "$file" .sh)
  all+=("$name")
  if [ -z "${ONLY:-}" ] || [ "$name" = "$ONLY" ]; then names+=("$name"); fi
done
[ ${#all[@]} -gt 0 ] || die "benches/ holds no measurement (an executable .sh file)"
[ ${#names[@]} -gt 0 ] || die "no measurement is named '$ONLY'; there are: ${all[*]}"

scripts/bootstrap.sh bench
find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh bench and read what it says"
say "building the release program"
cargo build --release -p gongkai || die "the build failed (see above)"
GONGKAI_BIN=$(target_dir)/release/gongkai
DATA=${DATA:-$root/data/bench}
mkdir -p "$DATA"
DATA=$(cd "$DATA" && pwd)
export GONGKAI_BIN DATA
PATH=$PATH:/usr/sbin
failed=()
for name in "${names[@]}"; do
  say "bench $name"
  timeout --kill-after=10 "${BENCH_SECONDS:-600}" "benches/$name.sh" || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || die "not finished or not passed: ${failed[*]} (see above)"
