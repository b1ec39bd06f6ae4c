#!/usr/bin/env bash
# A throw-away PostgreSQL for tests: nothing in it survives `stop`, and nothing in it is written safely to disk.
#
#   scripts/pg.sh start DIR   starts it unless it runs already; prints one line, its address
#   scripts/pg.sh stop DIR    stops it and deletes it
#
# It listens on a socket in a private folder and on a free port of the loopback address, behind a random password.
# PostgreSQL refuses to run as root: root starts it as the user postgres. Several processes may call `start` at once
# with the same DIR; they get the same server.
set -euo pipefail
verb=${1:-}
dir=${2:-}
case $verb in
  start | stop) ;;
  *)
    printf 'error: unknown verb %s; usage: scripts/pg.sh start|stop DIR\n' "'$verb'" >&2
    exit 1
    ;;
esac
[ -n "$dir" ] || {
  printf 'error: no folder given; usage: scripts/pg.sh %s DIR\n' "$verb" >&2
  exit 1
}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
umask 077

# Runs a command as the owner of the cluster.
if [ "$(id -u)" -eq 0 ]; then
  owner=postgres
  id "$owner" >/dev/null 2>&1 || owner=nobody
  if command -v runuser >/dev/null 2>&1; then
    as_owner() { (cd / && exec runuser -u "$owner" -- "$@"); }
  else
    as_owner() { (cd / && exec su -s /bin/sh "$owner" -c "$(printf '%q ' "$@")"); }
  fi
else
  owner=$(id -un)
  as_owner() { (cd / && exec "$@"); }
fi

# DIR holds only notes (address, place); the cluster lies in a short folder of its own, because a socket's path may
# have 107 bytes and the user postgres may not be able to enter DIR.
place_of() { [ -s "$dir/place" ] && cat "$dir/place"; }

running() {
  local place
  place=$(place_of) && [ -s "$dir/url" ] && [ -S "$place/.s.PGSQL.$(cat "$dir/port" 2>/dev/null)" ] &&
    as_owner "$bin/pg_ctl" -D "$place/data" status >/dev/null 2>&1
}

discard() {
  local place
  place=$(place_of) || return 0
  # Delete only what this script made: the mark is written before anything else.
  if [ -f "$place/gongkai-throwaway" ]; then
    as_owner "$bin/pg_ctl" -D "$place/data" -m immediate -w -t 30 stop >/dev/null 2>&1 || true
    rm -rf -- "$place"
  fi
  rm -f -- "$dir/url" "$dir/port" "$dir/place" "$dir/log"
}

bin=$(find_postgres) || {
  [ -n "${GONGKAI_PG_BIN:-}" ] || # which has told its own fault
    printf '%s\n' "error: PostgreSQL's server programs (initdb, pg_ctl) were not found; install them (apt-get install postgresql) or set GONGKAI_PG_BIN to their folder" >&2
  exit 1
}

if [ "$verb" = stop ]; then
  [ -d "$dir" ] || exit 0
  exec 9>"$dir/lock"
  flock 9
  discard 9>&-
  exec 9>&-
  rm -f -- "$dir/lock"
  rmdir -- "$dir" 2>/dev/null || true
  exit 0
fi

mkdir -p "$dir"
exec 9>"$dir/lock"
flock -w 120 9 || die "another process has been starting PostgreSQL in $dir for two minutes; end it, then try again"
if ! running 9>&-; then
  discard 9>&-
  place=$(mktemp -d "${TMPDIR:-/tmp}/gkpg.XXXXXX")
  printf '%s\n' "$place" >"$dir/place"
  : >"$place/gongkai-throwaway"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s\n' "$password" >"$place/password"
  [ "$(id -u)" -ne 0 ] || chown -R "$owner" "$place"
  # The C locale: the order of text is that of its bytes, as on SQLite.
  as_owner "$bin/initdb" -D "$place/data" -U gongkai --pwfile="$place/password" --auth-local=peer \
    --auth-host=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$dir/log" 2>&1 9>&- || {
    cat "$dir/log" >&2
    discard 9>&-
    die "initdb failed (see above)"
  }
  # The socket is for this user only, so it needs no password; the port does.
  # shellcheck disable=SC2016  # $1 is for the inner shell, which runs as the owner
  as_owner sh -c 'printf "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n" >"$1/data/pg_hba.conf"' sh "$place"
  # shellcheck disable=SC2016
  as_owner sh -c 'cat >>"$1/data/postgresql.conf"' sh "$place" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$place'
unix_socket_permissions = 0700
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 200
shared_buffers = 64MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
CONF
  # A port is free when the server can take it: try some below the range the kernel hands out.
  started=
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if as_owner "$bin/pg_ctl" -D "$place/data" -l "$place/log" -o "-p $port" -w -t 60 start >/dev/null 2>&1 </dev/null 9>&-; then
      started=1
      break
    fi
    grep -qi 'could not bind\|in use' "$place/log" || break
    : >"$place/log"
  done
  if [ -z "$started" ]; then
    cat "$place/log" >&2 || true
    discard 9>&-
    die "PostgreSQL did not start (see above)"
  fi
  printf '%s\n' "$port" >"$dir/port"
  as_owner "$bin/createdb" -h "$place" -p "$port" -U gongkai -T template0 gongkai >>"$dir/log" 2>&1 9>&- || {
    cat "$dir/log" >&2
    discard 9>&-
    die "the test database could not be created (see above)"
  }
  printf 'postgres://gongkai:%s@127.0.0.1:%s/gongkai\n' "$password" "$port" >"$dir/url"
fi
cat "$dir/url"
