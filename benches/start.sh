#!/usr/bin/env bash
# Time from starting the program until /readyz says yes, at SCALE documents. Goal one second.
set -euo pipefail
# shellcheck source=benches/lib.sh
. "$(dirname "$0")/lib.sh"
needs python3
dir=$(city "$SCALE")
all=""
for _ in 1 2 3 4 5; do
  port=$(free_port)
  took=$(python3 "$HELP" start "$port" "$GONGKAI_BIN" serve --data "$dir" --key-file "$dir.key" \
    --listen "127.0.0.1:$port" --staff-listen 127.0.0.1:0) || die "the server did not become ready"
  all+=" $took"
done
# shellcheck disable=SC2086 # a list of numbers
median=$(printf '%s\n' $all | sort -n | sed -n 3p)
if [ "$median" -le 1000 ]; then goal="1000 met"; else goal="1000 NOT met"; fi
record start <<TABLE
$SCALE documents; from starting the program, polled every 2 ms.

| until /readyz | ms | goal |
| --- | --- | --- |
| five starts | $all | |
| median | $median | $goal |
TABLE
