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
  # After the first steps: rounding differs with the order of summation and grows with every step.
  "$COMPARE" "$work/run1/checkpoints/step-00000004/segmenter.safetensors" \
    "$work/run$ranks/checkpoints/step-00000004/segmenter.safetensors" 5e-4 || die "other weights on $ranks ranks"
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
grep -c "resuming from" "$work/moving/log/rank-0000.log" | grep -qx 2 || die "not resumed twice"
# The last stretch, on one rank: the samples that one rank from the start saw at these steps.
sed -n '/resuming from .*step-000000\(16\|20\)/,$s/.*step \([0-9]*\): source: \(.*\)/\1 \2/p' \
  "$work/moving/log/rank-0000.log" >"$work/last"
[ "$(wc -l <"$work/last")" -ge 4 ] || die "the last stretch is not in the log"
[ "$(grep -cxFf "$work/samples1" "$work/last")" -eq "$(wc -l <"$work/last")" ] || die "other samples after moving"
say "passed"
