#!/usr/bin/env bash
# Pairs of day and night as a user aligns them: the same bytes from 1, 2 and 3 ranks, sheets, refusals,
# and the error against the drawn city's true flow.
source "$(dirname "$0")/common.sh"
"$DUSK" -q synth --layout dark_zurich --scenes 9 --size 128x256 --seed 3 --output "$work/city"
"$DUSK" -q shard --dataset dark_zurich --input "$work/city" --output "$work/shards/zurich"

align() {
  local ranks=$1
  shift
  "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- align --input "$work/shards/zurich" "$@"
}

say "the same bytes from 1, 2 and 3 ranks"
for ranks in 1 2 3; do
  align "$ranks" --output "$work/lists/$ranks.json" -q
  cmp "$work/lists/1.json" "$work/lists/$ranks.json" || die "other homographies from $ranks ranks"
done
[ "$(grep -c '"night":"' "$work/lists/1.json")" -eq 9 ] || die "not one line for each pair"
grep -q '"detector":"SIFT"' "$work/lists/1.json" || die "no provenance"

say "sheets of the first pairs"
expect 0 "of 7 pairs have a homography" align 2 --output "$work/train.json" --split train --draw "$work/sheets" --draw-count 3
[ "$(ls "$work/sheets" | wc -l)" -eq 3 ] || die "not three sheets"
file=$(ls "$work"/sheets/*.png | head -1)
[ "$(od -An -tu1 -j16 -N8 "$file" | tr -s ' ')" = " 0 0 2 0 0 0 1 0" ] || die "the sheet is not 512x256"

say "what cannot be aligned"
expect 65 "none of 9 samples has all of them" align 1 --output "$work/x" --only-time day
[ ! -e "$work/x" ] || die "a file of a failed command"

say "the error against the true flow"
"$DUSK" -q bench alignment --scenes 2 --size 128x256 --json >"$work/error"
grep -q '"places":2,' "$work/error" && grep -q '"homography":{"error":' "$work/error" || die "bench alignment"
expect 0 "all_places +identity +mean error" "$DUSK" bench alignment --scenes 1 --size 128x256
say "passed"
