"""One iteration of DSRNSS (Pan et al., arXiv 2310.04747) in Python PyTorch, written from the
specification's sections 2 to 8 with the network of network.py: EMA teacher, refinement of the night's
pseudo-labels by the day's (without an alignment), composite class mixing with colour jitter and blur,
long-tail memory bank, feature distance, feature prototype alignment. Losses are means over all
pixels, ignored ones included (section 2)."""

import copy
import math
import random

import torch
import torch.nn.functional as F

from peers.network import Segmenter

CLASSES = 19
IGNORED = 255
LARGE_STATIC = (0, 1, 2, 3, 4, 8, 9, 10)
DYNAMIC_AND_SMALL = (5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 18)
LONG_TAIL = (12, 14, 15, 17, 18)
FEATURE_DISTANCE = (6, 7, 11, 12, 13, 14, 15, 16, 17, 18)
MEAN = torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1)
STD = torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1)
TAU = 0.1


def members(classes, size=CLASSES):
    table = torch.zeros(size, dtype=torch.bool)
    table[list(classes)] = True
    return table


def up(logits, size):
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def pixel_loss(logits, labels, weights=None):
    loss = F.cross_entropy(up(logits, labels.shape[-2:]), labels, ignore_index=IGNORED,
                           reduction="none")
    return (loss if weights is None else loss * weights).mean()


# Refinement (section 4) -----------------------------------------------------------------------------


def refine(night_logits, day_logits, confidence=0.5, gamma=0.25):
    log_night = F.log_softmax(night_logits, 1)
    night, day = log_night.exp(), F.softmax(day_logits, 1)
    entropy = -(night * log_night).sum(1).mean((1, 2)) / math.log(CLASSES)
    trust = entropy.clamp(0, 1).pow(gamma).view(-1, 1, 1, 1)
    static = members(LARGE_STATIC)
    both = static[night.argmax(1)] & static[day.argmax(1)]
    mask = both.unsqueeze(1) & static.view(1, -1, 1, 1)
    share = trust * mask.float().clamp_min(confidence)
    return (1 - share) * night + share * day


# Mixing (section 5) ---------------------------------------------------------------------------------


def composite_mask(labels):
    """(N, H, W) bool: half of each picture's classes, and all its small and dynamic ones."""
    masks = []
    for label in labels:
        present = torch.unique(label)
        drawn = present[torch.randperm(len(present))[:(len(present) + 1) // 2]]
        table = members(DYNAMIC_AND_SMALL, 256)
        table[drawn] = True
        masks.append(table[label])
    return torch.stack(masks)


def to_hsv(rgb):
    top, where = rgb.max(0)
    spread = top - rgb.min(0).values
    r, g, b = rgb
    safe = torch.where(spread == 0, torch.ones_like(spread), spread)
    hue = torch.where(where == 0, (g - b) / safe % 6,
                      torch.where(where == 1, (b - r) / safe + 2, (r - g) / safe + 4))
    return hue / 6, spread / top.clamp_min(1e-8), top


def to_rgb(hue, saturation, value):
    def channel(offset):
        k = (offset + hue * 6) % 6
        return value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1)
    return torch.stack((channel(5), channel(3), channel(1)))


def jitter_colors(picture):
    """Of one picture (3, H, W) in [0, 1], as Kornia does it (section 5.3)."""
    def hue(x):
        h, s, v = to_hsv(x)
        return to_rgb((h + random.uniform(-0.2, 0.2)) % 1, s, v)

    def saturation(x):
        h, s, v = to_hsv(x)
        return to_rgb(h, (s * random.uniform(0.8, 1.2)).clamp(0, 1), v)

    changes = [lambda x: (x + random.uniform(-0.2, 0.2)).clamp(0, 1),
               lambda x: (x * random.uniform(0.8, 1.2)).clamp(0, 1), saturation, hue]
    random.shuffle(changes)
    for change in changes:
        picture = change(picture)
    return picture


def blur(picture, radius=6):
    """Of one picture (3, H, W); the tail beyond the radius is below 1e-5."""
    sigma = random.uniform(0.15, 1.15)
    x = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-x * x / (2 * sigma * sigma))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    padded = F.pad(picture[None], (radius, radius, radius, radius), mode="reflect")
    rows = F.conv2d(padded, kernel, groups=3)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=3)[0]


