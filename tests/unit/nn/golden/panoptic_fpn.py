"""Panoptic FPN, semantic branch, written from its definition: a reference for the C++ network.

Neck: 1x1 lateral convolutions, nearest up-sampling to the exact size of the finer level and sum,
3x3 smoothing of every level. Head: per level a chain of 3x3 convolution, group norm, ReLU and
bilinear resizing (align_corners false) to the exact size of the next finer level; sum; 1x1
predictor; bilinear resizing to the size of the picture.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Stage(nn.Conv2d):
    """3x3 convolution whose child `norm` follows it, as detectron2 names it."""

    def __init__(self, channels_in, channels_out, groups):
        super().__init__(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(groups, channels_out)

    def forward(self, x):
        return F.relu(self.norm(super().forward(x)))


class Neck(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        for i, c in enumerate(channels):
            self.add_module(f"fpn_lateral{i + 2}", nn.Conv2d(c, width, 1))
            self.add_module(f"fpn_output{i + 2}", nn.Conv2d(width, width, 3, padding=1))

    def forward(self, levels):
        inner = [None] * 4
        for i in (3, 2, 1, 0):
            inner[i] = getattr(self, f"fpn_lateral{i + 2}")(levels[i])
            if i < 3:
                inner[i] = inner[i] + F.interpolate(
                    inner[i + 1], size=inner[i].shape[-2:], mode="nearest")
        return [getattr(self, f"fpn_output{i + 2}")(x) for i, x in enumerate(inner)]


class Head(nn.Module):
    def __init__(self, neck_width, width, classes, groups):
        super().__init__()
        for level in (2, 3, 4, 5):
            stages = nn.Module()
            for j in range(max(1, level - 2)):
                stages.add_module(str(2 * j), Stage(neck_width if j == 0 else width, width, groups))
            self.add_module(f"p{level}", stages)
        self.predictor = nn.Conv2d(width, classes, 1)

    def forward(self, pyramid):
        total = getattr(self, "p2").get_submodule("0")(pyramid[0])
        for level in (3, 4, 5):
            x = pyramid[level - 2]
            for j in range(level - 2):
                x = getattr(self, f"p{level}").get_submodule(str(2 * j))(x)
                x = F.interpolate(x, size=pyramid[level - 3 - j].shape[-2:], mode="bilinear",
                                  align_corners=False)
            total = total + x
        return self.predictor(total)


class PanopticFpn(nn.Module):
    def __init__(self, channels, classes, neck_width=256, head_width=128, groups=32):
        super().__init__()
        self.neck = Neck(channels, neck_width)
        self.head = Head(neck_width, head_width, classes, groups)

    def forward(self, levels):
        return self.head(self.neck(levels))


def resnet_features(net, x):
    x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    levels = []
    for i in (1, 2, 3, 4):
        x = getattr(net, f"layer{i}")(x)
        levels.append(x)
    return levels


def mobilenet_v2_features(net, x):
    levels = []
    for i in range(18):
        x = net.features[i](x)
        if i in (3, 6, 13, 17):
            levels.append(x)
    return levels


class Segmenter(nn.Module):
    """A torchvision backbone with the head; `backbone.*`, `neck.*`, `head.*`."""

    def __init__(self, backbone, features, channels, classes, **widths):
        super().__init__()
        self.backbone = backbone
        self.features = features
        fpn = PanopticFpn(channels, classes, **widths)
        self.neck, self.head = fpn.neck, fpn.head

    def low_res_logits(self, x):
        return self.head(self.neck(self.features(self.backbone, x)))

    def forward(self, x):
        return F.interpolate(self.low_res_logits(x), size=x.shape[-2:], mode="bilinear",
                             align_corners=False)
