#!/usr/bin/env bash
# A whole pipeline as a user meets it: train by day, label the night, train on both; what is done is
# left out; kill -9 at three moments and the same command gives the same lists, labels and table.
source "$(dirname "$0")/common.sh"
make_shards
"$DUSK" -q shard --dataset cityscapes --time-of-day night --input "$work/city/night" --output "$work/shards/night"
write_config
cat >"$work/pipeline.yaml" <<YAML
name: Tiny
variables: {shards: $work/shards}
nodes:
  by_day: {run: "train $work/config.yaml --run \${here} --set train.steps=8", ranks: 2}
  chosen:
    run: select histogram --input \${shards}/night --split train --night-below 0 --count 6 --output \${here}/list.json
    outputs: {list: list.json}
  labels: {run: "label --run \${by_day} --checkpoint best --input \${shards}/night --list \${chosen.list} --output \${here}"}
  by_night:
    run: >-
      train $work/config.yaml --run \${here} --set method=self_training --set train.steps=6
      --set init_from=\${by_day} --set streams.source.also.pseudo.shards=\${labels} --set loss.kind=combined
    published: {miou: 12.5}
  report: {run: "report \${by_day} \${by_night} --output \${here}", ranks: 1}
YAML
pipeline() {
  local output=$1
  shift
  "$DUSK" pipeline "$work/pipeline.yaml" --output "$output" --launcher "$DUSK_SOURCE/launch/local.sh" "$@"
}

say "the whole graph"
expect 0 "to run +labels" pipeline "$work/out" --dry-run --graph "$work/graph.svg"
grep -q ">by_night</text>" "$work/graph.svg" || die "no picture of the graph"
expect 64 "it stands on by_day, which is not done" pipeline "$work/out" --only labels
expect 0 "by_night: done" pipeline "$work/out" --jobs 2
grep -q "starts from .*by_day/checkpoints/step-0000000[0-9]" "$work/out/pipeline/by_night.log" || die "a start from nothing"
grep -qE "^\| by_night \| day \| [0-9.]+ \| 12.5 \|" "$work/out/table.md" || { cat "$work/out/table.md"; die "no table"; }
[ -s "$work/out/report.html" ] && [ -s "$work/out/report/report.html" ] || die "no page"
grep -q '"loss/' "$work/out/by_night/metrics.jsonl" && die "one stream has no losses by stream"

say "what is done is left out, what changed runs again with all that stands on it"
pipeline "$work/out" >"$work/output" 2>&1 || die "again"
grep -q ": dusk " "$work/output" && { cat "$work/output"; die "a node ran twice"; }
expect 0 "^ *to run +labels" pipeline "$work/out" --dry-run --set "nodes.chosen.run=select histogram --input \${shards}/night --split train --night-below 0 --count 5 --output \${here}/list.json"
grep -qE "^done +by_day" "$work/output" || { cat "$work/output"; die "by_day does not stand on the list"; }

say "a failure says which log to read"
expect 65 "by_day: failed with exit code 65 .*read .*pipeline/by_day.log" \
  pipeline "$work/broken" --set "nodes.by_day.run=train $work/config.yaml --run \${here} --set streams.source.shards=nowhere"
grep -q "left out, it stands on by_day" "$work/output" || die "labels from nothing"

# killed NODE: kill -9 of the pipeline and all that it started while NODE runs.
killed() {
  local launcher pid
  setsid "$DUSK" pipeline "$work/pipeline.yaml" --output "$work/killed" --launcher "$DUSK_SOURCE/launch/local.sh" >"$work/killed.log" 2>&1 &
  launcher=$!
  until [ -s "$work/killed/pipeline/$1.log" ]; do
    kill -0 "$launcher" 2>/dev/null || { cat "$work/killed.log"; die "the pipeline ended before $1"; }
    sleep 0.05
  done
  kill -9 -- "-$launcher" 2>/dev/null
  for pid in $(pids_of "$work/killed"); do kill -9 "$pid"; done
  wait "$launcher" 2>/dev/null && die "a killed pipeline ended well"
  return 0
}
say "kill -9 at three moments, then the same command"
for node in by_day labels by_night; do killed "$node"; done
expect 0 "by_night: done" pipeline "$work/killed"
for file in chosen/list.json labels/manifest.json table.csv; do
  cmp "$work/out/$file" "$work/killed/$file" || die "another $file after kills"
done
for shard in "$work"/out/labels/*.h5; do
  cmp "$shard" "$work/killed/labels/$(basename "$shard")" || die "other labels after kills"
done
say "done"
