#!/usr/bin/env bash
# Pseudo-labels as a user meets them: the same bytes from 1, 2 and 3 ranks, kill -9 at five moments and
# the same command again, training on what came out, and refusals of what does not belong together.
source "$(dirname "$0")/common.sh"
make_shards
write_config
train 1 "$work/run" -q --set train.steps=8 --set evaluate={}
input=$work/shards/day

label() {
  local ranks=$1 output=$2
  shift 2
  "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- label --run "$work/run" --input "$input" --output "$output" \
    --shard-size 2 --batch 2 --threads 1 "$@"
}

say "the same bytes from 1, 2 and 3 ranks"
label 1 "$work/plain1" >"$work/output" 2>&1 || { cat "$work/output" >&2; die "label"; }
grep -qE "label 24 pictures: about .* on 1 rank\(s\) and .*B" "$work/output" || { cat "$work/output" >&2; die "no estimate"; }
balanced="--portion 0.5 --threshold 0.9 --flip --scales 0.5,1,1.5"
label 1 "$work/balanced1" -q $balanced
for ranks in 2 3; do
  label "$ranks" "$work/plain$ranks" -q
  diff -r "$work/plain1" "$work/plain$ranks" || die "other labels from $ranks ranks"
  label "$ranks" "$work/balanced$ranks" -q $balanced
  diff -r "$work/balanced1" "$work/balanced$ranks" || die "other balanced labels from $ranks ranks"
done
[ "$(find "$work/plain1" -type f | wc -l)" -eq 13 ] || die "more than 12 shards and a manifest: $(ls "$work/plain1")"

say "they are labels with confidence of pictures that lie elsewhere"
expect 0 " 0 damaged" "$DUSK" shards verify "$work/balanced1"
expect 0 "confidence \(24\)" "$DUSK" shards list "$work/balanced1"
expect 0 "; 0.00 % are ignored" "$DUSK" shards list "$work/plain1"
"$DUSK" shards list "$work/balanced1" | grep -qE "; ([3-9][0-9]|[12][0-9])\.[0-9]+ % are ignored" ||
  { "$DUSK" shards list "$work/balanced1" >&2; die "half of each class should be ignored, or less"; }
"$DUSK" -q shards show "$work/plain1" --sample 0 --output "$work/shown"

# killed NAME FOLDER COUNT RANKS: kill -9 of a rank when COUNT shards are in FOLDER, then the same again.
killed() {
  local name=$1 folder=$2 count=$3 ranks=$4 output=$work/killed-$1 launcher victim
  label "$ranks" "$output" -q $balanced >"$work/killed.log" 2>&1 &
  launcher=$!
  until [ "$(find "$output/$folder" -maxdepth 1 -name 'shard-*.h5' 2>/dev/null | wc -l)" -ge "$count" ]; do
    kill -0 "$launcher" 2>/dev/null || break
  done
  victim=$(pids_of "--output $output" | tail -1)
  if [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null; then
    wait "$launcher" && die "killed labels ended well"
    kills=$((kills + 1))
  else
    wait "$launcher" || { cat "$work/killed.log" >&2; die "labels for a kill"; }
  fi
  label "$ranks" "$output" -q $balanced
  diff -r "$work/balanced1" "$output" || die "other bytes after a kill at $name"
}
say "kill -9 at five moments, then the same command"
kills=0
killed first unthresholded 1 1
killed half unthresholded 6 2
killed late unthresholded 11 1
killed thresholds . 1 2
killed end . 8 1
[ "$kills" -ge 1 ] || die "all five ended before they were killed"

say "nothing is done twice, and a published set is not changed"
expect 0 "12 of 12 shards were there already" label 1 "$work/plain1"
expect 0 "is there already" label 2 "$work/balanced1" $balanced
expect 64 "already holds a set whose shard-00000.h5 was made from other pictures" label 1 "$work/plain1" --flip
expect 64 "already holds a set" label 1 "$work/balanced1" --portion 0.4

say "a list chooses, and the labels are trained on"
"$DUSK_SOURCE/launch/local.sh" -n 2 -- -q select histogram --input "$input" --output "$work/lists/two.json" \
  --night-below 0 --count 9
"$DUSK" -q select histogram --input "$input" --output "$work/lists/one.json" --night-below 0 --count 9
cmp "$work/lists/one.json" "$work/lists/two.json" || die "another list from two ranks"
grep -q "Scores in rising order" "$work/lists/one.html" || die "no plot"
[ "$(grep -c '"chosen": true' "$work/lists/one.json")" -eq 9 ] || die "not 9 chosen"
label 2 "$work/shards/pseudo" -q --list "$work/lists/one.json" --threshold 0.3
expect 0 " 9 samples in 5 shards" "$DUSK" shards list "$work/shards/pseudo"
train 2 "$work/again" -q --set train.steps=6 --set streams.source.shards=pseudo --set streams.source.confidence=true
train 1 "$work/again1" -q --set train.steps=6 --set "streams.source.filter.list=$work/lists/one.json" \
  --set streams.source.filter.roles=[]

say "the FID rule, with features that are named"
for ranks in 1 2; do
  "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- -q select fid --input "$input" --reference "$work/shards/pseudo" \
    --night-below 0 --count 5 --output "$work/lists/fid$ranks.json" --device cpu --transductive 2>"$work/output"
done
cmp "$work/lists/fid1.json" "$work/lists/fid2.json" || die "another list from two ranks"
grep -q '"features":"MobileNetV2, random weights of seed 0"' "$work/lists/fid1.json" || die "features without a name"
expect 64 "is of a test set; .*--transductive allows it" "$DUSK" select fid --input "$input" \
  --reference "$work/shards/pseudo" --night-below 0 --output "$work/x"
expect 64 "only --select topk" "$DUSK" select fid --input "$input" --reference "$input" --output "$work/x" --select threshold
expect 64 "needs the file of its weights" "$DUSK" select fid --input "$input" --reference "$input" --output "$work/x" \
  --features inception
expect 65 "none of its 24 pictures has a mean below 1 " "$DUSK" select histogram --input "$input" --output "$work/x" \
  --night-below 1

say "what does not belong together is refused"
expect 64 "portion is 2" label 1 "$work/x" --portion 2
expect 64 "is the set that --input names" label 1 "$input"
expect 65 "no manifest.json there" "$DUSK" label --run "$work/run" --input "$work/city" --output "$work/x"
expect 64 "no run directory" "$DUSK" label --run "$work/city" --input "$input" --output "$work/x"
echo nobody >"$work/lists/wrong"
expect 65 "wrong: 1 of the 1 samples that it chooses are not in .*'nobody'" label 1 "$work/x" --list "$work/lists/wrong"
rm -r "$input"
"$DUSK" -q shard --dataset cityscapes --input "$work/city/day" --output "$input" --size 32x64
expect 65 "pseudo/../day, which is another set than when this one was made" "$DUSK" shards list "$work/shards/pseudo"
say "passed"
