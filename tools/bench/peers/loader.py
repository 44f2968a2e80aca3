#!/usr/bin/env python3
"""Pictures a second of a Python DataLoader with PIL: the peer of `dusk bench loader`. Random crops of
512x512, flips, ImageNet normalisation, batches of 4. Prints one JSON object."""

import argparse
import json
import pathlib
import time

import torch
from PIL import Image
from torchvision import transforms


class Pictures(torch.utils.data.Dataset):
    """The PNGs of a folder, over and over."""

    def __init__(self, folder, length):
        self.files = sorted(pathlib.Path(folder).glob("[0-9]*.png"))
        self.length = length
        self.transform = transforms.Compose([
            transforms.RandomCrop(512),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        with Image.open(self.files[index % len(self.files)]) as picture:
            return self.transform(picture.convert("RGB"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batches", type=int, default=15)
    args = parser.parse_args()
    torch.set_num_threads(1)
    # As many batches ahead as ours; what was made before the clock starts is not counted.
    warm_up = 2 * args.workers + 2
    data = Pictures(args.pictures, 4 * (args.batches + warm_up))
    loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True,
                                         num_workers=args.workers, prefetch_factor=2)
    batches = iter(loader)
    for _ in range(warm_up):
        next(batches)
    start = time.perf_counter()
    for _ in range(args.batches):
        next(batches)
    seconds = time.perf_counter() - start
    print(json.dumps({"workers": args.workers, "images_per_second": 4 * args.batches / seconds}))


if __name__ == "__main__":
    main()
