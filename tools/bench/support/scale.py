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
* Collectives of one channel (gradients, or layers) run one after the other, each from the moment of the step's compute at which it was
  issued; the rank stands still from the moment at which it needed the result until it is there. So
  buckets hide behind the backward pass that is left, and sums of synchronised batch norm do not.
* All ranks are equally fast: no stragglers, no other traffic on the network, no congestion.
* Exchange beside compute slows neither down, except where all cores compute: there nothing is hidden,
  and ranks in excess of the cores take turns."""


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
    issued: float  # ms of the step's compute that come before it
    needed: float  # ms of compute that come before its result is waited for
    channel: int = 0  # those of one channel run one after the other


@dataclasses.dataclass(frozen=True)
class Step:
    """Compute of one rank, without any waiting, and what it exchanges meanwhile."""
    name: str
    device: str
    compute: float
    collectives: tuple

    def scaled(self, milliseconds):
        """The same step on a device that needs so many ms for it, all parts alike."""
        factor = milliseconds / self.compute
        return dataclasses.replace(self, compute=milliseconds, collectives=tuple(
            dataclasses.replace(c, issued=c.issued * factor, needed=c.needed * factor)
            for c in self.collectives))


def read_machine(path):
    values = json.loads(pathlib.Path(path).read_text())
    values["node"] = Link(**values["node"])
    if values.get("network"):
        values["network"] = Link(**values["network"])
    return Machine(**values)


def machine_json(machine):
    return json.dumps(dataclasses.asdict(machine), indent=2) + "\n"


PHASES = ("data", "forward", "backward", "exchange", "update")


def make_step(measured, compute=None):
    """From one result of `dusk bench step --json` on two ranks or more. `compute`: another one, on one
    rank, that tells the parts; moments of exchange are then moved in proportion."""
    if measured["ranks"] < 2:
        raise SystemExit(f"{measured['config']}: measured on one rank, which exchanges nothing: "
                         "use two or more (launch/local.sh -n 2 -- bench step --json)")
    begins, clock = {}, 0.0
    for phase in PHASES:
        begins[phase] = clock
        clock += measured["parts_ms"][phase]
    timeline = [(begins[c["phase"]] + c["after_ms"], c["headroom_ms"], c["ms"],
                 c.get("channel", 0))
                for c in measured["collectives"]]
    waits = waits_of(timeline)
    # The exchange is nothing but waiting, wherever the measured steps differ from their medians.
    waits = [w for w in waits if not begins["exchange"] <= w[0] < begins["update"]]
    waits.append((begins["exchange"], measured["parts_ms"]["exchange"]))

    def without_waits(moment):
        return moment - sum(min(length, moment - begin) for begin, length in waits if begin < moment)

    own_ends = [without_waits(begins[phase]) for phase in PHASES[1:]] + [without_waits(clock)]
    ends = own_ends
    if compute is not None:
        ends, total = [], 0.0
        for phase in PHASES:
            total += compute["parts_ms"][phase]
            ends.append(total)

    def moved(moment):
        return along(without_waits(moment), [0.0, *own_ends], [0.0, *ends])

    return Step(measured["config"], (compute or measured)["device"], ends[-1], tuple(
        Collective(c["bytes"], moved(issued), moved(issued + headroom), channel)
        for c, (issued, headroom, _, channel) in zip(measured["collectives"], timeline)))


def waits_of(timeline):
    """(begin, length) of every time that a rank stood still, from its collectives: (moment of issue,
    time until it waits, time that it takes, channel), each in the order of issue."""
    waits, free_at = [], {}
    for issued, headroom, length, channel in timeline:
        done = free_at[channel] = max(issued, free_at.get(channel, 0.0)) + length
        if done > issued + headroom:
            waits.append((issued + headroom, done - issued - headroom))
    return waits


def along(value, knots, targets):
    """Piecewise linear: `knots` go to `targets`."""
    for i in range(1, len(knots)):
        if value <= knots[i] and knots[i] > knots[i - 1]:
            share = (value - knots[i - 1]) / (knots[i] - knots[i - 1])
            return targets[i - 1] + share * (targets[i] - targets[i - 1])
    return targets[-1]


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
    """ms that a rank stands still in a step, waiting for collectives."""
    moments = sorted([(c.issued, 0, i) for i, c in enumerate(step.collectives)]
                     + [(c.needed, 1, i) for i, c in enumerate(step.collectives)])
    done = {}
    waited, free_at = 0.0, {}
    for moment, is_wait, i in moments:
        c = step.collectives[i]
        if not is_wait:
            start = max(moment + waited, free_at.get(c.channel, 0.0))
            done[i] = free_at[c.channel] = start + all_reduce(c.bytes, ranks, machine)
        else:
            waited += max(0.0, done[i] - (moment + waited))
    return waited


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
