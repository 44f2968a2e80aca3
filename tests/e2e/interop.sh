#!/usr/bin/env bash
# Other programs read what Dusk writes, and the reverse: h5py opens a shard, safetensors a checkpoint,
# the same network in Python PyTorch computes the same label pictures from it, Dusk loads
# torchvision's tensors by name, and its networks compute what Python's do. Needs the packages of tools/bench/setup-peers.
source "$(dirname "$0")/common.sh"
python=$DUSK_SOURCE/tools/bench/peer-python
here=$DUSK_SOURCE/tests/e2e

if ! reason=$("$python" -c 'import h5py, hdf5plugin, safetensors, torch, torchvision, PIL' 2>&1); then
  echo "SKIPPED, NOT PASSED: the Python packages are absent (${reason##*$'\n'})."
  echo "Run tools/bench/setup-peers, then this test again."
  exit 77
fi

say "h5py reads the shards: pictures and labels are those of the data set"
make_shards
"$python" "$here/interop_shard.py" set "$work/shards/day" "$work/city/day"

say "h5py reads every other field: depth, confidence, camera, neighbours"
"$MAKE_SEEDS" "$work/seeds"
"$python" "$here/interop_shard.py" fields "$work/seeds/shard/all_fields.h5"

say "Dusk loads a file that Python wrote with torchvision's names"
"$python" "$here/interop_checkpoint.py" write-backbone "$work/backbone.safetensors"
write_config
sed -i 's/backbone: resnet18/backbone: mobilenet_v2/; s/steps: 24/steps: 4/' "$work/config.yaml"
train 1 "$work/run" --set "model.weights=$work/backbone.safetensors" --set optim.lr=1e-12 \
  --set optim.schedule.warmup="0 steps" >"$work/train.log" 2>&1 || { cat "$work/train.log" >&2; die "training"; }
checkpoint=$work/run/checkpoints/step-00000004/segmenter.safetensors
"$python" "$here/interop_checkpoint.py" same-backbone "$work/backbone.safetensors" "$checkpoint"

say "Dusk reads what torch.save has written, and torch.load what Dusk has written"
"$python" "$here/interop_weights.py" write "$work/python"
for file in "$work"/python/*.pth; do
  "$DUSK" -q weights import "$file" "$work/in.safetensors" >/dev/null
  "$python" "$here/interop_weights.py" same "$work/in.safetensors" "$work/python/expected.safetensors"
done
"$DUSK" -q weights export "$work/python/expected.safetensors" "$work/out.pth"
"$python" "$here/interop_weights.py" same "$work/out.pth" "$work/python/expected.safetensors"
"$DUSK" -q weights export "$work/run" "$work/backbone.pth" --prefix backbone.
"$python" "$here/interop_weights.py" torchvision "$work/backbone.pth" "$checkpoint"

say "whole checkpoints in the layouts of their authors come in under our names, nothing missing or left over"
"$python" "$here/interop_published.py" write "$work/published"
echo "model: {architecture: daformer, backbone: mit_b0}" >"$work/daformer.yaml"
cat >"$work/hrda.yaml" <<YAML
model:
  architecture: hrda
  backbone: mit_b0
  daformer_head: {embed_channels: 32, channels: 32}
  scale_attention: {channels: 32}
YAML
# import_published NAME arguments...: the list of what comes in is in \$work/NAME.list.
import_published() {
  local name=$1
  shift
  "$DUSK" -q weights import "$work/published/$name.pth" "$work/published/$name.imported.safetensors" "$@" \
    >"$work/$name.list" 2>&1 || { cat "$work/$name.list" >&2; die "$name"; }
}
# fits NAME: each of its tensors was found in the network, and the network has no others.
fits() {
  [ "$(grep -c '^matched ' "$work/$1.list")" -eq "$(grep -c '^tensor ' "$work/$1.list")" ] || die "$1: not all matched"
  ! grep '^missing ' "$work/$1.list" || die "$1 lacks tensors"
}
models=$DUSK_SOURCE/configs/models
import_published refign_daformer --map "$models/refign.names.yaml" --model "$work/daformer.yaml"
import_published refign_hrda --map "$models/refign.names.yaml" --model "$work/hrda.yaml"
import_published refign_teacher --map "$models/refign.names.yaml" --model "$work/hrda.yaml" --prefix m_
import_published refign_alignment --prefix alignment_head.
import_published openmmlab_daformer --map "$models/daformer.names.yaml" --model "$work/daformer.yaml"
import_published openmmlab_hrda --map "$models/daformer.names.yaml" --model "$work/hrda.yaml"
import_published openmmlab_teacher --map "$models/daformer.names.yaml" --model "$work/hrda.yaml" --prefix ema_model.
import_published openmmlab_student --map "$models/daformer.names.yaml" --model "$work/hrda.yaml"
for name in refign_daformer refign_hrda refign_teacher openmmlab_daformer openmmlab_hrda openmmlab_teacher openmmlab_student; do
  fits "$name"
done
grep -q "fuse.conv.weight .*, input channels reordered$" "$work/openmmlab_hrda.list" || die "the new order is not reported"
! grep "reordered" "$work"/refign_*.list "$work/openmmlab_daformer.list" || die "reordered without need"
"$python" "$here/interop_published.py" same "$work/published"

say "networks of each kind are those of Python with the same weights (tools/bench/rows/parity has them all)"
"$DUSK_SOURCE/tools/bench/rows/parity" --height 64 --width 96 $(printf -- "--model %s " resnet18 mobilenet_v2 \
  mit_b0 patch_discriminator unit_t0_discriminators) >"$work/parity"
[ "$(grep -c '"met": true' "$work/parity")" -eq 5 ] || { cat "$work/parity" >&2; die "parity"; }

say "Python loads the checkpoint by name and predicts the same labels"
rm -rf "$work/run"
train 1 "$work/run" --set optim.schedule.warmup="0 steps" >"$work/train.log" 2>&1 || { cat "$work/train.log" >&2; die "training"; }
say "h5py reads pseudo-labels, and finds their pictures"
"$DUSK" -q label --run "$work/run" --input "$work/shards/day" --output "$work/shards/labels" --threshold 0.2
"$python" "$here/interop_shard.py" labels "$work/shards/labels" "$work/shards/day"
mkdir "$work/pictures"
find "$work/city/day" -path '*val*' -name '*_leftImg8bit.png' | sort | head -3 | xargs -I{} cp {} "$work/pictures/"
"$DUSK" -q predict --run "$work/run" --images "$work/pictures" --output "$work/labels"
"$python" "$here/interop_checkpoint.py" same-labels "$checkpoint" "$work/pictures" "$work/labels"
