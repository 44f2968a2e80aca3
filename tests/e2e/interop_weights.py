"""Files of torch.save between Dusk and Python PyTorch.

    write FOLDER                  one set of tensors in each form that torch.save has, and as safetensors
    same FILE EXPECTED            FILE (.pth or .safetensors) holds the tensors of EXPECTED, bit for bit
    torchvision FILE CHECKPOINT   torchvision's MobileNetV2 takes FILE by name; its tensors are the checkpoint's
"""

import argparse
import pathlib
import sys
import zipfile

import torch
import torchvision
from safetensors.torch import load_file, save_file


def tensors():
    torch.manual_seed(5)
    made = {f"of.{str(dtype)[6:]}": torch.randn(3, 5, 7).mul(20).to(dtype) for dtype in
            (torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
             torch.float64, torch.bool)}
    made["of.uint8"] = torch.randint(0, 256, (1000,), dtype=torch.uint8)
    made |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "nan": torch.tensor([float("nan"), 1]),
             "strided": torch.randn(6, 8)[::2, 1::3], "transposed": torch.randn(4, 9).t(), "\u00e4": torch.ones(1),
             "large": torch.randn(300, 1000), "parameter": torch.nn.Parameter(torch.randn(2, 2))}
    return made


def write(folder):
    folder = pathlib.Path(folder)
    folder.mkdir()
    state = tensors()
    save_file({name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in state.items()},
              folder / "expected.safetensors")
    for protocol in (2, 3, 4, 5):
        torch.save(state, folder / f"zip_{protocol}.pth", pickle_protocol=protocol)
    torch.save(state, folder / "stream.pth", _use_new_zipfile_serialization=False)
    wrapped = {"module." + name: t for name, t in state.items()}
    torch.save({"epoch": 1, "args": argparse.Namespace(a=1), "net": wrapped}, folder / "checkpoint.pth")


def load(path):
    if not path.endswith(".pth"):
        return load_file(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, "checksums"
    loaded = torch.load(path, weights_only=True)
    mapped = torch.load(path, weights_only=True, mmap=True)  # needs the alignment
    assert all(torch.equal(t.nan_to_num(), mapped[name].nan_to_num()) for name, t in loaded.items())
    return loaded


def bits(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def same(path, expected):
    actual, expected = load(path), load_file(expected)
    assert actual.keys() == expected.keys(), actual.keys() ^ expected.keys()
    for name, tensor in expected.items():
        assert actual[name].dtype == tensor.dtype and actual[name].shape == tensor.shape, name
        assert torch.equal(bits(actual[name]), bits(tensor)), name
    print(f"{len(expected)} tensors agree bit for bit")


def from_torchvision(path, checkpoint):
    """Dusk's backbone ends before features.18; everything else must be there."""
    state, ours = torch.load(path), load_file(checkpoint)
    missing, unexpected = torchvision.models.mobilenet_v2(weights=None).load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert missing and all(name.startswith(("features.18.", "classifier.")) for name in missing), missing
    for name, tensor in state.items():
        assert torch.equal(tensor, ours["backbone." + name]), name
    print(f"torchvision takes {len(state)} tensors")


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    {"write": write, "same": same, "torchvision": from_torchvision}[command](*arguments)
