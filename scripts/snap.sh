#!/usr/bin/env bash
# Takes the README's pictures of a fresh demo city, into docs/pictures. GONGKAI_BIN uses a program already built.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
scripts/bootstrap.sh snap
find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh run and read what it says"
find_node || die "no Node.js that is new enough; run scripts/bootstrap.sh e2e and read what it says"
if [ -z "${GONGKAI_BIN:-}" ]; then
  cargo build --profile quick -p gongkai || die "the build failed (see above)"
  GONGKAI_BIN=$(target_dir)/run/gongkai
fi
case $GONGKAI_BIN in /*) ;; *) GONGKAI_BIN=$root/$GONGKAI_BIN ;; esac
GONGKAI_CHROMIUM=$(find_browser) || GONGKAI_CHROMIUM=
export GONGKAI_BIN GONGKAI_CHROMIUM GONGKAI_E2E_SCALE=${SCALE:-city}
cd e2e && exec node shots.mjs
