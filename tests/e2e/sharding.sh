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
  expect 0 "[1-8] of 8 shards were there already" convert "$ranks" "$output"
  diff -r "$work/one" "$output" || die "other bytes after a kill"
}
say "kill -9 in the middle, then the same command"
killed 1
killed 2

say "a full disk"
# A file system of 100 KiB of its own; what it holds is seen in there only.
cat >"$work/on_a_full_disk" <<'SH'
mount -t tmpfs -o size=100k none "$1" || exit 1
code=0
"${@:2}" || code=$?
echo "left behind: '$(ls -A "$1")'"
exit $code
SH
mkdir "$work/full"
if unshare -rm mount -t tmpfs none "$work/full" 2>/dev/null; then
  expect 74 "no room for .*/full/shard-00000.h5.partial" unshare -rm bash "$work/on_a_full_disk" \
    "$work/full" "$DUSK" shard --dataset cityscapes --input "$city" --output "$work/full"
  grep -q "left behind: ''" "$work/output" || die "a full disk: $(tail -1 "$work/output")"
else
  say "SKIPPED, NOT PASSED: no mount namespaces here (the unit test Shard.AFullDisk... limits the file's size)"
fi

say "--size, --tile, --level, --shard-size"
"$DUSK" -q shard --dataset cityscapes --input "$city" --output "$work/small" --size 64x128 --tile 64 --level 1 --shard-size 5
expect 0 "64x128 \(24\)" "$DUSK" shards list "$work/small"
[ "$(ls "$work/small" | grep -c h5)" -eq 5 ] || die "not 5 shards"
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
