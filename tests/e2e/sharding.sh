#!/usr/bin/env bash
# Conversion to shards as a user meets it: the same bytes from 1, 2 and 3 ranks, kill -9 in the middle
# and again, a full disk, --size, and what `dusk shards` says to damage.
source "$(dirname "$0")/common.sh"
city=$work/city/day
"$DUSK" -q synth --layout cityscapes --scenes 24 --size 128x256 --seed 5 --no-night --output "$work/city"

# A level that takes its time, so that a kill finds the work unfinished.
convert() {
  local ranks=$1 output=$2
  shift 2
  "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- shard --dataset cityscapes --input "$city" \
    --output "$output" --shard-size 3 --level 19 --threads 1 "$@"
}

say "the same bytes from 1, 2 and 3 ranks"
convert 1 "$work/one" >"$work/summary" 2>&1 || { cat "$work/summary" >&2; die "shard"; }
grep -q "samples in .* shards" "$work/summary" && grep -qE " 0 road +[0-9.]+ %" "$work/summary" ||
  { cat "$work/summary" >&2; die "no summary of sizes and class shares"; }
for ranks in 2 3; do
  convert "$ranks" "$work/ranks$ranks" -q
  diff -r "$work/one" "$work/ranks$ranks" || die "other bytes from $ranks ranks"
done

# killed RANKS VICTIM: kill -9 of one rank after the first shard, then the same command.
killed() {
  local ranks=$1 output=$work/killed$1 launcher
  convert "$ranks" "$output" -q >"$work/killed.log" 2>&1 &
  launcher=$!
  until ls "$output"/shard-*.h5 >/dev/null 2>&1; do
    kill -0 "$launcher" 2>/dev/null || { cat "$work/killed.log" >&2; die "it ended before a shard was there"; }
  done
  kill -9 "$(pids_of "--output $output" | tail -1)"
  wait "$launcher" && die "a killed conversion ended well"
  [ ! -e "$output/manifest.json" ] || die "a killed conversion was published"
  expect 65 "never finished|no set of shards" "$DUSK" shards verify "$output"
  expect 0 "of 6 shards were there already" convert "$ranks" "$output"
  diff -r "$work/one" "$output" || die "other bytes after a kill"
}
say "kill -9 in the middle, then the same command"
killed 1
killed 2

say "a full disk"
full() { (trap '' XFSZ; ulimit -f 40; "$DUSK" shard --dataset cityscapes --input "$city" --output "$work/full"); }
expect 74 "no room for .*/full/shard-00000.h5.partial" full
[ -z "$(ls "$work/full")" ] || die "a full disk left $(ls "$work/full")"

say "--size, --tile, --level, --shard-size"
"$DUSK" -q shard --dataset cityscapes --input "$city" --output "$work/small" --size 64x128 --tile 64 --level 1 --shard-size 5
expect 0 "64x128 \(17\)" "$DUSK" shards list "$work/small"
[ "$(ls "$work/small" | grep -c h5)" -eq 4 ] || die "not 4 shards"
expect 64 "level is 23" "$DUSK" shard --dataset cityscapes --input "$city" --output "$work/x" --level 23
expect 64 "tile is 8" "$DUSK" shard --dataset cityscapes --input "$city" --output "$work/x" --tile 8
expect 64 "HEIGHTxWIDTH" "$DUSK" shard --dataset cityscapes --input "$city" --output "$work/x" --size 64
[ ! -e "$work/x/manifest.json" ] || die "published with impossible options"

say "damage is named"
expect 0 " 0 damaged" "$DUSK" shards verify "$work/small"
shard=$work/small/shard-00002.h5
at=$(($(stat -c %s "$shard") / 2))
byte=$(od -An -tu1 -j "$at" -N 1 "$shard")
printf "\\x$(printf %x $((byte ^ 64)))" | dd of="$shard" bs=1 seek="$at" conv=notrunc status=none
expect 65 "shard-00002.h5: sample '.*', (image|label)" "$DUSK" shards verify "$work/small"
say "passed"
