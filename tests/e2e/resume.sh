#!/usr/bin/env bash
# kill -9 of any rank at any moment, then the same command: the same bytes as an uninterrupted run.
source "$(dirname "$0")/common.sh"
make_shards
write_config
sed -i "s/crop_height: 32, crop_width: 64/crop_height: 64, crop_width: 128/" "$work/config.yaml"  # slow enough to be hit

say "uninterrupted run on two ranks"
train 2 "$work/straight" -q 2>&1 | tail -3

say "five kills of a random rank at random steps, the third one while a checkpoint is being written"
mkdir -p "$work/killed/log"
for round in 1 2 3 4 5; do
  step=$((4 * round - 3 + RANDOM % 4))
  train 2 "$work/killed" >"$work/killed.log" 2>&1 &
  launcher=$!
  victims=()
  until [ ${#victims[@]} -eq 2 ]; do
    kill -0 $launcher 2>/dev/null || { cat "$work/killed.log"; die "did not start"; }
    victims=($(pids "$work/killed"))
  done
  if [ $round -eq 3 ]; then
    until compgen -G "$work/killed/checkpoints/*.partial" >/dev/null; do
      kill -0 $launcher 2>/dev/null || die "no checkpoint seen"
    done
  else
    until grep -qs "step $step: " "$work/killed/log/rank-0001.log"; do
      kill -0 $launcher 2>/dev/null || { cat "$work/killed.log"; die "ended before step $step"; }
      sleep 0.01
    done
  fi
  kill -9 "${victims[RANDOM % 2]}"
  say "round $round: killed after step $step, checkpoints: $(ls "$work/killed/checkpoints" | tr '\n' ' ')"
  ! wait $launcher || die "the launcher did not notice the kill"
done
train 2 "$work/killed" -q 2>&1 | tail -3
same_bytes "$work/straight" "$work/killed"
[ "$(grep -c '"name":"loss"' "$work/killed/metrics.jsonl")" -eq 6 ] || die "metrics.jsonl has not one loss a report"

say "SIGTERM to one rank: all stop together with a checkpoint and exit code 75, then the same bytes"
train 2 "$work/stopped" >"$work/stopped.log" 2>&1 &
launcher=$!
until [ -n "$(pids "$work/stopped")" ]; do sleep 0.05; done
victim=$(pids "$work/stopped" | tail -1)
reached "$work/stopped" 00000004 $launcher
kill -TERM "$victim"
code=0
wait $launcher || code=$?
[ $code -eq 75 ] || { cat "$work/stopped.log"; die "exit code $code instead of 75 after SIGTERM"; }
[ ! -d "$work/stopped/checkpoints/step-00000024" ] || die "the run was not stopped"
train 2 "$work/stopped" -q 2>&1 | tail -3
same_bytes "$work/straight" "$work/stopped"

say "a truncated checkpoint is passed over, said so, and gives the same bytes"
cp -r "$work/straight" "$work/damaged"
truncate -s 1000 "$work/damaged/checkpoints/step-00000024/segmenter.safetensors"
expect 0 "passing over a damaged checkpoint.*segmenter.safetensors" train 2 "$work/damaged"
same_bytes "$work/straight" "$work/damaged"
say "passed"
