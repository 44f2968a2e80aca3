#!/usr/bin/env bash
# Translation of a set as a user meets it: the same bytes from 1, 2 and 3 ranks, labels that stay where
# they are, kill -9 and the same command again, and what is refused.
source "$(dirname "$0")/common.sh"
"$DUSK" -q synth --layout cityscapes --scenes 12 --size 64x128 --seed 3 --output "$work/city"
for time in day night; do
  "$DUSK" -q shard --dataset cityscapes --time-of-day $time --input "$work/city/$time" --output "$work/shards/$time" \
    --size 62x126
done
cat >"$work/config.yaml" <<YAML
include: [$DUSK_SOURCE/configs/models/unit_tiny.yaml]
name: tiny
method: unit
data_root: $work/shards
streams:
  source: {shards: day, labels: false, global_batch: 1, augment: {crop_height: 64, crop_width: 64, short_side: 64}}
  target: {shards: night, labels: false, global_batch: 1, augment: {crop_height: 64, crop_width: 64, short_side: 64}}
train: {steps: 2, log_every: 2, checkpoint_every: 2}
YAML
train 1 "$work/run" -q
input=$work/shards/day

translate() {
  local ranks=$1 output=$2
  shift 2
  "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- translate --run "$work/run" --input "$input" --output "$output" \
    --shard-size 2 --batch 2 --threads 1 "$@"
}

say "the same bytes from 1, 2 and 3 ranks; 62x126 is no multiple of the network's stride"
for ranks in 1 2 3; do
  translate "$ranks" "$work/shards/night$ranks" -q
  diff -r "$work/shards/night1" "$work/shards/night$ranks" || die "other pictures from $ranks ranks"
done
expect 0 " 0 damaged" "$DUSK" shards verify "$work/shards/night1"
expect 0 "62x126 \(12\)" "$DUSK" shards list "$work/shards/night1"
expect 0 "label \(12\)" "$DUSK" shards list "$work/shards/night1"
expect 0 " night " "$DUSK" shards list "$work/shards/night1"
"$DUSK" shards list "$input" | grep "^  *[0-9]* road" >"$work/roads"
"$DUSK" shards list "$work/shards/night1" | grep -F "$(cat "$work/roads")" >/dev/null || die "other labels than the source's"

say "kill -9, then the same command"
translate 2 "$work/killed" -q >"$work/killed.log" 2>&1 &
launcher=$!
until ls "$work"/killed/shard-*.h5 >/dev/null 2>&1; do
  kill -0 "$launcher" 2>/dev/null || break
done
victim=$(pids_of "--output $work/killed" | tail -1)
[ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true
wait "$launcher" || true
translate 1 "$work/killed" -q
diff -r "$work/shards/night1" "$work/killed" --exclude manifest.json || die "other bytes after a kill"

say "a smaller side and the other direction; back at the source's size"
translate 2 "$work/shards/small" -q --short-side 32 --direction backward
expect 0 "62x126 \(12\)" "$DUSK" shards list "$work/shards/small"
expect 0 " day " "$DUSK" shards list "$work/shards/small"

say "what does not belong together is refused"
expect 64 "already holds a set" translate 1 "$work/shards/night1" --short-side 32
expect 64 "trains a translator of pictures" "$DUSK" label --run "$work/run" --input "$input" --output "$work/x"
rm -r "$input"
"$DUSK" -q shard --dataset cityscapes --input "$work/city/day" --output "$input" --size 32x64
expect 65 "night1/../day, which is another set" "$DUSK" shards list "$work/shards/night1"
say "passed"
