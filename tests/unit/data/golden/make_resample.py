#!/usr/bin/env python3
"""Writes resample.txt: what Pillow makes of the test pattern. Made with Pillow 13.0.0.

Line: METHOD SOURCE_HEIGHT SOURCE_WIDTH TARGET_HEIGHT TARGET_WIDTH HEX, rows of RGB (one value a
pixel for labels, METHOD nearest). The pattern is noise, on which rounding differs most; the test
computes it by the same formula.
"""

import pathlib

import numpy
from PIL import Image

CASES = [
    ("bilinear", 24, 30, 18, 22),
    ("bilinear", 24, 30, 36, 45),
    ("bilinear", 37, 53, 11, 9),
    ("bilinear", 16, 20, 16, 31),
    ("bilinear", 90, 4, 3, 4),
    ("bilinear", 1, 1, 5, 7),
    ("bilinear", 2, 3, 17, 2),
    ("bilinear", 64, 300, 8, 2),
    ("bicubic", 24, 30, 18, 22),
    ("bicubic", 24, 30, 36, 45),
    ("bicubic", 37, 53, 11, 9),
    ("bicubic", 3, 2, 10, 13),
    ("bicubic", 64, 80, 32, 40),
    ("nearest", 24, 30, 18, 22),
    ("nearest", 24, 30, 36, 45),
    ("nearest", 37, 53, 11, 9),
    ("nearest", 64, 80, 32, 40),
]


def pattern(height, width):
    """(height, width, 3) uint8."""
    y, x, c = numpy.meshgrid(
        numpy.arange(height, dtype=numpy.uint64),
        numpy.arange(width, dtype=numpy.uint64),
        numpy.arange(3, dtype=numpy.uint64),
        indexing="ij",
    )
    value = y * 7919 + x * 104729 + c * 1299709 + 12345
    value = (value * value) >> numpy.uint64(11)
    return (value & numpy.uint64(255)).astype(numpy.uint8)


def main():
    resampling = {
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "nearest": Image.Resampling.NEAREST,
    }
    lines = []
    for method, height, width, target_height, target_width in CASES:
        picture = pattern(height, width)
        if method == "nearest":
            picture = numpy.ascontiguousarray(picture[:, :, 0])
        resized = Image.fromarray(picture).resize(
            (target_width, target_height), resampling[method]
        )
        body = numpy.asarray(resized).tobytes().hex()
        lines.append(f"{method} {height} {width} {target_height} {target_width} {body}\n")
    pathlib.Path(__file__).with_name("resample.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
