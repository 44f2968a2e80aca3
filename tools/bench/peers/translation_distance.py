#!/usr/bin/env python3
"""How near a translator's pictures come to the other domain: the Frechet distance of features of
torchvision's MobileNetV2 (ImageNet weights; blocks named below, averaged over the picture), between
translated day and real night, and between day as it is and real night. The generator of Dusk's
checkpoint runs here as the Python reference of the network. Prints one JSON object."""

import argparse
import json
import pathlib

import numpy
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file

from peers import translators

FEATURES = "features.13"  # 96 channels at a sixteenth of the side
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def read(folder, parts, height, width):
    """Pictures of these parts in [0, 1]."""
    files = sorted(file for part in parts
                   for file in pathlib.Path(folder, "leftImg8bit", part).rglob("*.png"))
    pictures = [numpy.asarray(Image.open(f).convert("RGB").resize((width, height), Image.BILINEAR))
                for f in files]
    return torch.from_numpy(numpy.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def load_generator(args):
    weights = load_file(args.weights)
    if args.method == "unit":
        network = translators.networks.UnitTranslator(args.width, args.blocks)
        network.load_state_dict(weights)
        return lambda x: network.b.dec(network.a.enc(x))
    network = translators.networks.cyclegan_generator(args.width, args.blocks)
    prefix = "a_to_b."
    network.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in weights.items()
                             if name.startswith(prefix)})
    return network


def in_batches(function, pictures, size=8):
    with torch.no_grad():
        return torch.cat([function(part) for part in pictures.split(size)])


def features_of(pictures, weights):
    network = torchvision.models.mobilenet_v2(weights=None)
    network.load_state_dict(load_file(weights), strict=False)
    blocks = network.features[: int(FEATURES.split(".")[1]) + 1].eval()
    return in_batches(lambda x: blocks((x - MEAN) / DEVIATION).mean((2, 3)), pictures).double()


def frechet_distance(x, y):
    def statistics(features):
        return features.mean(0), torch.cov(features.T)

    (mean_x, cov_x), (mean_y, cov_y) = statistics(x), statistics(y)
    values, vectors = torch.linalg.eigh(cov_x)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    trace = torch.linalg.eigvalsh(root @ cov_y @ root).clamp_min(0).sqrt().sum()
    return float(((mean_x - mean_y)**2).sum() + cov_x.trace() + cov_y.trace() - 2 * trace)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=("unit", "cyclegan"), required=True)
    parser.add_argument("--weights", required=True, help="generators.safetensors of a checkpoint")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--city", type=pathlib.Path, required=True, help="folder of dusk synth")
    parser.add_argument("--parts", nargs="+", default=["val", "test"],
                        help="pictures that nobody was trained on")
    parser.add_argument("--features", required=True, help="torchvision's MobileNetV2 weights")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--picture-width", type=int, default=256)
    parser.add_argument("--sheet", type=pathlib.Path, help="PNG of some pictures and translations")
    args = parser.parse_args()

    day, night = (read(args.city / hour, args.parts, args.height, args.picture_width)
                  for hour in ("day", "night"))
    generator = load_generator(args)
    translated = (in_batches(lambda x: generator(2 * x - 1), day) + 1) / 2
    translated = (translated * 255).round().clamp(0, 255) / 255
    if args.sheet:
        rows = torch.cat([day[:4], translated[:4], night[:4]])
        torchvision.utils.save_image(rows, args.sheet, nrow=4)
    real = features_of(night, args.features)
    before = frechet_distance(features_of(day, args.features), real)
    after = frechet_distance(features_of(translated, args.features), real)
    print(json.dumps({"before": before, "after": after, "ratio": after / before,
                      "pictures": len(day), "features": f"MobileNetV2 {FEATURES}"}))


if __name__ == "__main__":
    main()
