# Shared by the end-to-end tests: a tiny drawn city as shards, a tiny network, a few steps.
# Needs DUSK (the program), DUSK_SOURCE (the checkout) and COMPARE (compare_safetensors).
set -euo pipefail
export DUSK OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "-- $*"; }
die() { echo "FAILED: $*" >&2; exit 1; }

make_shards() {
  "$DUSK" -q synth --layout cityscapes --scenes 24 --size 64x128 --seed 3 --output "$work/city"
  "$DUSK" -q shard --dataset cityscapes --time-of-day day --input "$work/city/day" --output "$work/shards/day"
}

# 24 steps with a checkpoint every 4; a global batch that 1, 2 and 3 ranks divide.
write_config() {
  cat >"$work/config.yaml" <<YAML
name: tiny
method: source_only
data_root: $work/shards
model: {backbone: resnet18, panoptic_fpn: {neck_channels: 32, head_channels: 32}, bn_mode: ${1:-train}}
optim: {lr: 0.02, schedule: {warmup: 4 steps}}
streams:
  source:
    shards: day
    filter: {roles: [train]}
    global_batch: 6
    augment: {crop_height: 32, crop_width: 64, scale_min: 0.8, scale_max: 1.2}
loader: {threads: 1}
evaluate: {day: {shards: day, filter: {roles: [val]}, pictures: 1}}
train: {steps: 24, log_every: 4, checkpoint_every: 4, keep_checkpoints: 10, compare_ranks_every: 4}
YAML
}

# train RANKS RUN [arguments...]: exit code of the launcher.
train() {
  local ranks=$1 run=$2
  shift 2
  "$DUSK_SOURCE/launch/local.sh" -n "$ranks" -- train "$work/config.yaml" --run "$run" "$@"
}

# expect CODE PATTERN command...: the command ends with CODE and says PATTERN.
expect() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >"$work/output" 2>&1 || got=$?
  [ "$got" -eq "$code" ] || { cat "$work/output" >&2; die "exit code $got instead of $code: $*"; }
  grep -qE -- "$pattern" "$work/output" || { cat "$work/output" >&2; die "no '$pattern' in the output of: $*"; }
}

same_bytes() {
  local file
  for file in segmenter.safetensors segmenter-optimizer.safetensors state.json; do
    cmp "$1/checkpoints/step-00000024/$file" "$2/checkpoints/step-00000024/$file" || die "$file differs"
  done
}

# pids_of ARGUMENTS: the ranks that were started with them.
pids_of() {
  local pid
  for pid in $(pgrep -f -- "$1"); do
    [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" != "$(readlink -f "$DUSK")" ] || echo "$pid"
  done
}

# pids RUN: the ranks that work on RUN.
pids() { pids_of "--run $1"; }

# reached RUN STEP LAUNCHER: waits for a checkpoint; fails when the launcher ends before.
reached() {
  until [ -d "$1/checkpoints/step-$2" ]; do
    kill -0 "$3" 2>/dev/null || die "the run ended before step $2"
    sleep 0.02
  done
}

# samples RUN: "step stream samples" of all ranks, in global order; what a killed process did twice
# counts once.
samples() {
  local rank file
  for file in "$1"/log/rank-*.log; do
    rank=${file##*rank-}
    sed -n "s/.*step \([0-9]*\): source: \(.*\)/\1 ${rank%.log} \2/p" "$file"
  done | sort -n -k1,1 -k2,2 -u | awk '{step=$1; $1=""; $2=""; line[step]=line[step] $0} END {for (s in line) print s, line[s]}' | tr -s ' ' | sort -n
}
