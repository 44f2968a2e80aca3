"""Writes optimizers.txt: what PyTorch's own optimizers and schedules give.

    python3 make_optimizers.py > optimizers.txt      (needs torch 2.11 and numpy)

Two parameters, (4, 6) and (6), start at sin(0.7 i + 1); gradient t of element i is cos(0.3 i + t).
The plain loops (foreach=False, fused=False) are used: another path through PyTorch than ours.
Each line: name of the case, then the 30 parameter values after five steps.
"""

import math

import torch


def run(make):
    values = [math.sin(0.7 * i + 1) for i in range(30)]
    weight = torch.tensor(values[:24]).view(4, 6).requires_grad_()
    bias = torch.tensor(values[24:]).requires_grad_()
    optimizer = make(weight, bias)
    for step in range(5):
        slopes = [math.cos(0.3 * i + step) for i in range(30)]
        weight.grad = torch.tensor(slopes[:24]).view(4, 6)
        bias.grad = torch.tensor(slopes[24:])
        optimizer.step()
    return torch.cat([weight.detach().flatten(), bias.detach()]).tolist()


PLAIN = dict(foreach=False, fused=False)
SGD = torch.optim.SGD
CASES = {
    "sgd_plain": lambda w, b: SGD([w, b], lr=0.1, **PLAIN),
    "sgd_momentum": lambda w, b: SGD([w, b], lr=0.1, momentum=0.9, weight_decay=0.02, **PLAIN),
    "sgd_nesterov": lambda w, b: SGD(
        [w, b], lr=0.1, momentum=0.8, weight_decay=0.02, nesterov=True, **PLAIN),
    "adamw": lambda w, b: torch.optim.AdamW([w, b], lr=0.01, weight_decay=0.05, **PLAIN),
    # Two groups: a tenth of the learning rate for the weight, no decay for the bias.
    "adamw_groups": lambda w, b: torch.optim.AdamW(
        [{"params": [w], "lr": 0.001}, {"params": [b], "weight_decay": 0.0}],
        lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05, **PLAIN),
    "adam": lambda w, b: torch.optim.Adam(
        [w, b], lr=0.01, betas=(0.5, 0.999), weight_decay=0.05, **PLAIN),
}


def schedule(make, steps):
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = make(optimizer)
    factors = []
    for _ in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


SCHEDULES = {
    "poly": lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=30, power=0.9),
    "milestones": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[7, 19], gamma=0.3),
    "warmup": lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=8),
}

for name, make in CASES.items():
    print(name, *(f"{value:.9g}" for value in run(make)))
for name, make in SCHEDULES.items():
    print(name, *(f"{value:.17g}" for value in schedule(make, 30)))
