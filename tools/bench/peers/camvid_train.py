#!/usr/bin/env python3
"""The recipe of configs/experiments/camvid_source_only.yaml in Python PyTorch, one process: the
origin of the reference scores. Prints one JSON object with mIoU on each evaluated set."""

import argparse
import json
import time

import numpy
import torch
import torch.nn.functional as F
from PIL import Image

from peers import camvid
from peers.network import Segmenter, load_backbone, segmentation_loss


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of CamVid")
    parser.add_argument("--weights", help="safetensors of the backbone; none: from scratch")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, nargs=2, default=(256, 320), metavar=("H", "W"))
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--threads", type=int, default=0)
    return parser.parse_args()


def augment(image, label, crop, rng):
    """Scale 0.75..1.5, crop, flip; PIL resizes both (bilinear, nearest)."""
    scale = rng.uniform(0.75, 1.5)
    size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
    image = numpy.array(Image.fromarray(image).resize(size, Image.BILINEAR))
    label = numpy.array(Image.fromarray(label).resize(size, Image.NEAREST))
    top = rng.integers(0, image.shape[0] - crop[0], endpoint=True)
    left = rng.integers(0, image.shape[1] - crop[1], endpoint=True)
    image = image[top:top + crop[0], left:left + crop[1]]
    label = label[top:top + crop[0], left:left + crop[1]]
    if rng.random() < 0.5:
        image, label = image[:, ::-1], label[:, ::-1]
    return camvid.normalise(image), label.astype(numpy.int64)


def learning_rate(step, args):
    if step < args.warmup:
        return args.lr * (1 - (1 - step / args.warmup) * (1 - 1e-6))
    return args.lr * (1 - (step - args.warmup) / (args.steps - args.warmup)) ** 0.9


def train(model, samples, args):
    rng = numpy.random.default_rng(args.seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4)
    model.train()
    order = []
    for step in range(args.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, args)
        while len(order) < args.batch:
            order.extend(rng.permutation(len(samples)))
        chosen = [samples[order.pop(0)] for _ in range(args.batch)]
        crops = [augment(image, label, args.crop, rng) for image, label, _ in chosen]
        images = torch.from_numpy(numpy.stack([c[0] for c in crops]))
        labels = torch.from_numpy(numpy.stack([c[1] for c in crops]))
        optimizer.zero_grad()
        segmentation_loss(model(images.to(memory_format=torch.channels_last)), labels).backward()
        optimizer.step()


@torch.no_grad()
def evaluate(model, samples):
    model.eval()
    confusion = numpy.zeros((camvid.CLASSES, camvid.CLASSES), numpy.int64)
    for image, label, _ in samples:
        logits = model(torch.from_numpy(camvid.normalise(image))[None])
        full = F.interpolate(logits, size=label.shape, mode="bilinear", align_corners=False)
        confusion += camvid.confusion_of(label, full.argmax(1)[0].numpy())
    return camvid.scores(confusion)


def main():
    args = parse_arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = Segmenter(args.backbone, camvid.CLASSES)
    if args.weights:
        load_backbone(model, args.weights)
    model = model.to(memory_format=torch.channels_last)
    begin = time.perf_counter()
    train(model, camvid.load(args.data, "train"), args)
    result = {"seed": args.seed, "train_seconds": round(time.perf_counter() - begin, 1)}
    for role in ("day_val", "day_test", "dusk_train"):
        miou, iou = evaluate(model, camvid.load(args.data, role))
        result[role] = {"miou": round(miou, 4), "iou": [round(x, 4) for x in iou]}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
