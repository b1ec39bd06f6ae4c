#!/usr/bin/env bash
# Full rebuild of a city of 20,000 documents from nothing (rendered, compressed, hashed, stored), beside Hugo on the same
# titles and texts in pages of the same weight. Pages per second of processor time; goal four times Hugo.
set -euo pipefail
# shellcheck source=benches/lib.sh
. "$(dirname "$0")/lib.sh"
needs hugo python3
dir=$(city 20000)
say "preparing Hugo's site"
"$GONGKAI_BIN" export site --data "$dir" --key-file "$dir.key" --site jyj --out "$work/export" >/dev/null
page=$(find "$work/export/dongtai" -name '*.html' -path '*/20*/*' | head -n 1)
[ -n "$page" ] || die "the export has no document page"
documents=$(python3 "$HELP" hugo "$dir" "$work/hugo" "$page" 20000)
read -r _ weight < <(python3 "$HELP" count "$work/export/dongtai")
ours="" theirs=""
runs=${RUNS:-3}
for _ in $(seq "$runs"); do
  rm -rf "$work/city" "$work/public"
  cp -r "$dir" "$work/city"
  rm -rf "$work/city/blobs"
  python3 "$HELP" blank "$work/city"
  python3 "$HELP" cpu "$work/cpu" "$GONGKAI_BIN" publish rebuild --data "$work/city" --key-file "$dir.key" --json >"$work/out"
  made=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["changed"])' "$work/out")
  read -r cpu clock _ <"$work/cpu"
  ours+=" $(python3 -c "print($made/$cpu)")"
  say "gongkai: $made addresses, $cpu s of processor time, $clock s"
  python3 "$HELP" cpu "$work/cpu" hugo --quiet --source "$work/hugo" --destination "$work/public" --cacheDir "$work/cache"
  read -r files size < <(python3 "$HELP" count "$work/public")
  read -r cpu clock _ <"$work/cpu"
  theirs+=" $(python3 -c "print($files/$cpu)")"
  say "hugo: $files files, $cpu s of processor time, $clock s"
done
{
  echo "$documents documents; gongkai $made addresses (each also compressed, hashed and entered in the database; pages about $weight bytes), Hugo $files files (about $size bytes, not compressed); $runs runs in turn."
  echo
  echo "| what | gongkai | Hugo | ratio | goal |"
  echo "| --- | --- | --- | --- | --- |"
  python3 "$HELP" ratio 4 "$ours" "$theirs" "pages per second of processor time" "/s"
} | record rebuild
