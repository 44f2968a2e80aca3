#!/usr/bin/env bash
# The model of scale on stored input, against numbers worked out by hand; its machines can be read.
source "$(dirname "$0")/common.sh"
here=$(cd "$(dirname "$0")" && pwd)/scale_model
model=$DUSK_SOURCE/tools/bench/scale_model
export PYTHONDONTWRITEBYTECODE=1

python3 "$here/check.py" "$DUSK_SOURCE" "$here"
"$model" --step "$here/step.json" >"$work/text"
grep -q "^Assumptions" "$work/text" || die "no assumptions"
machines=("$DUSK_SOURCE"/tools/bench/machines/*.json)
[ "${#machines[@]}" -ge 3 ] || die "only ${#machines[@]} machines"
[ "$(grep -c "^round network on " "$work/text")" -eq "${#machines[@]}" ] || die "not a table a machine"
[ "$(grep -c "^  *1024 " "$work/text")" -ge 2 ] || die "no figures for 1024 GPUs"
sed 's/"ranks": 2/"ranks": 1/' "$here/step.json" >"$work/alone.json"
expect 1 "measured on one rank, which exchanges nothing" "$model" --step "$work/alone.json"
say "done"
