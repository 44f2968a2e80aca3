"""What a training step costs on other numbers of ranks: the model behind tools/bench/scale_model.
Times are milliseconds, sizes bytes, bandwidths GB/s (1e9 bytes a second), latencies microseconds."""

import dataclasses
import json
import math
import pathlib

ASSUMPTIONS = """\
* Weak scaling: every rank has the batch, and hence the compute time, that was measured.
* All-reduce within a node: the better of a ring, 2 (n - 1) latency + 2 (n - 1) / n size / bandwidth,
  and a pipelined tree, 2 log2(n) latency + 2 size / bandwidth. Over m nodes: reduce-scatter within the
  nodes, all-reduce over the network with all its bandwidth, all-gather within the nodes.
* Collectives run one after the other. A bucket travels as soon as it is ready, beside the backward pass
  that is left; only what reaches beyond its end is visible. What the forward pass starts is waited for at
  its end; what the update issues (buffers of batch norm) is visible in full.
* All ranks are equally fast: no stragglers, no other traffic on the network, no congestion.
* Exchange beside compute slows neither down, except where all cores compute: there nothing is hidden,
  and ranks in excess of the cores take turns.
* Networks with synchronised batch norm wait within the passes and are slower than this says."""


@dataclasses.dataclass(frozen=True)
class Link:
    latency_us: float
    bandwidth_gbs: float  # in one direction: of a rank within the node, of a whole node between nodes


@dataclasses.dataclass(frozen=True)
class Machine:
    name: str
    ranks_per_node: int
    node: Link
    network: Link | None = None  # None: a single node
    base_us: float = 0  # that every collective costs
    cores: int | None = None  # ranks of one thread share them; None: each rank has its own device
    busy_slowdown: float = 1  # of compute while all cores are busy
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Collective:
    bytes: int
    phase: str
    after: float  # ms from the beginning of the phase


@dataclasses.dataclass(frozen=True)
class Step:
    """Compute of one rank, without any waiting, and what it exchanges."""
    name: str
    device: str
    data: float
    forward: float
    backward: float
    update: float
    collectives: tuple

    @property
    def compute(self):
        return self.data + self.forward + self.backward + self.update

    def scaled(self, milliseconds):
        """The same step on a device that needs so many ms for it, all parts alike."""
        factor = milliseconds / self.compute
        return dataclasses.replace(
            self, data=self.data * factor, forward=self.forward * factor,
            backward=self.backward * factor, update=self.update * factor,
            collectives=tuple(dataclasses.replace(c, after=c.after * factor)
                              for c in self.collectives))


def read_machine(path):
    values = json.loads(pathlib.Path(path).read_text())
    values["node"] = Link(**values["node"])
    if values.get("network"):
        values["network"] = Link(**values["network"])
    return Machine(**values)


def machine_json(machine):
    return json.dumps(dataclasses.asdict(machine), indent=2) + "\n"


def make_step(measured, compute=None):
    """From one result of `dusk bench step --json` on two ranks or more. `compute`: another one, on one
    rank, that tells the parts; moments of exchange are then moved in proportion."""
    if measured["ranks"] < 2:
        raise SystemExit(f"{measured['config']}: measured on one rank, which exchanges nothing: "
                         "use two or more (launch/local.sh -n 2 -- bench step --json)")
    parts = dict((compute or measured)["parts_ms"])
    if compute is None:  # the update contains its own exchange
        parts["update"] -= sum(c["ms"] for c in measured["collectives"] if c["phase"] == "update")
    collectives = []
    for c in measured["collectives"]:
        phase = "backward" if c["phase"] == "exchange" else c["phase"]
        share = parts[phase] / measured["parts_ms"][phase] if measured["parts_ms"][phase] else 1
        after = c["after_ms"] * share if c["phase"] == phase else parts["backward"]
        collectives.append(Collective(c["bytes"], phase, after))
    return Step(measured["config"], (compute or measured)["device"], parts["data"],
                parts["forward"], parts["backward"], max(parts["update"], 0), tuple(collectives))


def ring(size, n, link):
    return 2 * (n - 1) * link.latency_us / 1e3 + 2 * (n - 1) / n * size / link.bandwidth_gbs / 1e6


def tree(size, n, link):
    return (2 * math.ceil(math.log2(n)) * link.latency_us / 1e3
            + 2 * size / link.bandwidth_gbs / 1e6)


def all_reduce(size, ranks, machine):
    """ms of an all-reduce of `size` bytes on every rank."""
    if ranks == 1:
        return 0.0
    local = min(ranks, machine.ranks_per_node)
    nodes = math.ceil(ranks / machine.ranks_per_node)
    base = machine.base_us / 1e3
    if nodes == 1:
        return base + min(ring(size, local, machine.node), tree(size, local, machine.node))
    if machine.network is None:
        raise ValueError(f"{machine.name} has no network: at most {machine.ranks_per_node} ranks")
    across = min(ring(size, nodes, machine.network), tree(size, nodes, machine.network))
    within = ring(size, local, machine.node) if local > 1 else 0  # both halves of a ring
    return base + within + across


@dataclasses.dataclass(frozen=True)
class Prediction:
    ranks: int
    step: float
    exchange: float  # all collectives, hidden or not
    visible: float
    efficiency: float


def visible_time(step, ranks, machine):
    """ms of the exchange that the compute of the step does not hide."""
    visible = 0.0
    hidden_until = {"forward": step.forward, "backward": step.backward, "update": 0.0, "data": 0.0}
    for phase, end in hidden_until.items():
        done = 0.0
        for c in (c for c in step.collectives if c.phase == phase):
            start = max(c.after, done) if end else done
            done = start + all_reduce(c.bytes, ranks, machine)
        visible += max(0.0, done - end)
    return visible


def predict(step, ranks, machine):
    exchange = sum(all_reduce(c.bytes, ranks, machine) for c in step.collectives)
    compute, turns = step.compute, 1.0
    visible = visible_time(step, ranks, machine)
    if machine.cores is not None and ranks >= machine.cores:
        compute *= machine.busy_slowdown if machine.cores > 1 else 1
        turns = ranks / machine.cores
        visible = exchange
    total = turns * (compute + visible)
    return Prediction(ranks, total, exchange, turns * visible, step.compute / total)


def fit_node(rows, ranks):
    """The link within a node from the all-reduces of one `dusk bench comm --json`: bandwidth of the
    largest buffer, latency of what the smallest needs beyond that."""
    times = sorted((r["bytes"], r["ours_ms"]) for r in rows if r["operation"] == "all-reduce")
    (small, small_ms), (large, large_ms) = times[0], times[-1]
    slope = (large_ms - small_ms) / (large - small)
    return Link(latency_us=max(small_ms - slope * small, 0) * 1e3 / (2 * (ranks - 1)),
                bandwidth_gbs=2 * (ranks - 1) / ranks / slope / 1e6)
