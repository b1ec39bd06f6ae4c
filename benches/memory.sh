#!/usr/bin/env bash
# Anonymous memory of the server at SCALE documents: after the start, and after one pass over all pages. Goal 300 MB.
set -euo pipefail
# shellcheck source=benches/lib.sh
. "$(dirname "$0")/lib.sh"
needs python3
dir=$(city "$SCALE")
serve "$dir"
mb() { awk '/^RssAnon/ { printf "%d", $2 / 1024 }' "/proc/$server/status"; }
first=$(mb)
say "reading every page once"
read -r pages bad < <(python3 "$HELP" walk "$public")
after=$(mb)
if [ "$after" -le 300 ]; then goal="300 met"; else goal="300 NOT met"; fi
record memory <<TABLE
$SCALE documents; $pages pages read, $bad of them not answered with 200.

| anonymous memory | MB | goal |
| --- | --- | --- |
| after the start | $first | |
| after one pass | $after | $goal |
TABLE
[ "$bad" -eq 0 ]
