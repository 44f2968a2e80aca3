#!/usr/bin/env python3
"""Writes photometric.txt: what torchvision 0.26 and kornia 0.6.4 make of the test pattern's colours.

Line: KIND HEIGHT WIDTH BRIGHTNESS CONTRAST SATURATION HUE SIGMA ORDER HEX. KIND is torchvision, kornia
or blur; ORDER the order of the four changes (0 brightness, 1 contrast, 2 saturation, 3 hue); HEX the
result in 16 bits a value, round(65535 x), big-endian, rows of RGB. Run it where both are installed:

    PYTHONPATH=KORNIA tools/bench/peer-python tests/unit/data/golden/make_photometric.py
"""

import math
import pathlib

import numpy
import torch
import torchvision.transforms.v2.functional as tv
from kornia import enhance, filters

import make_resample

# kind, height, width, brightness, contrast, saturation, hue, order
JITTERS = [
    ("torchvision", 9, 7, 1.2, 1.0, 1.0, 0.0, (0, 1, 2, 3)),
    ("torchvision", 9, 7, 1.0, 0.8, 1.0, 0.0, (0, 1, 2, 3)),
    ("torchvision", 9, 7, 1.0, 1.0, 1.7, 0.0, (0, 1, 2, 3)),
    ("torchvision", 9, 7, 1.0, 1.0, 1.0, -0.31, (0, 1, 2, 3)),
    ("torchvision", 11, 13, 0.85, 1.15, 0.9, 0.08, (3, 1, 0, 2)),
    ("torchvision", 11, 13, 1.2, 1.2, 1.2, -0.1, (2, 0, 3, 1)),
    ("kornia", 9, 7, 1.2, 1.0, 1.0, 0.0, (0, 1, 2, 3)),
    ("kornia", 9, 7, 1.0, 0.8, 1.0, 0.0, (0, 1, 2, 3)),
    ("kornia", 9, 7, 1.0, 1.0, 1.7, 0.0, (0, 1, 2, 3)),
    ("kornia", 9, 7, 1.0, 1.0, 1.0, 0.45, (0, 1, 2, 3)),
    ("kornia", 11, 13, 0.85, 1.15, 0.9, 0.18, (3, 1, 0, 2)),
    ("kornia", 11, 13, 1.2, 1.2, 1.2, -0.2, (2, 0, 3, 1)),
]
# height, width, sigma: sides below, at and above what the kernel wants
BLURS = [(51, 64, 1.15), (24, 30, 0.7), (24, 30, 0.15), (110, 9, 2.5)]


def picture(height, width):
    """(3, height, width) float in [0, 1]; a third is grey, on which the hue is undefined."""
    pixels = make_resample.pattern(height, width).copy()
    pixels[::3] = pixels[::3, :, :1]
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def jitter_torchvision(x, b, c, s, h, order):
    for op in order:
        if op == 0:
            x = tv.adjust_brightness(x, b)
        elif op == 1:
            x = tv.adjust_contrast(x, c)
        elif op == 2:
            x = tv.adjust_saturation(x, s)
        else:
            x = tv.adjust_hue(x, h)
    return x


def jitter_kornia(x, b, c, s, h, order):
    """As kornia 0.6's ColorJitter calls them."""
    for op in order:
        if op == 0:
            x = enhance.adjust_brightness(x, b - 1)
        elif op == 1:
            x = enhance.adjust_contrast(x, c)
        elif op == 2:
            x = enhance.adjust_saturation(x, s)
        else:
            x = enhance.adjust_hue(x, h * 2 * math.pi)
    return x.clamp(0, 1)


def kernel_size(side):
    """DAFormer's dacs_transforms.gaussian_blur."""
    return int(math.floor(math.ceil(0.1 * side) - 0.5 + math.ceil(0.1 * side) % 2))


def blur(x, sigma):
    size = (kernel_size(x.shape[1]), kernel_size(x.shape[2]))
    return filters.gaussian_blur2d(x[None], size, (sigma, sigma), border_type="reflect")[0]


def line(kind, x, b, c, s, h, sigma, order):
    values = numpy.rint(x.permute(1, 2, 0).numpy().astype("f8") * 65535).astype(">u2")
    numbers = f"{x.shape[1]} {x.shape[2]} {b} {c} {s} {h} {sigma}"
    return f"{kind} {numbers} {''.join(map(str, order))} {values.tobytes().hex()}\n"


def main():
    lines = []
    for kind, height, width, b, c, s, h, order in JITTERS:
        change = jitter_torchvision if kind == "torchvision" else jitter_kornia
        result = change(picture(height, width), b, c, s, h, order)
        lines.append(line(kind, result, b, c, s, h, 0, order))
    for height, width, sigma in BLURS:
        lines.append(line("blur", blur(picture(height, width), sigma), 1, 1, 1, 0, sigma, range(4)))
    pathlib.Path(__file__).with_name("photometric.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
