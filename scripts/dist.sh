#!/usr/bin/env bash
# A release build, packed with its licence texts: target/dist/gongkai-VERSION-ARCH-linux.tar.gz and its SHA-256.
# The archive of the same program is the same bytes: owners and times are fixed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
scripts/bootstrap.sh run
find_cargo || die "no Rust that is new enough; run scripts/bootstrap.sh run and read what it says"
cargo build --release -p gongkai --locked || die "the build failed (see above)"
target=$(target_dir)
version=$(sed -n 's/^version *= *"\(.*\)".*/\1/p' Cargo.toml | head -n 1)
name=gongkai-$version-$(uname -m)-linux
out=$target/dist
rm -rf -- "${out:?}/$name"
mkdir -p "$out/$name"
install -m 755 "$target/release/gongkai" "$out/$name/gongkai"
for file in LICENSE NOTICE README.md README.zh-CN.md CHANGELOG.md gongkai.example.toml; do
  [ ! -f "$file" ] || install -m 644 "$file" "$out/$name/$file"
done
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf - "$name" | gzip -n -9 >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
say "made $out/$name.tar.gz ($(du -h "$out/$name.tar.gz" | cut -f 1))"
