#!/usr/bin/env bash
# What looks at a launch and measures it: doctor, the preflight of a training, bench comm,
# bench step, bench model.
source "$(dirname "$0")/common.sh"
local_sh=$DUSK_SOURCE/launch/local.sh

# holds FILE EXPRESSION: of the JSON in FILE, as `j`, the Python expression is true.
holds() {
  python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$1" "$2" ||
    { head -c 3000 "$1" >&2; die "not so: $2"; }
}

say "doctor on two ranks"
"$local_sh" -n 2 -- -q doctor >"$work/doctor"
[ "$(grep -cE "^ +[01] +[01]  $(hostname) +[0-9]+  [0-9,-]+ +1  cpu " "$work/doctor")" -eq 2 ] ||
  { cat "$work/doctor" >&2; die "no table of two ranks"; }
for check in ranks cores threads devices nccl clocks disk; do
  grep -qE "^$check +(ok|warning) " "$work/doctor" || die "doctor says nothing of $check"
done
grep -qE "^ranks +ok +2 rank" "$work/doctor" && grep -q "^exchange .*chunks of" "$work/doctor" || die "ranks, exchange"
seconds=$(sed -n 's/^gathered in \([0-9.]*\) s$/\1/p' "$work/doctor")
awk -v s="$seconds" 'BEGIN { exit !(s != "" && s <= 2) }' || die "the preflight took '$seconds' s"

say "bench comm on two ranks"
"$local_sh" -n 2 -- -q bench comm --json --from-kib 1 --to-kib 16 --rounds 3 >"$work/comm"
holds "$work/comm" '[(r["operation"], r["bytes"]) for r in j["rows"]] == [(o, k * 1024) for o in ("all-reduce", "reduce-scatter", "all-gather", "broadcast") for k in (1, 4, 16)]'
holds "$work/comm" 'all(r["ours_ms"] > 0 and r["plain_mpi_ms"] > 0 for r in j["rows"])'
holds "$work/comm" 'all(abs(r["busbw_gbs"] / r["algbw_gbs"] - {"all-reduce": 1, "broadcast": 1}.get(r["operation"], 0.5)) < 1e-9 for r in j["rows"])'
"$local_sh" -n 3 -- -q bench comm --json --op broadcast,all-gather --from-kib 1 --to-kib 1 --rounds 2 >"$work/comm"
holds "$work/comm" '[r["operation"] for r in j["rows"]] == ["all-gather", "broadcast"] and j["ranks"] == 3'
expect 64 "all-to-all" "$DUSK" bench comm --op all-to-all

say "bench step on two ranks: noise, then shards"
make_shards
write_config
"$local_sh" -n 2 -- -q bench step --config "$work/config.yaml" --steps 2 --warmup 1 --observed 2 --json \
  --trace "$work/trace.json" >"$work/step"
holds "$work/step" 'j["batches"] == "noise" and j["ranks"] == 2 and len(j["parts_of_ranks_ms"]) == 2'
holds "$work/step" 'set(j["parts_ms"]) == {"data", "forward", "backward", "exchange", "update"} and j["parts_ms"]["backward"] > 0'
holds "$work/step" '[c["phase"] for c in j["collectives"]] == ["forward"] + ["backward"] * (len(j["collectives"]) - 2) + ["update"]'
holds "$work/step" 'sum(c["bytes"] for c in j["collectives"] if "bucket" in c["name"]) > 11e6 * 4'
holds "$work/step" 'all(c["headroom_ms"] >= 0 and c["ms"] > 0 for c in j["collectives"])'
holds "$work/trace.json" '{e["pid"] for e in j["traceEvents"]} == {0, 1}'
holds "$work/trace.json" '[sum(e["name"] == "backward" and e["pid"] == r for e in j["traceEvents"]) for r in (0, 1)] == [2, 2]'
holds "$work/trace.json" 'sum("bucket" in e["name"] for e in j["traceEvents"]) >= 8'
write_config sync
"$local_sh" -n 2 -- -q bench step --config "$work/config.yaml" --steps 1 --warmup 1 --observed 1 --json \
  --shards "$work/shards" >"$work/step"
holds "$work/step" 'j["batches"] == "shards" and j["parts_ms"]["data"] > 0'
holds "$work/step" '{c["channel"] for c in j["collectives"] if "statistics of" in c["name"]} == {1}'
holds "$work/step" '{c["channel"] for c in j["collectives"] if "bucket" in c["name"]} == {0}'
"$DUSK" -q bench step --config "$work/config.yaml" --steps 1 --warmup 0 --observed 1 >"$work/text"
grep -q "visible exchange 0.0 ms" "$work/text" || die "one rank exchanges something: $(cat "$work/text")"

say "bench model"
"$DUSK" -q bench model resnet18 --height 64 --width 96 --batch 2 --rounds 1 --warmup 0 --threads 1 --json >"$work/model"
holds "$work/model" 'j["parameters"] == 11176512 and j["threads"] == 1 and (j["batch"], j["height"], j["width"]) == (2, 64, 96)'
holds "$work/model" 'j["multiply_adds"] == 2 * (64 * 96 * (1814073344 - 512000)) // 224**2'  # fvcore, without fc
holds "$work/model" '0 < j["forward_ms"] < j["step_ms"] and 0 < j["forward_peak_bytes"] and 0 < j["peak_memory_bytes"]'
"$DUSK" -q bench model patch_discriminator --height 64 --width 64 --rounds 1 --warmup 0 --no-count >"$work/text"
grep -qE "^patch_discriminator +[0-9.]+ +[0-9.]+ +[0-9.]+ [MG]iB +2764737 " "$work/text" || die "$(cat "$work/text")"
expect 64 "no network 'resnet19'; there are: all, resnet18, resnet101," "$DUSK" bench model resnet19
expect 64 "are of one network" "$DUSK" bench model all --weights "$work/model"

if mpirun --version | grep -q "Open MPI" && [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ]; then
  say "a training whose ranks Open MPI has bound to one core each is refused"
  export OMP_NUM_THREADS=2
  expect 64 "Open MPI has bound it to core .*--bind-to none" mpirun -n 2 --bind-to core --oversubscribe \
    "$DUSK" train "$work/config.yaml" --run "$work/run"
  [ ! -e "$work/run/config.yaml" ] || die "the refused training has begun"
fi
say "passed"
