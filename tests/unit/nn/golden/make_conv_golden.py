"""Makes the stored outputs of the convolutional networks beside this file.

Run: python3 make_conv_golden.py   (torch 2.11.0, torchvision 0.26.0, numpy)

Weights and inputs are make_golden.py's closed forms, rounded to float32 as the C++ test's are; the
network then runs in float64 on exactly the values that the test has.
"""

import math
import pathlib

import torch
import torchvision

import conv_networks as reference
from make_golden import closed_form, save, strided

HERE = pathlib.Path(__file__).parent
CLASSES = 5
# At stride 8 the first is 27 columns wide: wide enough for a dilation of 24 to reach a pixel.
EVAL, TRAIN = (1, 3, 50, 214), (2, 3, 58, 74)


def single(name, shape):
    return closed_form(name, shape).to(torch.float32)


def fill(network):
    """As closed_form_weight of closed_form.hpp, in float32."""
    for name, tensor in network.state_dict().items():
        u = single(name, tuple(tensor.shape))
        if name.endswith("num_batches_tracked"):
            value = torch.full_like(tensor, 3)
        elif name.endswith("running_var"):
            value = 1 + 0.5 * u
        elif name.endswith("running_mean"):
            value = 0.1 * u
        elif name.endswith("bias"):
            value = 3 + 0.1 * u
        elif tensor.dim() == 1:
            value = 1 + 0.1 * u
        else:
            value = u * math.sqrt(6 / math.prod(tensor.shape[1:]))
        tensor.copy_(value)


def images_of(mode, shape):
    return (2 * single(f"{mode} images", shape)).double().requires_grad_(True)


def differentiate(outputs, images):
    """Gradient of the outputs' products with closed forms, summed, by the input."""
    total = sum((value * single(f"{name} direction", tuple(value.shape)).double()).sum()
                for name, value in outputs.items())
    total.backward()
    return images.grad


def segmenter(network):
    out = {}
    network = network.double()
    for mode, shape in (("eval", EVAL), ("train", TRAIN)):
        fill(network)
        network.train(mode == "train")
        images = images_of(mode, shape)
        logits, auxiliary = network(images)
        outputs = {"logits": logits}
        if auxiliary is not None:
            outputs["auxiliary"] = auxiliary
        gradient = differentiate(outputs, images)
        out |= {f"{mode}.{name}": value for name, value in outputs.items()}
        out[f"{mode}.input_gradient"] = strided(gradient)
    return out


def vgg16():
    """All five blocks with the first three poolings, and the four-block form with all of its own."""
    features = torchvision.models.vgg16().double().eval().features
    network = torch.nn.Module()
    network.features = features
    fill(network)
    out = {}
    for name, blocks, pools in (("perceptual", 5, 3), ("alignment", 4, 4)):
        images = images_of(name, (1, 3, 43, 38))
        maps, x, block = {}, images, 0
        for layer in features:
            if isinstance(layer, torch.nn.MaxPool2d):
                block += 1
                maps[f"relu{block}"] = x
                if block <= pools:
                    x = maps[f"pool{block}"] = layer(x)
                if block == blocks:
                    break
            else:
                x = torch.nn.functional.relu(x) if isinstance(layer, torch.nn.ReLU) else layer(x)
        gradient = differentiate(maps, images)
        out |= {f"{name}.{key}": strided(value) for key, value in maps.items()}
        out[f"{name}.input_gradient"] = strided(gradient)
    return out


def inception():
    out = {}
    for form in ("fid", "torchvision"):
        network = reference.inception_v3(form == "fid").double().eval()
        fill(network)
        images = images_of(form, (1, 3, 107, 123))
        maps = reference.inception_features(network, images)
        outputs = {"features": maps, "mean": maps.mean((2, 3))}
        gradient = differentiate(outputs, images)
        out |= {f"{form}.{key}": strided(value) for key, value in outputs.items()}
        out[f"{form}.input_gradient"] = strided(gradient)
    out["input"] = strided(torch.nn.functional.interpolate(
        (single("unit images", (1, 3, 40, 57)) + 1) / 2, size=(299, 299), mode="bilinear",
        align_corners=False) * 2 - 1)
    return out


def write_names():
    """Names and shapes of torchvision's state dicts."""
    networks = {"vgg16": torchvision.models.vgg16(),
                "inception_v3": torchvision.models.Inception3(init_weights=False)}
    for name, network in networks.items():
        lines = [f"{key} {'x'.join(map(str, value.shape)) or 'scalar'}\n"
                 for key, value in network.state_dict().items()]
        (HERE / f"{name}.names.txt").write_text("".join(lines))


def main():
    write_names()
    for form, branches in (("openmmlab", 4), ("caffe", 4), ("caffe", 2)):
        save(HERE / f"deeplab_v2_{form}_{branches}.safetensors",
             segmenter(reference.DeepLabV2(CLASSES, form, branches)))
    save(HERE / "pspnet.safetensors", segmenter(reference.PspNet(CLASSES)))
    save(HERE / "refinenet.safetensors", segmenter(reference.RefineNet(CLASSES)))
    save(HERE / "vgg16.safetensors", vgg16())
    save(HERE / "inception_v3.safetensors", inception())


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
