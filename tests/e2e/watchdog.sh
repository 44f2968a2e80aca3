#!/usr/bin/env bash
# A training that stands still or loses a rank: exit code 76 in time, and a doctor that names the rank.
source "$(dirname "$0")/common.sh"
make_shards
write_config
short=(--set "watchdog.warn_after=1 s" --set "watchdog.timeout=3 s" --set "watchdog.first_step_timeout=30 s"
  --set train.steps=100000 --set train.checkpoint_every=100000)

# struck RUN SIGNAL: trains on three ranks, sends SIGNAL to rank 1 in the middle; exit code 76 within 13 s.
struck() {
  local run=$1 launcher code=0 start victim
  train 3 "$run" "${short[@]}" >"$work/output" 2>&1 &
  launcher=$!
  until grep -qs "step 9: " "$run/log/rank-0001.log"; do
    kill -0 $launcher 2>/dev/null || { cat "$work/output"; die "the run ended before step 9"; }
    sleep 0.02
  done
  for victim in $(pids "$run"); do
    tr '\0' '\n' <"/proc/$victim/environ" | grep -qx OMPI_COMM_WORLD_RANK=1 && break
  done
  start=$SECONDS
  kill "-$2" "$victim"
  wait $launcher || code=$?
  [ $code -eq 76 ] || { cat "$work/output"; die "exit code $code instead of 76 after $2"; }
  [ $((SECONDS - start)) -le 13 ] || die "it took $((SECONDS - start)) s"
  [ -z "$(pids "$run")" ] || die "a rank is still there"
}

say "rank 1 is stopped"
struck "$work/stopped" STOP
grep -q "nothing has moved here for" "$work/output" || { cat "$work/output"; die "nobody warned"; }
expect 0 "^ranks 0, 2 wait in #.*rank 1 left no report: process [0-9]+ on .* is stopped" \
  "$DUSK" doctor --run "$work/stopped"

say "rank 1 is killed"
struck "$work/killed" KILL
expect 0 "rank 1 left no report: process [0-9]+ on .* is gone" "$DUSK" doctor --run "$work/killed"
python3 - "$work"/killed/flight/rank-0000.json <<'PY' || die "the report of rank 0 lacks something"
import json, sys
report = json.load(open(sys.argv[1]))
assert len(report["collectives"]) > 20 and report["activity"]["step"] >= 9, report["activity"]
assert {"control"} <= {c["name"] for c in report["communicators"]}
assert any("main" in frame for thread in report["threads"] for frame in thread["frames"])
PY

say "the same command goes on, with more time if wanted, and clears the reports"
expect 75 "stopped on request" timeout --preserve-status -s USR2 12 "$DUSK_SOURCE/launch/local.sh" -n 3 -- train \
  "$work/config.yaml" --run "$work/killed" "${short[@]}" --set "watchdog.timeout=20 s"
expect 64 "holds no reports" "$DUSK" doctor --run "$work/killed"
say "passed"
