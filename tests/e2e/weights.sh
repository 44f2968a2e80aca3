#!/usr/bin/env bash
# dusk weights: looks at a file of Python, brings it in under our names, compares it with a network,
# and writes it out again. What does not fit is not written. (interop.sh has the other side read it.)
source "$(dirname "$0")/common.sh"
golden=$DUSK_SOURCE/tests/unit/io/golden

say "inspect"
"$DUSK" weights inspect "$golden/state.pth" >"$work/list"
grep -qE '^ +-6 +5 +-0\.5 +3\.4521 +0  float32 F32 \(12\)$' "$work/list" || { cat "$work/list"; die "statistics"; }
grep -q '^19 tensors' "$work/list" || die "no total"
expect 0 "passed over: args \(argparse.Namespace\)" "$DUSK" weights inspect "$golden/checkpoint.pth"
expect 64 "choose a part of it; it has: a \(" "$DUSK" weights inspect "$golden/two_networks.pth"
expect 0 "^7 tensors" "$DUSK" weights inspect "$golden/two_networks.pth" --part b/ema
expect 65 "holds a torch.nn.modules.linear.Linear" "$DUSK" weights inspect "$golden/model_object.pth"
expect 74 "absent.pth" "$DUSK" weights inspect "$work/absent.pth"

say "import: the same tensors as by safetensors in Python"
"$DUSK" -q weights import "$golden/state.pth" "$work/state.safetensors" >/dev/null
"$COMPARE" "$work/state.safetensors" "$golden/state.safetensors" 0 || die "not the same tensors"
"$DUSK" -q weights import "$golden/checkpoint.pth" "$work/c.safetensors" >"$work/list"
grep -q '^tensor   0.weight F32 (2, 3) <- module.0.weight$' "$work/list" || die "module. is still there"
grep -q '^no tensor optimizer (dict)$' "$work/list" || die "what is no tensor is not reported"

say "import: names"
cat >"$work/map.yaml" <<'YAML'
about: a test
part: b/ema
drop: ["1.*"]
rename: [{from: 0.*, to: fc.*}]
YAML
"$DUSK" -q weights import "$golden/two_networks.pth" "$work/m.safetensors" --map "$work/map.yaml" >"$work/list"
grep -q '^tensor   fc.weight F32 (2, 3) <- 0.weight$' "$work/list" || die "not renamed"
grep -q '^dropped  1.running_mean$' "$work/list" || die "not dropped"
expect 0 "^2 tensors" "$DUSK" weights inspect "$work/m.safetensors"
echo 'reverse: [{name: 0.weight, blocks: 3}]' >>"$work/map.yaml"
"$DUSK" -q weights import "$golden/two_networks.pth" "$work/r.safetensors" --map "$work/map.yaml" >"$work/list"
grep -q '^tensor   fc.weight F32 (2, 3) <- 0.weight, input channels reordered$' "$work/list" || die "not reordered"
sed -i 's/blocks: 3/blocks: 2/' "$work/map.yaml"
expect 64 "'0.weight' of shape \(2, 3\) has no dimension 1 of 2 equal blocks" \
  "$DUSK" weights import "$golden/two_networks.pth" "$work/x.safetensors" --map "$work/map.yaml"
sed -i 's/to: fc/into: fc/' "$work/map.yaml"
expect 64 "map.yaml:4.*into" "$DUSK" weights import "$golden/two_networks.pth" "$work/x.safetensors" --map "$work/map.yaml"
expect 64 "no tensors are left" "$DUSK" weights import "$golden/state.pth" "$work/x.safetensors" --prefix nothing
for map in "$DUSK_SOURCE"/configs/models/*.names.yaml; do
  "$DUSK" -q weights import "$golden/checkpoint.pth" "$work/x.safetensors" --map "$map" >/dev/null || die "$map"
done

say "a checkpoint out and in again, compared with the network of its configuration"
make_shards
write_config
sed -i 's/steps: 24/steps: 2/' "$work/config.yaml"
train 1 "$work/run" --set optim.schedule.warmup="0 steps" >"$work/train.log" 2>&1 || { cat "$work/train.log" >&2; die "training"; }
"$DUSK" -q weights export "$work/run" "$work/whole.pth"
"$DUSK" -q weights export "$work/run/checkpoints/step-00000002" "$work/whole.safetensors"
"$DUSK" -q weights import "$work/whole.pth" "$work/again.safetensors" --model "$work/config.yaml" >"$work/list"
grep -q '^matched  head.predictor.weight$' "$work/list" || die "nothing was compared"
"$COMPARE" "$work/again.safetensors" "$work/whole.safetensors" 0 || die "not the same tensors"
"$DUSK" -q weights export "$work/run" "$work/backbone.pth" --prefix backbone.
"$DUSK" -q weights import "$work/backbone.pth" "$work/b.safetensors" --model "$work/config.yaml" --module backbone >/dev/null
expect 64 "no module 'body'" "$DUSK" weights import "$work/backbone.pth" "$work/n" --model "$work/config.yaml" --module body
rm -rf "$work/run"
train 1 "$work/run" --set model.weights="$work/backbone.pth" --set optim.schedule.warmup="0 steps" >"$work/train.log" 2>&1 || { cat "$work/train.log" >&2; die "training"; }
grep -q "backbone: 120 tensors from $work/backbone.pth" "$work/train.log" || die "the .pth was not used"

say "what does not fit is not written"
expect 64 "missing in the file: backbone.bn1.bias" \
  "$DUSK" weights import "$work/backbone.pth" "$work/n.safetensors" --model "$work/config.yaml"
expect 64 "shape differs \(file -> network\): head.predictor.weight" \
  "$DUSK" weights import "$work/whole.pth" "$work/n.safetensors" --model "$work/config.yaml" --classes 7
[ ! -e "$work/n.safetensors" ] || die "a refused import was written"
expect 64 "must end with" "$DUSK" weights export "$work/whole.safetensors" "$work/n.bin"
head -c 3000 "$golden/state.pth" >"$work/cut.pth"
expect 65 "cut.pth: no zip directory" "$DUSK" weights import "$work/cut.pth" "$work/n.safetensors"
say "passed"
