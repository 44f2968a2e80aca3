"""What the rows about method dsrnss share: trainings that differ in what is switched off, and tables
of their scores."""

import argparse
import json
import shutil
import statistics
import sys

from support import measure

# What leaves of the method its labels refined by the day picture and feature distance, without its
# parts for what moves or is small: a random half of the source's classes is pasted; no bank, no
# alignment of features.
REFINEMENT = {"dsrnss.mixing.composite": "random", "dsrnss.bank.capacity": 0, "dsrnss.fpa.beta": 0}

# What leaves a plain mean teacher with random class mixing, as the ablation calls it: no day pictures
# and no distance to the backbone either.
RANDOM_MIXING = {**REFINEMENT, "dsrnss.alignment.mode": "off", "dsrnss.feature_distance.lambda": 0}

FPA_BEGINS = 0.2416  # of a run, as published


def halves(args, common):
    """Settings of the first half, by day alone, and of the method's."""
    day = {**common, "train.steps": args.steps}
    return day, {**day, "dsrnss.fpa.start": f"{round(FPA_BEGINS * args.steps)} steps"}


def parse_arguments(description, steps):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=steps,
                        help="of each half: by day alone, then of the method (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--ranks", type=int, default=2)
    return parser.parse_args()


def train(config, run, args, sets, again=False):
    """A run; its result.json. One that is there already is taken, unless `again`."""
    if again:
        shutil.rmtree(run, ignore_errors=True)
    command = ["-q", "train", f"configs/experiments/{config}.yaml", "--run", run]
    for key, value in {"train.device": args.device, **sets}.items():
        command += ["--set", f"{key}={value}"]
    measure.run(measure.ranks(args.ranks, command))
    return json.loads((run / "result.json").read_text())


def group_means(results, name, groups):
    """Mean IoU of each group of classes on a set, in percent, over results and the classes that have
    a score in all of them."""
    names = [c["name"] for c in results[0]["classes"]]
    ious = [dict(zip(names, result["sets"][name]["iou"])) for result in results]
    means = {}
    for group, classes in groups.items():
        scored = [c for c in classes if all(iou[c] is not None for iou in ious)]
        means[group] = 100 * statistics.mean(iou[c] for iou in ious for c in scored)
    return means


def miou(result, name):
    return 100 * result["sets"][name]["miou"]


def score_table(results, name, groups, args):
    """({kind: each seed's mIoU}, {kind: {group: mean IoU}}) of set `name`, in percent, printed for
    people too. `results`: of each seed, by kind of training."""
    kinds = {kind: [miou(of[kind], name) for of in results] for kind in results[0]}
    means = {kind: group_means([of[kind] for of in results], name, groups) for kind in kinds}
    print_table(f"{name} mIoU, {args.steps} + {args.steps} steps",
                [f"seed {seed}" for seed in args.seeds] + ["mean"] + list(groups),
                [(kind, values + [mean(values)] + list(means[kind].values()))
                 for kind, values in kinds.items()])
    return kinds, means


def mean(values):
    return statistics.mean(values)


def print_table(title, columns, lines):
    """For people, beside the figures: `lines` are (name, numbers), a number a column."""
    width = max(len(name) for name, _ in lines)
    out = [title, " " * width + "".join(f"{column:>18}" for column in columns)]
    out += [f"{name:<{width}}" + "".join(f"{value:>18.1f}" for value in values)
            for name, values in lines]
    print("\n".join(out), file=sys.stderr, flush=True)


def each(values):
    return ", ".join(f"{value:.1f}" for value in values)
