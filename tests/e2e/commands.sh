#!/usr/bin/env bash
# Every command once, as a user would: draw, shard, look, train, score, predict, report.
source "$(dirname "$0")/common.sh"
make_shards
write_config

say "shards"
"$DUSK" shards list "$work/shards/day" >"$work/list"
grep -q "cityscapes19" "$work/list" || die "list does not name the label space"
"$DUSK" shards verify "$work/shards/day" || die "verify"
"$DUSK" shards show "$work/shards/day" --sample 0 --output "$work/sample" || die "show"
ls "$work"/sample/*.png >/dev/null || die "show wrote nothing"

say "train on two ranks, then score and predict on two ranks"
train 2 "$work/run" -q
[ -s "$work/run/report.html" ] && [ -s "$work/run/result.json" ] || die "no report or result"
grep -q 'data:image/png' "$work/run/report.html" || die "the report has no pictures"
for group in static dynamic small; do
  grep -q "day: IoU of $group classes" "$work/run/report.html" || die "the report has no curves of $group classes"
done
"$DUSK_SOURCE/launch/local.sh" -n 2 -- -q eval --run "$work/run" --json "$work/eval.json"
"$DUSK" -q eval --run "$work/run" --json "$work/eval1.json"
cmp "$work/eval.json" "$work/eval1.json" || die "other digits on another number of ranks"
diff <(grep miou "$work/eval.json") <(grep miou "$work/run/result.json") || die "eval and train disagree"

images=$(dirname "$(find "$work/city/night/leftImg8bit/val" -name '*.png' | head -1)")
"$DUSK_SOURCE/launch/local.sh" -n 2 -- -q predict --run "$work/run" --images "$images" --output "$work/labels"
"$DUSK" -q predict --run "$work/run" --images "$images" --output "$work/labels1"
[ "$(ls "$work/labels" | wc -l)" -eq "$(ls "$images" | wc -l)" ] || die "not one label for each picture"
diff -r "$work/labels" "$work/labels1" || die "other labels on another number of ranks"
"$DUSK" -q predict --run "$work/run" --images "$images" --output "$work/colors" --format colors

say "a copy of the shards on the node's own disk changes nothing"
train 2 "$work/staged" --stage "$work/disk" >"$work/output" 2>&1 || die "train --stage"
grep -q "read from its copy $work/disk/day-" "$work/output" || die "no copy was made"
same_bytes "$work/run" "$work/staged"

say "report"
"$DUSK" -q report "$work/run" --output "$work/report"
[ -s "$work/report/report.html" ] && grep -q run "$work/report/scores.day.csv" || die "no tables"
"$DUSK" bench step --config "$work/config.yaml" --steps 2 --warmup 1 --json >"$work/bench"
grep -q step_ms "$work/bench" || die "bench step"
"$DUSK" bench loader --work "$work/bench-loader" --pictures "$images" --count 2 --rounds 1 --crops 1 --batches 1 \
  --json >"$work/bench"
grep -q ratio_jpeg "$work/bench" || die "bench loader"
"$DUSK" bench read --work "$work/bench-read" --threads 4 --seconds 0.5 --json >"$work/bench"
grep -q '"differences":0' "$work/bench" || die "bench read"
"$DUSK" bench open --work "$work/bench-open" --samples 30 --shards 3 --json >"$work/bench"
grep -q '"samples":30,.*"shards":3' "$work/bench" || die "bench open"
say "passed"
