"""Files of torch.save for torch_file_test.cpp, and state.safetensors, what is in them.

    python make_torch_files.py    writes all of them beside this script (torch 2.11, safetensors 0.8)
"""

import argparse
import collections
import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


def state():
    """Every element type and every way of lying in a storage."""
    tensors = collections.OrderedDict()
    numbers = torch.arange(-6, 6)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
                  torch.bfloat16, torch.float32, torch.float64):
        tensors[str(dtype).removeprefix("torch.")] = (numbers % 100 if dtype == torch.uint8 else numbers).to(dtype)
    tensors["bool"] = numbers % 3 == 0
    tensors["scalar"] = torch.tensor(7)
    tensors["empty"] = torch.zeros(4, 0, 2)
    block = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5) / 8
    tensors["block"] = block
    tensors["slice_of_block"] = block[1]
    tensors["column_of_block"] = block[:, 2, 1:3]
    tensors["transposed"] = (torch.arange(6).float().reshape(2, 3) / 4).t()
    tensors["channels_last"] = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(1)).to(
        memory_format=torch.channels_last)
    tensors["expanded"] = torch.tensor([[1.5], [2.5]]).expand(2, 3)
    tensors["parameter"] = torch.nn.Parameter(torch.tensor([0.25, -0.5]))
    return tensors


def network():
    torch.manual_seed(2)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def checkpoint():
    """As training scripts write it: the network beside things that need Python."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3, "best": torch.tensor(0.5), "args": argparse.Namespace(lr=0.1, device=torch.device("cpu")),
        "state_dict": {"module." + name: tensor for name, tensor in model.state_dict().items()},
        "optimizer": optimizer.state_dict(), "history": [0.5, 2**70, None, (1, "a")],
        "kept": {pathlib.PurePosixPath, frozenset({1})},
    }


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


if __name__ == "__main__":
    legacy = {"_use_new_zipfile_serialization": False}
    save_file({name: tensor.detach().clone(memory_format=torch.contiguous_format)
               for name, tensor in state().items()}, HERE / "state.safetensors")
    save("state.pth", state())
    save("state_protocol_5.pth", state(), pickle_protocol=5)
    save("state_stream.pth", state(), **legacy)
    save("checkpoint.pth", checkpoint())
    save("checkpoint_stream.pth", checkpoint(), **legacy)
    save("model_object.pth", torch.nn.Linear(2, 2))
    save("sparse.pth", {"dense": torch.ones(2), "sparse": torch.eye(2).to_sparse()})
    save("two_networks.pth", {"a": network().state_dict(), "b": {"ema": network().state_dict()}, "iteration": 7})
    torch.jit.script(torch.nn.Linear(2, 2)).save(HERE / "script.pth")
