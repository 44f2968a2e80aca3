#!/usr/bin/env bash
# configs/README.md lists the keys that the program knows, and every experiment is a valid
# configuration: what stops it is the missing data (exit code 65), not the file (64).
source "$(dirname "$0")/common.sh"
cd "$DUSK_SOURCE"
"$DUSK" train --list-keys >"$work/keys"
[ "$(wc -l <"$work/keys")" -ge 40 ] || die "too few keys"
sed -n '/^| Key/,$p' configs/README.md | diff - "$work/keys" ||
  die "configs/README.md is out of date: its table is the output of dusk train --list-keys"
count=0
for config in configs/experiments/*.yaml; do
  expect 65 "nowhere" "$DUSK" train "$config" --run "$work/run" --set "data_root=$work/nowhere"
  count=$((count + 1))
done
[ "$count" -ge 3 ] || die "only $count experiments"
say "$count experiments are valid"
