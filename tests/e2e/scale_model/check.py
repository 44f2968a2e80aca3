"""Numbers of the model of scale against ones worked out by hand. The stored step computes for
1 + 20 + 40 + (9 - 1) = 69 ms; its buckets of 8 and 16 MB are ready 10 and 24 ms into the backward.
Within a node (0.1 ms, 1 GB/s) two ranks need 2 x 0.1 + size, between nodes a message takes 1 ms.

    check.py CHECKOUT FOLDER"""

import dataclasses
import json
import pathlib
import subprocess
import sys

checkout, folder = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(checkout / "tools/bench"))
from support import scale  # noqa: E402


def near(what, got, wanted):
    if abs(got - wanted) > 1e-9 * abs(wanted):
        sys.exit(f"FAILED: {what} is {got}, not {wanted}")


def predictions(*arguments):
    done = subprocess.run([checkout / "tools/bench/scale_model", "--json", "--step",
                           folder / "step.json", "--machine", folder / "machine.json", *arguments],
                          capture_output=True, text=True, check=True)
    return {p["ranks"]: p for p in map(json.loads, done.stdout.splitlines())}


found = predictions("--most", "64")
if list(found) != [1, 2, 4, 8, 16, 32, 64]:
    sys.exit(f"FAILED: predictions for {list(found)}")
near("step on 1", found[1]["step"], 69)
near("efficiency on 1", found[1]["efficiency"], 1)
# Bucket 1 runs from 24 to 24 + 16.2, 0.2 beyond the backward; the buffers take another 0.2.
near("exchange on 2", found[2]["exchange"], 0.2 + 8.2 + 16.2 + 0.2)
near("visible on 2", found[2]["visible"], 0.4)
near("step on 2", found[2]["step"], 69.4)
near("efficiency on 2", found[2]["efficiency"], 69 / 69.4)
# Two nodes of four: within 0.6 + 1.5 size, between 2 + 2 size: bucket 0 until 10 + 30.6, bucket 1
# another 58.6, 59.2 beyond the backward; the buffers 2.6.
near("exchange on 8", found[8]["exchange"], 2.6 + 30.6 + 58.6 + 2.6)
near("step on 8", found[8]["step"], 69 + 59.2 + 2.6)
# Sixteen nodes: a tree, 8 + 4 size, beats the ring, 30 + 3.75 size.
near("exchange on 64", found[64]["exchange"], 8.6 + 52.6 + 96.6 + 8.6)
near("step on 64", found[64]["step"], 69 + (10 + 52.6 + 96.6 - 40) + 8.6)
# A device of half the speed: buckets are ready at 20 and 48 of 80 ms, all but the buffers is hidden.
near("step on 2, scaled", predictions("--step-ms", "138")[2]["step"], 138.2)

step = scale.make_step(json.loads((folder / "step.json").read_text()))
machine = scale.read_machine(folder / "machine.json")
shared = dataclasses.replace(machine, cores=2, busy_slowdown=1.25)
near("2 ranks on 2 cores", scale.predict(step, 2, shared).step, 1.25 * 69 + 24.8)
near("3 ranks on 2 cores", scale.predict(step, 3, shared).step, 1.5 * (1.25 * 69 + 4 * 0.4 + 32))
near("1 rank on 2 cores", scale.predict(step, 1, shared).step, 69)

# Parts of a rank alone, twice as fast: the moments of exchange move with them.
alone = {"ranks": 1, "device": "d", "parts_ms": {
    "data": 0, "forward": 10, "backward": 20, "exchange": 0, "update": 4}}
faster = scale.make_step(json.loads((folder / "step.json").read_text()), alone)
near("compute alone", faster.compute, 34)
near("bucket 1 alone, issued", faster.collectives[2].issued, 10 + 12)
near("bucket 1 alone, needed", faster.collectives[2].needed, 10 + 20)

# A sum of batch norm 5 ms into the backward that the rank waits for at once, for 2 ms; a bucket that is
# ready 9 ms into it, hence after 10 + 7 ms of compute.
waiting = scale.make_step({
    "config": "c", "ranks": 2, "device": "d",
    "parts_ms": {"data": 0, "forward": 10, "backward": 20, "exchange": 0, "update": 0},
    "collectives": [
        {"bytes": 0, "phase": "backward", "after_ms": 5, "headroom_ms": 0, "ms": 2},
        {"bytes": 8000000, "phase": "backward", "after_ms": 9, "headroom_ms": 11, "ms": 8}]})
near("compute without waiting", waiting.compute, 28)
near("bucket behind a wait", waiting.collectives[1].issued, 17)
near("all hidden but batch norm", scale.predict(waiting, 2, machine).step, 28.2)
near("bucket beyond the backward", scale.predict(waiting, 8, machine).step, 17 + 2.6 + 30.6)
# A sum that queues behind a bucket until 13 and takes 2: 6 ms after its issue at 9.
if scale.waits_of([(5, 20, 8, 0), (9, 0, 2, 0)]) != [(9, 6)]:
    sys.exit("FAILED: a wait behind another collective")
if scale.waits_of([(5, 20, 8, 0), (9, 0, 2, 1)]) != [(9, 2)]:
    sys.exit("FAILED: another channel does not queue")

# 0.2 ms + size / (1 GB/s) on two ranks is a link of 100 us and 1 GB/s.
link = scale.fit_node([{"operation": "all-reduce", "bytes": 1000, "ours_ms": 0.201},
                       {"operation": "broadcast", "bytes": 1, "ours_ms": 9},
                       {"operation": "all-reduce", "bytes": 1000000, "ours_ms": 1.2}], 2)
near("fitted latency", link.latency_us, 100)
near("fitted bandwidth", link.bandwidth_gbs, 1)
print("the model agrees with the closed forms")
