#!/usr/bin/env python3
"""Times iterations of DSRNSS in Python PyTorch on a batch of noise: the peer of `dusk bench step`
with method dsrnss. Prints one JSON object."""

import argparse
import json
import pathlib
import random
import statistics
import time

import torch

from peers import dsrnss


def peak_memory_bytes():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10


def optimizer_of(name):
    if name == "sgd":
        return lambda parameters: torch.optim.SGD(parameters, lr=1e-3, momentum=0.9,
                                                  weight_decay=1e-4, fused=True)
    return lambda parameters: torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.01, fused=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=2, help="pictures of each domain")
    parser.add_argument("--height", type=int, default=192)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: what PyTorch chooses")
    parser.add_argument("--channels-last", type=int, choices=(0, 1), default=0)
    parser.add_argument("--optimizer", choices=("sgd", "adamw"), default="sgd")
    parser.add_argument("--separate", type=int, choices=(0, 1), default=0,
                        help="a backward pass after each loss, as published; 0: one of their sum")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    random.seed(0)
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    method = dsrnss.Dsrnss(optimizer_of(args.optimizer), lambda net: net.to(memory_format=layout),
                           separate=args.separate == 1)
    size = (args.batch, 3, args.height, args.width)
    images, night, day = (torch.randn(size).to(memory_format=layout) for _ in range(3))
    labels = torch.randint(dsrnss.CLASSES, (args.batch, args.height, args.width))
    times = []
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    for i in range(args.warmup + args.steps):
        begin = time.perf_counter()
        method.step(images, labels, night, day)
        if i >= args.warmup:
            times.append(1000 * (time.perf_counter() - begin))
    print(json.dumps({"step_ms": statistics.median(times), "times_ms": [round(t, 3) for t in times],
                      "peak_memory_bytes": peak_memory_bytes(),
                      "threads": torch.get_num_threads(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
