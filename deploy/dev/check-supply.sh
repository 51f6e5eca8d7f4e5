#!/usr/bin/env bash
# check-supply.sh ROOT [METADATA TREE]: whether what we ship keeps to deny.toml. METADATA and TREE are files with what cargo
# says, for tests; else cargo is asked.
set -euo pipefail
cd "$1"
if ! python3 -c 'import tomllib' 2>/dev/null; then
    echo 'deny.toml is not checked: Python 3.11 is not here' >&2
    exit
fi
if (($# == 3)); then exec python3 deploy/dev/check_supply.py "$2" "$3"; fi
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
# Both images are of these targets, and their dependencies are the same ones.
target=x86_64-unknown-linux-gnu
cargo metadata --locked --format-version 1 --filter-platform "$target" >"$said/metadata"
cargo tree --locked --workspace --target "$target" --edges normal,build,dev --prefix none --format '{p}' >"$said/tree"
python3 deploy/dev/check_supply.py "$said/metadata" "$said/tree"
