#!/usr/bin/env bash
# The API documentation of our own crates; a broken link in it is an error.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
scripts/bootstrap.sh run
find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh run and read what it says"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items || die "the documentation has faults (see above)"
say "open $(target_dir)/doc/gongkai/index.html"
