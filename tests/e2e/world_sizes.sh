#!/usr/bin/env bash
# The global batch is the unit: 1, 2 and 3 ranks see the same samples in the same order and end with
# the same weights up to the order of summation; a run may continue on another number of ranks.
source "$(dirname "$0")/common.sh"
make_shards
write_config frozen

for ranks in 1 2 3; do
  say "$ranks rank(s)"
  train $ranks "$work/run$ranks" -q 2>&1 | tail -3
  samples "$work/run$ranks" >"$work/samples$ranks"
  [ "$(wc -l <"$work/samples$ranks")" -eq 24 ] || die "not every step is in the logs of $ranks ranks"
done
for ranks in 2 3; do
  cmp "$work/samples1" "$work/samples$ranks" || die "$ranks ranks saw other samples than one"
  "$COMPARE" "$work/run1/checkpoints/step-00000024/segmenter.safetensors" \
    "$work/run$ranks/checkpoints/step-00000024/segmenter.safetensors" 1e-3 || die "other weights on $ranks ranks"
done

say "from two ranks to three to one"
train 2 "$work/moving" >"$work/moving.log" 2>&1 &
launcher=$!
reached "$work/moving" 00000004 $launcher
kill -9 $(pids "$work/moving")
wait $launcher || true
train 3 "$work/moving" >"$work/moving.log" 2>&1 &
launcher=$!
reached "$work/moving" 00000016 $launcher
kill -9 $(pids "$work/moving")
wait $launcher || true
train 1 "$work/moving" -q 2>&1 | tail -3
"$COMPARE" "$work/run1/checkpoints/step-00000024/segmenter.safetensors" \
  "$work/moving/checkpoints/step-00000024/segmenter.safetensors" 1e-3 || die "other weights after moving"
say "passed"
