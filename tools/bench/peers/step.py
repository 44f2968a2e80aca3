#!/usr/bin/env python3
"""Times training steps in Python PyTorch on a batch of noise: the peer of `dusk bench step`. Prints
one JSON object with the median and all times in ms."""

import argparse
import json
import statistics
import time

import torch

from peers.network import Segmenter, segmentation_loss


def argument_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--neck-channels", type=int, default=64)
    parser.add_argument("--head-channels", type=int, default=64)
    parser.add_argument("--classes", type=int, default=11)
    parser.add_argument("--batch", type=int, default=4, help="of this process")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: what PyTorch chooses")
    parser.add_argument("--channels-last", type=int, choices=(0, 1), default=0)
    parser.add_argument("--fused", type=int, choices=(0, 1), default=0,
                        help="the fused SGD; 0: what torch.optim.SGD does by default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    return parser


def time_steps(args, wrap=lambda model: model):
    """Times of the steps in ms. `wrap` makes the network into what is trained (and exchanges)."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    device = torch.device(args.device)
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    model = Segmenter(args.backbone, args.classes, args.neck_channels, args.head_channels)
    model = wrap(model.to(device, memory_format=layout).train())
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4,
                                fused=True if args.fused else None)
    images = torch.randn(args.batch, 3, args.height, args.width).to(device, memory_format=layout)
    labels = torch.randint(args.classes, (args.batch, args.height, args.width), device=device)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=args.precision == "bf16")

    def step():
        optimizer.zero_grad()
        with autocast:
            logits = model(images)
        segmentation_loss(logits.float(), labels).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = []
    for i in range(args.warmup + args.steps):
        begin = time.perf_counter()
        step()
        if i >= args.warmup:
            times.append(1000 * (time.perf_counter() - begin))
    return times, sum(p.numel() for p in model.parameters())


def main():
    args = argument_parser(__doc__).parse_args()
    times, parameters = time_steps(args)
    result = {
        "step_ms": statistics.median(times),
        "times_ms": [round(t, 3) for t in times],
        "threads": torch.get_num_threads(),
        "parameters": parameters,
        "torch": torch.__version__,
    }
    if args.device.startswith("cuda"):
        result["peak_memory_bytes"] = torch.cuda.max_memory_allocated()
        result["device"] = torch.cuda.get_device_name()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
