#!/usr/bin/env python3
"""Times training steps of several ranks on this machine in Python PyTorch with
DistributedDataParallel over gloo, on batches of noise: the peer of `dusk bench step` started by
launch/local.sh. Starts the ranks itself and prints one JSON object with the median in ms of the
slowest rank."""

import json
import os
import statistics
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing
from torch.nn.parallel import DistributedDataParallel

from peers.step import argument_parser, time_steps


def run_rank(rank, args, rendezvous):
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank,
                            world_size=args.ranks)
    times, parameters = time_steps(args, wrap=DistributedDataParallel)
    medians = [None] * args.ranks
    dist.all_gather_object(medians, statistics.median(times))
    if rank == 0:
        print(json.dumps({"step_ms": max(medians), "step_ms_of_ranks": medians,
                          "ranks": args.ranks, "threads": torch.get_num_threads(),
                          "parameters": parameters, "torch": torch.__version__}), flush=True)
    dist.destroy_process_group()


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    args = parser.parse_args()
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all ranks are on this machine
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(run_rank, (args, os.path.join(folder, "rendezvous")),
                                    nprocs=args.ranks)


if __name__ == "__main__":
    main()