def jitter(images, always=False):
    if always or random.random() > 0.2:
        colors = [jitter_colors(x) for x in (images * STD + MEAN).clamp(0, 1)]
        images = (torch.stack(colors) - MEAN) / STD
    if always or random.random() > 0.5:
        images = torch.stack([blur(x) for x in images])
    return images


class Bank:
    """Long-tail objects of the last source batches (section 5.4)."""

    def __init__(self, capacity=3):
        self.capacity = capacity
        self.entries = []

    def push(self, images, labels):
        mask = members(LONG_TAIL, 256)[labels]
        self.entries.append((mask, images * mask.unsqueeze(1), labels * mask))
        self.entries = self.entries[-self.capacity:]

    def paste(self, images, labels, weights):
        for mask, stored, label in self.entries:
            images = torch.where(mask.unsqueeze(1), stored, images)
            labels = torch.where(mask, label, labels)
            weights = torch.where(mask, torch.ones_like(weights), weights)
        return images, labels, weights


# Feature losses (sections 6 and 8.3) ----------------------------------------------------------------


def histogram(labels, grid):
    """(N, h * w, K) numbers of pixels of each class in each cell; the sides are multiples of the grid's."""
    count, (h, w) = len(labels), grid
    rows, columns = labels.shape[1] // h, labels.shape[2] // w
    cells = labels.view(count, h, rows, w, columns).transpose(2, 3).reshape(count, h * w, -1)
    out = torch.zeros(count, h * w, 256)
    out.scatter_add_(2, cells, torch.ones((), dtype=out.dtype).expand(cells.shape))
    return out[:, :, :CLASSES]


def nearest_down(labels, grid):
    rows = torch.arange(grid[0]) * labels.shape[1] // grid[0]
    columns = torch.arange(grid[1]) * labels.shape[2] // grid[1]
    return labels[:, rows][:, :, columns].flatten(1)


class Domain:
    """Unit features (N, cells, C), prototypes' sums, and labels of one domain."""

    def __init__(self, features, labels):
        grid = features.shape[-2:]
        self.features = features.flatten(2).transpose(1, 2)
        one_hot = F.one_hot(nearest_down(labels, grid).clamp_max(CLASSES), CLASSES + 1)
        one_hot = one_hot[:, :, :CLASSES].to(features.dtype)
        sums = one_hot.transpose(1, 2) @ self.features
        pixels = one_hot.sum(1)
        self.prototypes = F.normalize(sums / pixels.clamp_min(1).unsqueeze(2), dim=2, eps=1e-12)
        self.present = pixels > 0
        self.pixels = histogram(labels, grid)
        self.features = F.normalize(self.features, dim=2, eps=1e-12)


def direction(pixels, other, weights):
    """Cross entropy of one domain's pixels against the other's prototypes: (N)."""
    scores = pixels.features @ other.prototypes.transpose(1, 2) / TAU
    scores = torch.where(other.present.unsqueeze(1), scores, torch.full((), -1 / TAU))
    weighted = pixels.pixels * weights.unsqueeze(1)
    total = weighted.sum((1, 2))
    loss = -(weighted * F.log_softmax(scores, 2)).sum((1, 2))
    return torch.where(total > 0, loss / total.clamp_min(1), torch.zeros(()))


def prototype_alignment(source, other):
    overlap = source.present & other.present
    size = overlap.sum(1, keepdim=True).clamp_min(1)
    weights = overlap * torch.where(members(LONG_TAIL), 1 + 1 / size, torch.ones(()))
    return (direction(source, other, weights) + direction(other, source, weights)).mean()


