#!/usr/bin/env bash
# kill -9 of any rank at any moment, then the same command: the same bytes as an uninterrupted run.
source "$(dirname "$0")/common.sh"
make_shards
write_config

say "uninterrupted run on two ranks"
train 2 "$work/straight" -q 2>&1 | tail -3

say "five kills of a random rank, the third one while a checkpoint is being written"
RANDOM=7
for round in 1 2 3 4 5; do
  train 2 "$work/killed" >"$work/killed.log" 2>&1 &
  launcher=$!
  if [ $round -eq 3 ]; then
    until compgen -G "$work/killed/checkpoints/*.partial" >/dev/null || ! kill -0 $launcher 2>/dev/null; do :; done
  else
    sleep "$((RANDOM % 4 + 1)).$((RANDOM % 10))"
  fi
  victims=($(pgrep -f -- "--run $work/killed" | while read -r pid; do
    [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(readlink -f "$DUSK")" ] && echo "$pid"; done)) || true
  if [ ${#victims[@]} -gt 0 ]; then
    kill -9 "${victims[RANDOM % ${#victims[@]}]}" || true
    say "round $round: killed one of ${#victims[@]} ranks, checkpoints: $(ls "$work/killed/checkpoints" 2>/dev/null | tr '\n' ' ')"
  else
    say "round $round: the run was over before the kill"
  fi
  wait $launcher && say "round $round: it had finished" || true
done
train 2 "$work/killed" -q 2>&1 | tail -3
same_bytes "$work/straight" "$work/killed"
cmp "$work/straight/metrics.jsonl" <(grep -v per_second "$work/killed/metrics.jsonl") >/dev/null 2>&1 || true
[ "$(grep -c '"name":"loss"' "$work/killed/metrics.jsonl")" -eq 6 ] || die "metrics.jsonl has not one loss a report"

say "SIGTERM to one rank: all stop together with a checkpoint and exit code 75, then the same bytes"
train 2 "$work/stopped" >"$work/stopped.log" 2>&1 &
launcher=$!
until [ -d "$work/stopped/checkpoints/step-00000004" ]; do sleep 0.05; done
pid=$(pgrep -f -- "--run $work/stopped" | while read -r p; do
  [ "$(readlink "/proc/$p/exe" 2>/dev/null)" = "$(readlink -f "$DUSK")" ] && echo "$p"; done | tail -1)
kill -TERM "$pid"
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
