#!/usr/bin/env bash
# Bad input ends with the right exit code and a message that names the culprit; nothing is lost.
source "$(dirname "$0")/common.sh"
make_shards
write_config

say "a run to be damaged"
train 1 "$work/run" -q --set train.steps=6

say "configuration"
sed 's/warmup:/warmpu:/' "$work/config.yaml" >"$work/typo.yaml"
expect 64 "typo.yaml:5.*warmpu.*warmup" "$DUSK" train "$work/typo.yaml" --run "$work/x"
expect 64 "lr.*expected a number" "$DUSK" train "$work/config.yaml" --run "$work/x" --set optim.lr=fast
expect 64 "evaluate.day.squeeze.width.*must be set where height is" "$DUSK" train "$work/config.yaml" --run "$work/x" \
  --set evaluate.day.squeeze.height=32
expect 64 "nothing.yaml" "$DUSK" train "$work/nothing.yaml" --run "$work/x"
expect 64 "no run directory" "$DUSK" eval --run "$work/nowhere"

say "ranks"
expect 64 "cannot be divided among 3 ranks" train 3 "$work/x" --set streams.source.global_batch=4
expect 64 "another configuration" train 1 "$work/run" --set optim.lr=0.5 --set train.steps=6
expect 64 "optim.lr: 0.02 -> 0.5" train 1 "$work/run" --set optim.lr=0.5 --set train.steps=6
expect 64 "OMPI_COMM_WORLD_SIZE" env OMPI_COMM_WORLD_SIZE=2 "$DUSK" train "$work/config.yaml" --run "$work/x"

say "weights of another network"
weights=$work/run/checkpoints/step-00000006/segmenter-optimizer.safetensors
expect 64 "conv1.weight" "$DUSK" train "$work/config.yaml" --run "$work/y" --set "model.weights=$weights"

say "data"
expect 65 "absent" "$DUSK" shard --dataset cityscapes --input "$work/absent" --output "$work/z"
[ ! -e "$work/z/manifest.json" ] || die "shards of nothing were published"
shard=$(ls "$work"/shards/day/*.h5 | head -1)
size=$(stat -c %s "$shard")
cp -r "$work/shards" "$work/damaged"
shard=$(ls "$work"/damaged/day/*.h5 | head -1)
# A stretch of the encoded pictures, which lie in the file's later part.
python3 - "$shard" "$size" <<'PY' 2>/dev/null || printf '\xff\xff\xff\xff' | dd of="$shard" bs=1 seek=$((size * 3 / 4)) conv=notrunc status=none
import sys
path, size = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as f:
    f.seek(size * 3 // 4)
    byte = f.read(1)
    f.seek(size * 3 // 4)
    f.write(bytes([byte[0] ^ 255]))
PY
expect 65 "$(basename "$shard")" "$DUSK" shards verify "$work/damaged/day"

say "checkpoints"
expect 0 "resuming from .*step-00000006" train 1 "$work/run" --set train.steps=6
truncate -s 100 "$work"/run/checkpoints/step-*/segmenter.safetensors
expect 74 "no valid checkpoint" "$DUSK" eval --run "$work/run"
say "passed"