def feature_distance(student, frozen, labels, min_ratio=0.75):
    grid = student.shape[-2:]
    cell = labels.shape[1] // grid[0] * (labels.shape[2] // grid[1])
    share, label = (histogram(labels, grid) / cell).max(2)
    mask = ((share >= min_ratio) & members(FEATURE_DISTANCE)[label]).view(-1, *grid)
    distance = (student - frozen).norm(dim=1)
    return (distance * mask).sum() / mask.sum().clamp_min(1)


# The iteration (section 2) --------------------------------------------------------------------------


class Dsrnss:
    def __init__(self, optimizer, prepare, separate=False):
        """`optimizer` of the parameters; `prepare` moves networks to their memory format. `separate`:
        a backward pass after each loss, as published; else one through their sum."""
        self.student = prepare(Segmenter("mobilenet_v2", CLASSES)).train()
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.frozen = copy.deepcopy(self.student.backbone).requires_grad_(False).eval()
        self.optimizer = optimizer(self.student.parameters())
        self.separate = separate
        self.bank = Bank()
        self.iteration = 0

    def update_teacher(self, momentum=0.999):
        m = min(1 - 1 / (self.iteration + 1), momentum)
        torch._foreach_lerp_([p for p in self.teacher.parameters()],
                             [p.detach() for p in self.student.parameters()], 1 - m)

    def minimise(self, losses, more_to_come):
        """Takes the losses at hand backwards, or keeps them for the sum."""
        if self.separate:
            for loss in losses:
                loss.backward(retain_graph=True)
            return []
        if more_to_come:
            return losses
        sum(losses).backward()
        return []

    def segment(self, images):
        features = self.student.backbone(images)
        return features[-1], self.student.head(self.student.neck(features))

    @torch.no_grad()
    def pseudo_labels(self, night, day):
        """The night's features of the student, and the teacher's refined labels with their weight."""
        features = self.student.backbone(night)[-1]
        logits = up(self.teacher(torch.cat((night, day))), night.shape[-2:])
        confidence, labels = refine(*logits.chunk(2)).max(1)
        return features, labels, (confidence >= 0.968).float().mean()

    @torch.no_grad()
    def mix(self, images, labels, night, night_labels, weight):
        self.bank.push(images, labels)
        mask = composite_mask(labels)
        mixed = torch.where(mask.unsqueeze(1), images, night)
        mixed_labels = torch.where(mask, labels, night_labels)
        weights = torch.where(mask, torch.ones(()), weight)
        mixed = jitter(mixed)
        if self.iteration % 5 == 0:
            return self.bank.paste(mixed, mixed_labels, weights)
        return mixed, mixed_labels, weights

    def step(self, images, labels, night, day, alpha=1.0, beta=0.1, distance=0.005):
        self.optimizer.zero_grad()
        self.update_teacher()
        features, logits = self.segment(images)
        losses = self.minimise([pixel_loss(logits, labels)], more_to_come=True)
        with torch.no_grad():
            frozen = self.frozen(images)[-1]
        losses += self.minimise([distance * feature_distance(features, frozen, labels)],
                                more_to_come=True)
        del logits, frozen
        night_features, night_labels, weight = self.pseudo_labels(night, day)
        mixed, mixed_labels, weights = self.mix(images, labels, night, night_labels, weight)
        mixed_features, mixed_logits = self.segment(mixed)
        source = Domain(features, labels)
        prototypes = (prototype_alignment(source, Domain(night_features, night_labels))
                      + prototype_alignment(source, Domain(mixed_features, mixed_labels)))
        self.minimise(losses + [beta * prototypes,
                                alpha * pixel_loss(mixed_logits, mixed_labels, weights)],
                      more_to_come=False)
        self.optimizer.step()
        self.iteration += 1
