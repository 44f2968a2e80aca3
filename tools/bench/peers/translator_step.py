#!/usr/bin/env python3
"""Times training steps of a translator in Python PyTorch on a batch of noise: the peer of `dusk
bench step` with the methods unit and cyclegan. Prints one JSON object."""

import argparse
import json
import statistics
import time

import torch

from peers import translators


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=("unit", "cyclegan"), required=True)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--discriminator-width", type=int, default=64)
    parser.add_argument("--layer-norm", type=int, choices=(0, 1), default=0)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--picture-width", type=int, default=256)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: what PyTorch chooses")
    parser.add_argument("--channels-last", type=int, choices=(0, 1), default=0)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if args.channels_last else torch.contiguous_format

    def prepare(network):
        for parameter in network.parameters():
            if parameter.dim() == 1:
                torch.nn.init.zeros_(parameter)
        for module in network.modules():
            if hasattr(module, "gamma"):
                torch.nn.init.uniform_(module.gamma)
        return network.to(memory_format=layout)

    if args.method == "unit":
        method = translators.make_unit(args.width, args.blocks, args.discriminator_width,
                                       args.layer_norm == 1, prepare)
    else:
        pools = {"a": translators.ImagePool(), "b": translators.ImagePool()}
        method = translators.make_cyclegan(args.width, args.blocks, args.discriminator_width, prepare,
                                           shown=lambda name, fakes: pools[name].query(fakes))
    size = (args.batch, 3, args.height, args.picture_width)
    a, b = (torch.randn(size).to(memory_format=layout) for _ in range(2))
    times = []
    for i in range(args.warmup + args.steps):
        begin = time.perf_counter()
        method.step(a, b)
        if i >= args.warmup:
            times.append(1000 * (time.perf_counter() - begin))
    print(json.dumps({"step_ms": statistics.median(times), "times_ms": [round(t, 3) for t in times],
                      "threads": torch.get_num_threads(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
