#!/usr/bin/env python3
"""How near a translator's pictures come to the other domain: the Frechet distance of features of
torchvision's MobileNetV2 (ImageNet weights; blocks named below, averaged over the picture), between
translated day and real night, and between the same day as it is and real night. All three are sets
of shards with pictures of one size; of day and night those are taken whose role a translated picture
has. Prints one JSON object."""

import argparse
import json
import pathlib

import h5py
import hdf5plugin  # noqa: F401: registers zstd
import numpy
import torch
import torchvision
from safetensors.torch import load_file

FEATURES = "features.13"  # 96 channels at a sixteenth of the side
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def read(folder, roles=None):
    """Pictures (N, 3, H, W) in [0, 1] of these roles, and the roles met."""
    pictures, met = [], set()
    for entry in json.loads((folder / "manifest.json").read_text())["shards"]:
        with h5py.File(folder / entry["file"]) as shard:
            samples = shard["samples"]
            for role, height, width, row in zip(
                    samples["role"].asstr(), *(samples[key] for key in ("height", "width", "row"))):
                if roles is None or role in roles:
                    pictures.append(shard[f"{height}x{width}/image"][row])
                    met.add(role)
    return torch.from_numpy(numpy.stack(pictures)).permute(0, 3, 1, 2).float() / 255, met


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
    for name in ("day", "night", "translated"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True, help="set of shards")
    parser.add_argument("--features", required=True, help="torchvision's MobileNetV2 weights")
    parser.add_argument("--sheet", type=pathlib.Path, help="PNG of some pictures and translations")
    args = parser.parse_args()

    translated, roles = read(args.translated)
    day, _ = read(args.day, roles)
    night, _ = read(args.night, roles)
    if args.sheet:
        rows = torch.cat([day[:4], translated[:4], night[:4]])
        torchvision.utils.save_image(rows, args.sheet, nrow=4)
    real = features_of(night, args.features)
    before = frechet_distance(features_of(day, args.features), real)
    after = frechet_distance(features_of(translated, args.features), real)
    print(json.dumps({"before": before, "after": after, "ratio": after / before,
                      "pictures": len(translated), "features": f"MobileNetV2 {FEATURES}"}))


if __name__ == "__main__":
    main()
