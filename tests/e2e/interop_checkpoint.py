"""Checkpoints and weights between Dusk and Python PyTorch.

    write-backbone FILE                     torchvision's MobileNetV2, random, by safetensors
    same-backbone FILE CHECKPOINT           the checkpoint's backbone holds that file's tensors
    same-labels CHECKPOINT PICTURES LABELS  the network in Python gives the label PNGs of `dusk predict`
"""

import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file

from peers.camvid import normalise
from peers.network import Segmenter


def write_backbone(path):
    torch.manual_seed(11)
    model = torchvision.models.mobilenet_v2(weights=None)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # statistics that are not all 0 and 1
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    save_file(model.state_dict(), path)


def same_backbone(file, checkpoint):
    """The learning rate was next to nothing, so parameters are still the file's. Running statistics
    have moved on and are left out."""
    theirs, ours = load_file(file), load_file(checkpoint)
    compared = 0
    for name, tensor in theirs.items():
        if name.startswith(("classifier.", "features.18.")) or "running" in name or "num_b" in name:
            continue
        other = ours["backbone." + name]
        assert other.shape == tensor.shape, f"{name}: {other.shape} != {tensor.shape}"
        assert torch.allclose(other, tensor, rtol=1e-5, atol=1e-7), f"{name} differs"
        compared += 1
    assert compared == 153, compared  # 51 convolutions, and scale and shift of as many batch norms
    print(f"{compared} tensors are those that Python wrote")


def load_network(checkpoint):
    tensors = load_file(checkpoint)
    widths = (tensors["neck.fpn_output2.weight"].shape[0], tensors["head.predictor.weight"].shape[1])
    model = Segmenter("mobilenet_v2", tensors["head.predictor.weight"].shape[0], *widths)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected, unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing), missing
    return model.eval()


@torch.no_grad()
def same_labels(checkpoint, pictures, labels):
    """Rounding may decide a pixel at a class border differently, hence not quite all."""
    model = load_network(checkpoint)
    files = sorted(pathlib.Path(pictures).glob("*.png"))
    assert files, f"no pictures in {pictures}"
    classes = set()
    for path in files:
        image = numpy.array(Image.open(path).convert("RGB"))
        logits = model(torch.from_numpy(normalise(image))[None])
        full = F.interpolate(logits, size=image.shape[:2], mode="bilinear", align_corners=False)
        theirs = full.argmax(1)[0].numpy()
        ours = numpy.array(Image.open(pathlib.Path(labels) / path.name))
        assert ours.shape == theirs.shape, f"{path.name}: {ours.shape} != {theirs.shape}"
        agreement = (ours == theirs).mean()
        assert agreement > 0.999, f"{path.name}: only {agreement:.4f} of the pixels agree"
        classes |= set(numpy.unique(ours))
    assert len(classes) > 1, "one class everywhere proves nothing"
    print(f"{len(files)} label pictures agree, classes {sorted(map(int, classes))}")


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    {"write-backbone": write_backbone, "same-backbone": same_backbone,
     "same-labels": same_labels}[command](*arguments)
