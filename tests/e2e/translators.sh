#!/usr/bin/env bash
# Translators between the drawn city's day and night: trained on two ranks, continued, looked at.
source "$(dirname "$0")/common.sh"
"$DUSK" -q synth --layout cityscapes --scenes 24 --size 64x128 --seed 3 --output "$work/city"
for time in day night; do
  "$DUSK" -q shard --dataset cityscapes --time-of-day $time --input "$work/city/$time" --output "$work/shards/$time"
done

write_translator_config() {
  cat >"$work/config.yaml" <<YAML
include: [$DUSK_SOURCE/configs/models/$1_tiny.yaml]
name: tiny
method: $1
data_root: $work/shards
streams:
  source:
    shards: day
    labels: false
    global_batch: 2
    augment: {crop_height: 64, crop_width: 64, short_side: 64}
  target:
    shards: night
    labels: false
    global_batch: 2
    augment: {crop_height: 64, crop_width: 64, short_side: 64}
translator: {sheet_every: 3, pool: 3}
train: {steps: 6, log_every: 2, checkpoint_every: 3, keep_checkpoints: 10, compare_ranks_every: 2}
YAML
}

for method in unit cyclegan; do
  say "$method on two ranks"
  write_translator_config $method
  train 2 "$work/$method" -q 2>&1 | tail -3
  for step in 3 6; do
    [ -s "$work/$method/sheets/step-0000000$step.png" ] || die "no sheet of step $step"
  done
  grep -q "translated back. Rows: from day" "$work/$method/report.html" || die "the report has no sheet"
  grep -q '"name":"cycle_loss"' "$work/$method/metrics.jsonl" || die "no cycle loss in metrics.jsonl"

  say "continued from step 3: the same bytes"
  cp -r "$work/$method" "$work/again"
  rm -r "$work/again/checkpoints/step-00000006"
  expect 0 "resuming from .*step-00000003" train 2 "$work/again"
  for file in "$work/$method/checkpoints/step-00000006"/*; do
    cmp "$file" "$work/again/checkpoints/step-00000006/$(basename "$file")" || die "$file differs"
  done
  rm -r "$work/again"

  say "it scores nothing"
  expect 64 "method '$method' trains a translator of pictures" "$DUSK" eval --run "$work/$method" --data "day=$work/shards/day"
  expect 64 "evaluate.day: method '$method' is trained on no labelled stream" \
    train 1 "$work/scored" --set "evaluate={day: {shards: day}}"
done
say "passed"
