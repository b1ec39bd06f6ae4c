#!/usr/bin/env bash
# From the moment a publisher's form is sent until page, list and feed show the document: through the real staff pages,
# at 10,000 and at SCALE documents. Goal: p95 at most 300 ms, and flat.
set -euo pipefail
# shellcheck source=benches/lib.sh
. "$(dirname "$0")/lib.sh"
needs python3
times=${N:-40}
{
  echo "$times publications each, polled every 5 ms; milliseconds from sending the form."
  echo
  echo "| documents | until | p50 | p95 | longest | goal |"
  echo "| --- | --- | --- | --- | --- | --- |"
  for size in 10000 "$SCALE"; do
    dir=$(city "$size")
    # Measured on a copy: the kept corpus stays as it is.
    cp -r "$dir" "$work/city"
    cp "$dir.key" "$work/city.key"
    "$GONGKAI_BIN" demo --data "$work/city" --key-file "$work/city.key" --build-only --json >"$work/logins"
    serve "$work/city"
    python3 "$HELP" publish "$staff" "$public" "$work/logins" "$times" >"$work/spans" || { cat "$work/server.log" >&2; exit 1; }
    while read -r what p50 p95 most; do
      goal=""
      if [ "$what" = all ]; then
        if [ "$p95" -le 300 ]; then goal="300 met"; else goal="300 NOT met"; fi
      fi
      echo "| $size | $what | $p50 | $p95 | $most | $goal |"
    done <"$work/spans"
    stop_server
    rm -rf "$work/city"
  done
} | record publish
