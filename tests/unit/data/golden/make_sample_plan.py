#!/usr/bin/env python3
"""Writes sample_plan.txt: the order of samples, from a second implementation of the definition.

Line: SEED SIZE POSITION EPOCH INDEX. A changed order would silently break every resumed run, so
these values may never change.
"""

import pathlib

MASK = (1 << 64) - 1
ROUNDS = 10


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def sample(seed, size, position):
    epoch, value = divmod(position, size)
    half = 1
    while (1 << (2 * half)) < size:
        half += 1
    key = mix(seed ^ mix(epoch))
    while True:
        left, right = divmod(value, 1 << half)
        for number in range(ROUNDS):
            f = mix(key ^ mix((number << 32) ^ right)) % (1 << half)
            left, right = right, left ^ f
        value = (left << half) | right
        if value < size:
            return epoch, value


def main():
    lines = []
    for seed in (0, 1, 20240131, MASK):
        for size in (1, 2, 3, 5, 17, 305, 65536, 65537, 2975000, (1 << 62) + 1, MASK):
            for position in (0, 1, 7, 304, 305, 100003, 2**40 + 1):
                epoch, index = sample(seed, size, position)
                lines.append(f"{seed} {size} {position} {epoch} {index}\n")
    pathlib.Path(__file__).with_name("sample_plan.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
