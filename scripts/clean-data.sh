#!/usr/bin/env bash
# Deletes a demo city's data folder; refuses one that is being served, and anything that is no data folder.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
dir=${1:-./data/demo}
if [ ! -e "$dir" ]; then
  say "nothing to delete: $dir does not exist"
  exit 0
fi
# city.db is the truth of every embedded city; a folder without it is somebody's other folder.
[ -f "$dir/city.db" ] || [ -z "$(ls -A "$dir")" ] || die "$dir holds no city.db, so it is not a data folder of Gongkai; nothing was deleted"
if [ -e "$dir/lock" ] && ! flock -n "$dir/lock" true; then
  die "$dir is in use; end the running 'gongkai' first, then try again"
fi
rm -rf -- "$dir"
say "deleted $dir"
