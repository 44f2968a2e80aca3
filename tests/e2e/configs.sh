#!/usr/bin/env bash
# configs/README.md lists the keys that the program knows, and every experiment is a valid
# configuration: what stops it is the missing data (exit code 65), not the file (64).
source "$(dirname "$0")/common.sh"
cd "$DUSK_SOURCE"
"$DUSK" train --list-keys >"$work/keys"
[ "$(wc -l <"$work/keys")" -ge 40 ] || die "too few keys"
sed -n '/^| Key/,$p' configs/README.md | diff - "$work/keys" ||
  die "configs/README.md is out of date: its table is the output of dusk train --list-keys"
count=0
for config in configs/experiments/*.yaml; do
  expect 65 "nowhere" "$DUSK" train "$config" --run "$work/run" --set "data_root=$work/nowhere"
  count=$((count + 1))
done
[ "$count" -ge 3 ] || die "only $count experiments"
say "$count experiments are valid"

expect 65 "nowhere" "$DUSK" train configs/experiments/thesis/segmenter.yaml --run "$work/run" --set "data_root=$work/nowhere"

# Every pipeline is a graph whose commands are known.
for pipeline in configs/pipelines/*.yaml configs/experiments/thesis/pipeline.yaml; do
  expect 0 "to run" "$DUSK" pipeline "$pipeline" --output "$work/pipeline" --dry-run --graph "$work/graph.svg"
  for command in $(sed -n 's/^ *dusk \([a-z]*\).*/\1/p' "$work/output" | sort -u); do
    "$DUSK" "$command" --help >/dev/null || die "$pipeline: there is no command '$command'"
  done
  awk '/^to run/ { ranks = substr($4, 2) }
       $1 == "dusk" && $2 == "train" {
         line = ranks " " $3
         for (i = 4; i <= NF; ++i) if ($i ~ /global_batch=/) line = line " --set " $i
         print line
       }' "$work/output" >>"$work/trainings"
done
[ "$(grep -c "to run .* t[0-9]-[0-9] " "$work/output")" -eq 20 ] || die "the thesis trains 20 networks"
[ "$(grep -c "to run .* e[0-9]-[0-9] " "$work/output")" -eq 25 ] || die "the thesis has 25 rows"

# Batches can be divided among the ranks of their trainings: what stops these is, again, the missing data.
sort -u "$work/trainings" | while read -r ranks arguments; do
  expect 65 "nowhere" "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- train $arguments --run "$work/run" \
    --set "data_root=$work/nowhere" </dev/null
done
say "$(sort -u "$work/trainings" | wc -l) kinds of training can be divided among their ranks"

# Every segmenter is one that can be built, alone or included, with the parameters that its file names.
# (The networks of other methods are held against theirs in tests/unit/nn/model_configs_test.cpp.)
count=0
for config in $(grep -l '^model:' configs/models/*.yaml); do
  stated=$(grep -o '[0-9,]* parameters' "$config" | tr -dc 0-9)
  "$DUSK" model "$config" --size 64x64 --json >"$work/model"
  grep -q "\"parameters\":$stated}" "$work/model" || die "$config does not have the $stated parameters that it names"
  count=$((count + 1))
done
[ "$count" -ge 5 ] || die "only $count models"
printf 'include: %s\nmodel: {backbone: resnet50}\n' "$PWD/configs/models/deeplab_v2_resnet101.yaml" >"$work/included.yaml"
"$DUSK" model "$work/included.yaml" --labels camvid11 --size 64x96 >"$work/model"
grep -q '^head.conv2d_list.3 *1x11x8x12 *202,763 *19,464,192$' "$work/model" || die "the table lacks a layer"
grep -q '^total *[0-9,]* *[0-9,]*$' "$work/model" || die "the table lacks its total"
for size in 64 64x 0x64 64x64x3 1e9x1; do
  expect 64 "need HEIGHTxWIDTH" "$DUSK" model "$work/included.yaml" --size "$size"
done
say "$count models are what they say"
