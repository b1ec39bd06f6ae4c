#!/usr/bin/env bash
# Public pages a second: one hot page, and random ones of 20,000, beside nginx with the same bytes and headers.
# The server has core 0, the load core 1. Goals: hot 1.1 times nginx, random twice nginx.
set -euo pipefail
# shellcheck source=benches/lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
needs nginx wrk taskset python3
[ "$(nproc)" -ge 2 ] || die "two cores are needed: one for the server, one for the load"
pages=20000
seconds=${SECONDS_EACH:-5}
dir=$(city "$pages")
serve "$dir" taskset -c 0
mkdir -p "$work/root" "$work/tmp"
say "fetching the pages for nginx"
read -r n plain packed < <(python3 "$HELP" fetch "$public" "$work" "$pages")
port=$(free_port)
cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.err crit; worker_rlimit_nofile 65536;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65; keepalive_requests 100000000;
  client_body_temp_path $work/tmp/a; proxy_temp_path $work/tmp/b; fastcgi_temp_path $work/tmp/c; uwsgi_temp_path $work/tmp/d; scgi_temp_path $work/tmp/e;
  open_file_cache max=60000 inactive=60m; open_file_cache_valid 60m; open_file_cache_min_uses 1;
  types { text/html html; } default_type text/html; charset utf-8; charset_types text/html;
  gzip_static on; etag on;
  server {
    listen 127.0.0.1:$port default_server; root $work/root/\$host;
    add_header content-security-policy "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
    add_header x-content-type-options nosniff; add_header referrer-policy same-origin;
    add_header cache-control no-cache; add_header vary accept-encoding;
  }
}
CONF
# Below a folder that only its owner may enter, a worker of another user would find nothing.
[ "$(id -u)" -ne 0 ] || sed -i '1s/^/user root; /' "$work/nginx.conf"
taskset -c 0 nginx -c "$work/nginx.conf" -p "$work" 2>/dev/null &
started+=($!)
sleep 1
run() { # run PORT HOT SECONDS → requests a second
  local answer
  answer=$(LIST="$work/list" HOT=$2 taskset -c 1 wrk -t1 -c32 -d"$3s" -s "$here/random.lua" "http://127.0.0.1:$1/" 2>&1 >/dev/null | tail -n 1)
  [ "${answer#* }" = 0 ] || say "errors in this run: $answer"
  printf '%s' "${answer%% *}"
}
for p in "$public" "$port"; do run "$p" 0 4 >/dev/null; done
for hot in 1 0; do
  ours="" theirs=""
  for _ in 1 2 3; do
    ours+=" $(run "$public" $hot "$seconds")"
    theirs+=" $(run "$port" $hot "$seconds")"
  done
  if [ $hot = 1 ]; then hot_ours=$ours hot_theirs=$theirs; fi
done
{
  echo "$n pages of $plain bytes ($packed compressed), wrk -t1 -c32, server on core 0, load on core 1, three runs of ${seconds} s each in turn."
  echo
  echo "| what | gongkai | nginx | ratio | goal |"
  echo "| --- | --- | --- | --- | --- |"
  python3 "$HELP" ratio 1.1 "$hot_ours" "$hot_theirs" "one hot page" "/s"
  python3 "$HELP" ratio 2 "$ours" "$theirs" "random of $n" "/s"
} | record serve
