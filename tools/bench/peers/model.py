#!/usr/bin/env python3
"""Times forward and backward passes of a network in Python PyTorch: the peer of `dusk bench model`.
Prints one JSON object. With --write-parity it stores weights, inputs, outputs and input gradients
instead, for `dusk bench model --weights F --parity F`."""

import argparse
import copy
import json
import pathlib
import re
import statistics
import time

import torch

from peers.reference_networks import NETWORKS, use_fused_operators
from make_golden import closed_form, fill  # of tests/unit/nn/golden

PICTURES = 20
ROUNDING = 2e-5  # of float32 against float64, relative to the largest value


def status(key):
    """Of /proc/self/status, in bytes."""
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) << 10


def reset_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def median_ms(args, run):
    times = []
    for i in range(args.warmup + args.rounds):
        begin = time.perf_counter()
        run()
        if i >= args.warmup:
            times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def measure(args):
    network = NETWORKS[args.model]()
    use_fused_operators(network.module)
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    net = network.module.to(memory_format=layout)
    inputs = [torch.randn(shape).to(memory_format=layout) for shape in network.shapes(args)]
    directions = []

    def step():
        net.zero_grad()
        outputs = network.run(net, inputs)
        if not directions:
            directions.extend(torch.randn_like(y) for y in outputs)
        torch.autograd.backward(outputs, directions)

    result = {"model": args.model, "threads": torch.get_num_threads(), "torch": torch.__version__,
              "channels_last": bool(args.channels_last),
              "parameters": sum(p.numel() for p in net.parameters())}
    net.eval()
    reset_peak()
    with torch.no_grad():
        result["forward_ms"] = median_ms(args, lambda: network.run(net, inputs))
    result["forward_peak_bytes"] = status("VmHWM:")
    net.train()
    reset_peak()
    result["step_ms"] = median_ms(args, step)
    result["peak_memory_bytes"] = status("VmHWM:")
    return result


def run_case(network, net, inputs):
    """Outputs, their directions and the gradients by the inputs, of sum(output * direction)."""
    inputs = [x.clone().requires_grad_(True) for x in inputs]
    outputs = network.run(net, inputs)
    directions = [closed_form(f"direction {i}", tuple(y.shape)).to(y.dtype)
                  for i, y in enumerate(outputs)]
    torch.autograd.backward(outputs, directions)
    return {"input": inputs, "output": outputs, "direction": directions,
            "input_gradient": [x.grad for x in inputs]}


def relative_error(values, exact):
    return max(((v - e).abs().max() / e.abs().max()).item() for v, e in zip(values, exact))


def write_parity(args):
    """In eval mode and float32, with biases that keep most activations off the kinks of ReLU
    (make_golden.py). Where rounding decides between two sides of a kink, or two maxima of a pooling,
    a gradient is not a number to compare: of several pictures the first is taken at which this
    network's own float32 gradient is that of float64. The case is written in both types."""
    from safetensors.torch import save_file
    network = NETWORKS[args.model]()
    net = network.module.eval()
    with torch.no_grad():
        fill(net, network.bias)
        for name in network.before_tanh:
            net.get_parameter(name).sub_(network.bias)
        for name, tensor in net.state_dict().items():
            if "predict_mapping" in name or "dc_convs.6" in name:  # flows of a few pixels
                tensor.mul_(0.1 if "decoder4" in name else 0.02)
            if re.match(r"decoder\.decoder\.1\d\.conv\.weight", name):  # before sigmoids
                tensor.mul_(0.005)
    exact_net = copy.deepcopy(net).double()
    best = None
    for picture in range(PICTURES):
        inputs = [(2 * closed_form(f"input {i}, picture {picture}", shape)).float()
                  for i, shape in enumerate(network.shapes(args))]
        case = run_case(network, net, inputs)
        exact = run_case(network, exact_net, [x.double() for x in inputs])
        error = max(relative_error(case[kind], exact[kind]) for kind in ("output", "input_gradient"))
        if best is None or error < best[0]:
            best = error, picture, case, exact
        if error < ROUNDING:
            break
    error, picture, *cases = best
    folder = pathlib.Path(args.write_parity)
    folder.mkdir(parents=True, exist_ok=True)
    for name, case in zip(("float32", "float64"), cases):
        save_file({f"{kind}.{i}": value.detach().contiguous()
                   for kind, values in case.items() for i, value in enumerate(values)},
                  folder / f"{name}.safetensors")
    save_file({name: value.contiguous() for name, value in net.state_dict().items()},
              folder / "weights.safetensors")
    return {"model": args.model, "picture": picture, "own_error": error}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=NETWORKS)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: what PyTorch chooses")
    parser.add_argument("--channels-last", type=int, choices=(0, 1), default=0)
    parser.add_argument("--write-parity", metavar="FOLDER")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    print(json.dumps(write_parity(args) if args.write_parity else measure(args)))


if __name__ == "__main__":
    main()
