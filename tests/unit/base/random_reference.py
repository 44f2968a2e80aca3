"""Prints the reference values of random_test.cpp: the generator written down a second time."""

MASK = (1 << 64) - 1


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def draws(seed, key, count):
    state = mix(seed)
    for part in key:
        state = mix(state ^ mix(part))
    return [mix(state ^ mix(counter)) for counter in range(count)]


for seed, key in ((0, ()), (1, (2, 3)), (MASK, (0,))):
    print(seed, key, ", ".join(f"{value}U" for value in draws(seed, key, 3)))
print([repr((value >> 11) * 2.0**-53) for value in draws(1, (2, 3), 3)])
