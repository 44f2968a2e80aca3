"""Holds the model of scale against this machine: ranks of one thread each."""

import subprocess

from support import measure, scale

BATCH = 2  # of a rank
MOST_RANKS = 4
ROUNDS = 3


def step_command(config, ranks, steps):
    return measure.ranks(ranks, [
        "-q", "bench", "step", "--json", "--config", config, "--labels", "camvid11",
        "--threads", 1, "--batch", BATCH * ranks, "--steps", steps, "--warmup", 2,
        "--observed", steps])


def bench_step(config, ranks, steps=6):
    return measure.run_json(step_command(config, ranks, steps))


def middle(results):
    """The result whose step is the median one."""
    return sorted(results, key=lambda r: r["step_ms"])[len(results) // 2]


def busy_slowdown(config, alone_ms):
    """How much slower one rank's compute is while all other cores do the same, not exchanging."""
    command = [str(part) for part in step_command(config, 1, 8)]
    others = [subprocess.Popen(command, cwd=measure.ROOT, stdout=subprocess.PIPE, text=True)
              for _ in range(measure.cores())]
    times = []
    for process in others:
        out, _ = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"exit code {process.returncode}: {' '.join(command)}")
        times.append(measure.last_json(out)["step_ms"])
    return max(measure.median(times) / alone_ms, 1.0)


def measure_machine(config, alone_ms):
    rows = measure.run_json(measure.ranks(2, [
        "-q", "bench", "comm", "--json", "--op", "all-reduce", "--from-kib", 1, "--to-kib", 65536]))
    cores = measure.cores()
    return scale.Machine(
        name=f"this machine: {rows['communicator']}, {cores} cores, ranks of one thread",
        ranks_per_node=64, node=scale.fit_node(rows["rows"], rows["ranks"]), cores=cores,
        busy_slowdown=busy_slowdown(config, alone_ms),
        note="Measured by scale_model --validate with dusk bench comm on two ranks.")


def run(config, save_machine=None):
    """Prints, for each number of ranks, what the model says and what was measured. The model knows
    one rank's parts, the collectives of two ranks, and the machine; no step of several ranks."""
    measure.require_dusk("scale_model")
    counts = range(1, MOST_RANKS + 1)
    measured = {n: [] for n in counts}
    for i in range(ROUNDS):
        for n in counts if i % 2 == 0 else reversed(counts):
            measured[n].append(bench_step(config, n))
    alone, pair = middle(measured[1]), middle(measured[2])
    machine = measure_machine(config, alone["step_ms"])
    if save_machine:
        save_machine.write_text(scale.machine_json(machine))
    step = scale.make_step(pair, alone)
    print("Assumptions\n" + scale.ASSUMPTIONS)
    print(f"\n{step.name}\n{machine.name}: latency {machine.node.latency_us:.0f} us, bandwidth "
          f"{machine.node.bandwidth_gbs:.2f} GB/s, compute {machine.busy_slowdown:.2f} times as slow "
          "when all cores are busy\n")
    print(f"{'ranks':>6} {'predicted ms':>13} {'measured ms':>12} {'of measured':>12} "
          f"{'efficiency predicted':>21} {'measured':>9}")
    base = measure.median(r["step_ms"] for r in measured[1])
    for n in counts:
        p = scale.predict(step, n, machine)
        seen = measure.median(r["step_ms"] for r in measured[n])
        print(f"{n:>6} {p.step:>13.1f} {seen:>12.1f} {p.step / seen:>12.2f} "
              f"{100 * p.efficiency:>20.1f}% {100 * base / seen:>8.1f}%")
