# shellcheck shell=bash
# What the measurements share: the corpus, a server, figures. Sourced, never run.
# GONGKAI_BIN is the program, DATA the folder in which corpora are built once and kept, SCALE the size of the large one.

: "${GONGKAI_BIN:?set GONGKAI_BIN to the release program (make bench does)}"
: "${DATA:?set DATA to a folder for the kept corpora (make bench does)}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SCALE=${SCALE:-122180}
HELP=$here/help.py
export GONGKAI_BIN DATA SCALE

say() { printf '%s\n' "==> $*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
needs() { for t in "$@"; do command -v "$t" >/dev/null 2>&1 || die "$t is missing; install it (scripts/bootstrap.sh bench)"; done; }

work=$(mktemp -d "${TMPDIR:-/tmp}/gongkai-bench.XXXXXX")
started=()
finish() {
  for pid in "${started[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]:-}"; do [ -z "$pid" ] || wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# city N: the demonstration city with N documents, built once; prints its folder. Its key lies beside it.
city() {
  local dir=$DATA/city-$1
  if [ ! -f "$dir.done" ]; then
    rm -rf "$dir"
    say "building a city of $1 documents in $dir (kept for the next time)"
    "$GONGKAI_BIN" demo --data "$dir" --key-file "$dir.key" --build-only --json >/dev/null || die "the city could not be built"
    python3 "$HELP" cpu "$work/fill" "$GONGKAI_BIN" corpus --data "$dir" --key-file "$dir.key" --total "$1" >&2 || die "the corpus could not be built"
    cp "$work/fill" "$dir.done"
  fi
  printf '%s\n' "$dir"
}

free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

# serve DIR [COMMAND…]: starts the server (under COMMAND, such as taskset) and waits until it is ready.
# Sets server, public, staff.
serve() {
  local dir=$1
  shift
  public=$(free_port)
  staff=$(free_port)
  "$@" "$GONGKAI_BIN" serve --data "$dir" --key-file "$dir.key" --listen "127.0.0.1:$public" --staff-listen "127.0.0.1:$staff" \
    >"$work/server.log" 2>&1 &
  server=$!
  started+=("$server")
  python3 "$HELP" ready "$public" 60 >/dev/null || { cat "$work/server.log" >&2; die "the server did not become ready"; }
}

stop_server() {
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
}

# record TITLE: prints a table from stdin and keeps it in the results of this kind of machine.
record() {
  local file=$here/results/$(nproc)-core-$(uname -m).md text
  text=$(cat)
  printf '%s\n' "$text"
  mkdir -p "$here/results"
  {
    printf '\n## %s, %s, revision %s\n\n' "$1" "$(date +%F)" "$(git -C "$here" rev-parse --short HEAD 2>/dev/null || echo unknown)"
    printf 'Load of the machine at the end: %s\n\n%s\n' "$(cut -d' ' -f1 /proc/loadavg)" "$text"
  } >>"$file"
}
