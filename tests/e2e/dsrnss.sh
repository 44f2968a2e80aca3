#!/usr/bin/env bash
# Method dsrnss on pairs of the drawn city, two ranks: killed in the middle and started again, it leaves
# the same bytes as an uninterrupted run, teacher, bank and initial backbone included.
source "$(dirname "$0")/common.sh"
make_shards
"$DUSK" -q synth --layout dark_zurich --scenes 9 --size 64x128 --seed 3 --output "$work/zurich"
"$DUSK" -q shard --dataset dark_zurich --input "$work/zurich" --output "$work/shards/zurich"
cat >"$work/config.yaml" <<YAML
name: tiny
method: dsrnss
data_root: $work/shards
model: {backbone: resnet18, panoptic_fpn: {neck_channels: 32, head_channels: 32}, bn_mode: sync}
optim: {kind: adamw, lr: 0.001}
streams:
  source:
    shards: day
    filter: {roles: [train]}
    global_batch: 2
    augment: {crop_height: 64, crop_width: 96, flip: 0.5}
  target:
    shards: zurich
    filter: {roles: [train], times_of_day: [night]}
    labels: false
    pair: true
    global_batch: 2
    augment: {crop_height: 64, crop_width: 96, flip: 0.5}
dsrnss:
  alignment: {mode: identity}
  bank: {period: 2}
  fpa: {start: 3 steps}
  sheet_every: 6
loader: {threads: 1}
train: {steps: 24, log_every: 4, checkpoint_every: 4, keep_checkpoints: 10, compare_ranks_every: 4}
YAML

say "uninterrupted"
train 2 "$work/straight" -q 2>&1 | tail -3
for name in source_loss mixed_loss prototype_loss feature_distance pseudo_label_weight; do
  grep -q "\"name\":\"$name\"" "$work/straight/metrics.jsonl" || die "no $name in metrics.jsonl"
done
[ -s "$work/straight/sheets/step-00000024.png" ] || die "no sheet of the last step"

say "a rank killed after step 8"
train 2 "$work/killed" >"$work/killed.log" 2>&1 &
launcher=$!
reached "$work/killed" 00000008 $launcher
victims=($(pids "$work/killed"))
kill -9 "${victims[RANDOM % 2]}"
! wait $launcher || die "the launcher did not notice the kill"
[ ! -d "$work/killed/checkpoints/step-00000024" ] || die "it was killed too late"

say "the same command again"
expect 0 "resuming from .*step-000000(08|12|16|20)" train 2 "$work/killed"
[ -s "$work/straight/checkpoints/step-00000024/teacher.safetensors" ] || die "no teacher is saved"
for file in "$work/straight/checkpoints/step-00000024"/*; do
  cmp "$file" "$work/killed/checkpoints/step-00000024/$(basename "$file")" || die "$file differs"
done
say "passed"
