#!/usr/bin/env bash
# Every data set from the command line: drawn in its layout, read into shards, every byte verified;
# roles and times of day are those that were drawn.
source "$(dirname "$0")/common.sh"

# check LAYOUT "EXPECTED ROWS, or nothing" [arguments of synth] -- [arguments of shard]
check() {
  local layout=$1 expected=$2 city="$work/$1/city" set="$work/$1/set" synth=()
  shift 2
  while [ "$1" != -- ]; do synth+=("$1"); shift; done
  shift
  say "$layout"
  "$DUSK" -q synth --layout "$layout" --scenes 4 --size 32x64 --seed 3 "${synth[@]}" --output "$city"
  [ ! -d "$city/day/leftImg8bit" ] || city+=/day
  "$DUSK" -q shard --dataset "$layout" --input "$city" --output "$set" "$@"
  "$DUSK" -q shards verify "$set"
  "$DUSK" shards list "$set" | grep -E "samples, .* labelled" | awk '{print $1, $2, $3, $5}' >"$work/rows"
  [ -z "$expected" ] || diff <(printf '%s\n' "$expected" | tr ';' '\n' | sed 's/^ *//') "$work/rows" || die "rows of $layout differ"
  rm -rf "$work/$layout"
}

# role time samples labelled
check acdc "test night 1 0; test_ref day 1 0; train night 2 2; train_ref day 2 0; val night 1 1; val_ref day 1 0" --
check bdd100k "test - 2 0; train day 2 2; train night 2 2; val day 1 1; val night 1 1" --
check camvid "test day 1 1; test dusk 1 0; train day 2 2; train dusk 2 2; val day 1 1" --
check cityscapes "test day 3 1; train day 6 2; val day 3 1" --disparity --sequence -- --neighbours 1
check dark_zurich "test night 1 0; test_ref day 1 0; train day 2 0; train night 2 0; val night 1 1; val_ref day 1 0" --
check folder "test day 1 1; test night 1 1; train day 2 2; train night 2 2; val day 1 1; val night 1 1" --disparity --
check kitti "test day 1 0" -- --split test
check kitti_raw "train day 12 0" --disparity --sequence --
check nexet "" --  # what is night and what is in val depends on the pictures and their names
check nighttime_driving "test night 1 1" --
check nuscenes "test day 3 0; test night 3 0; train day 6 0; train night 6 0; val day 3 0; val night 3 0" \
  --disparity --sequence -- --neighbours 1
check robotcar "train day 4 0; train night 4 0" -- --size 320x640

say "messages"
expect 64 "unknown; there are: acdc, bdd100k, camvid" "$DUSK" shard --dataset citiscapes --input x --output y
expect 64 "--gt: not an option of camvid" "$DUSK" shard --dataset camvid --gt coarse --input x --output y
expect 65 "rgb_anon: no such folder; expected: rgb_anon/train" "$DUSK" shard --dataset dark_zurich --input "$work" --output "$work/y"
expect 0 "zurich_dn_pair_train.csv" "$DUSK" shard --help
echo "12 data sets were drawn, read and verified"
