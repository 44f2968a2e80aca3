"""Makes translator_steps.safetensors beside this file: losses and gradients of one step of UNIT and of
CycleGAN by the code of tools/bench/peers/translators.py, in float64.

Run: tools/bench/peer-python tests/unit/methods/golden/make_steps.py

Weights and pictures are closed forms, as in tests/unit/nn/golden. The noise is that of src/nn/draws.cpp,
whose seeds are made by the generator of dusk/base/random.hpp.
"""

import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "nn/golden"))
from make_golden import closed_form, fill, save  # noqa: E402
from peers import translators  # noqa: E402

MASK = 2**64 - 1
SEED = 5
FIRST_POSITION = 12
SHAPE = (2, 3, 64, 72)
LEARNING_RATE = 0.01


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def random(seed, key):
    state = mix(seed)
    for part in key:
        state = mix(state ^ mix(part))
    return mix(state ^ mix(0))


def noise(h, number):
    rows = []
    for i in range(h.shape[0]):
        generator = torch.Generator()
        generator.manual_seed(random(SEED, (number, FIRST_POSITION + i)))
        rows.append(torch.empty(h[i].numel()).normal_(generator=generator))
    return torch.stack(rows).view(h.shape).double()


def prepare(network):
    """As in the C++ test: biases near 0, so that nothing saturates."""
    network = network.double()
    fill(network, bias=0)
    return network


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=LEARNING_RATE)


def gradients(network):
    rows = []
    for name, parameter in network.named_parameters():
        direction = closed_form("gradient of " + name, tuple(parameter.shape))
        rows.append([parameter.grad.norm(), (parameter.grad * direction).sum()])
    return torch.tensor(rows)


def main():
    methods = {
        "unit": translators.make_unit(4, 1, 4, True, prepare, optimizer=sgd, noise=noise),
        "cyclegan": translators.make_cyclegan(4, 2, 4, prepare, optimizer=sgd),
    }
    out = {}
    for name, method in methods.items():
        losses = method.step(closed_form("source", SHAPE), closed_form("target", SHAPE))
        for loss, value in losses.items():
            out[f"{name}.{loss}"] = value.reshape(1)
        out[f"{name}.generators"] = gradients(method.gen)
        out[f"{name}.discriminators"] = gradients(method.dis)
    save(HERE / "translator_steps.safetensors", out)


if __name__ == "__main__":
    main()
