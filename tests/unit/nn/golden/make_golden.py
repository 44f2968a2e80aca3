"""Makes the stored outputs beside this file with Python PyTorch and torchvision.

Run: python3 make_golden.py   (torch 2.11.0, torchvision 0.26.0, numpy)

Weights and inputs are closed forms of a tensor's name and an element's index, so that the C++ test
builds the same ones without a file. The network runs in float64: the stored values are those of
the function, not of one order of float32 additions. Biases
put most activations between the kinks of ReLU6: where rounding decides the side of a kink, a
gradient is no longer a number to compare.
"""

import json
import math
import pathlib
import struct

import numpy as np
import torch
import torchvision

import panoptic_fpn as reference

HERE = pathlib.Path(__file__).parent
CLASSES = 5
# 102 -> 51/26/13/7/4, 134 -> 67/34/17/9/5: no level is twice the next.
SHAPES = {"eval": (1, 3, 70, 102), "train": (2, 3, 102, 134)}
SAMPLES = 997  # stored elements of a large tensor, evenly strided


def salt(name):
    value = 0
    for byte in name.encode():
        value = (value * 31 + byte) % 2**32
    return value


def noise(name, count):
    """In [-1, 1): an integer hash of (name, index), the same in any language."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(salt(name))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2.0**31 - 1.0


def closed_form(name, shape):
    return torch.from_numpy(noise(name, math.prod(shape)).reshape(shape))


def fill(network, bias=3):
    """Biases lie around `bias`."""
    for name, tensor in network.state_dict().items():
        u = closed_form(name, tuple(tensor.shape))
        if name.endswith("num_batches_tracked"):
            tensor.fill_(3)
        elif name.endswith("running_var"):
            tensor.copy_(1 + 0.5 * u)
        elif name.endswith("running_mean"):
            tensor.copy_(0.1 * u)
        elif name.endswith("bias"):
            tensor.copy_(bias + 0.1 * u)
        elif tensor.dim() == 1:  # scale of a norm
            tensor.copy_(1 + 0.1 * u)
        else:
            tensor.copy_(u * math.sqrt(6 / math.prod(tensor.shape[1:])))


def strided(tensor):
    flat = tensor.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLES)].contiguous()


def save(path, tensors):
    header, offset, body = {}, 0, b""
    for name in sorted(tensors):
        data = tensors[name].detach().to(torch.float32).contiguous().numpy()
        header[name] = {"dtype": "F32", "shape": list(data.shape),
                        "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
        body += data.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def run(network, mode, shape, out):
    """Stores logits, samples of the levels and of the input's gradient, and for every parameter
    the gradient's norm and its product with a closed form."""
    fill(network)
    network.train(mode == "train")
    images = 2 * closed_form(f"{mode} images", shape)
    images.requires_grad_(True)
    levels = network.features(network.backbone, images)
    logits = network.head(network.neck(levels))
    network.zero_grad()
    full = torch.nn.functional.interpolate(logits, size=shape[-2:], mode="bilinear", align_corners=False)
    (full * closed_form("direction", tuple(full.shape))).sum().backward()
    for i, level in enumerate(levels):
        out[f"{mode}.level{i}"] = strided(level)
    out[f"{mode}.low_res_logits"] = logits
    out[f"{mode}.logits"] = strided(full)
    out[f"{mode}.input_gradient"] = strided(images.grad)
    rows = []
    for name, parameter in network.named_parameters():
        direction = closed_form("gradient of " + name, tuple(parameter.shape))
        rows.append([parameter.grad.norm(), (parameter.grad * direction).sum()])
    out[f"{mode}.parameter_gradients"] = torch.tensor(rows)
    if mode == "train":
        stats = [b.sum() for n, b in network.named_buffers() if n.endswith(("mean", "var"))]
        out["train.running_sums"] = torch.stack(stats)


def networks():
    models = torchvision.models
    mobile = models.mobilenet_v2()
    yield "mobilenet_v2", mobile, reference.mobilenet_v2_features, (24, 32, 96, 320)
    for name, base in (("resnet18", 64), ("resnet50", 256), ("resnet101", 256)):
        channels = tuple(base * 2**i for i in range(4))
        yield name, getattr(models, name)(), reference.resnet_features, channels


def write_names():
    """Names, shapes and kinds of torchvision's state dicts, classifier included."""
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2"):
        network = getattr(torchvision.models, name)()
        parameters = dict(network.named_parameters())
        lines = []
        for key, value in network.state_dict().items():
            kind = "parameter" if key in parameters else "buffer"
            lines.append(f"{key} {kind} {'x'.join(map(str, value.shape)) or 'scalar'}\n")
        (HERE / f"{name}.names.txt").write_text("".join(lines))


def main():
    write_names()
    for name, backbone, features, channels in networks():
        for part in ("fc", "classifier", "features.18"):
            if part in dict(backbone.named_modules()):
                parent, _, leaf = part.rpartition(".")
                del backbone.get_submodule(parent)._modules[leaf]
        network = reference.Segmenter(backbone, features, channels, CLASSES, neck_width=64,
                                      head_width=64).double()
        out = {}
        for mode, shape in SHAPES.items():
            run(network, mode, shape, out)
        save(HERE / f"{name}.safetensors", out)


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
