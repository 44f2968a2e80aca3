"""The network of the experiments as a Python user would write it: a torchvision backbone and a
Panoptic FPN (Kirillov et al. 2019). Parameters have the names that Dusk gives them, so that a
checkpoint of Dusk loads here."""

import torch
import torch.nn.functional as F
import torchvision
from torch import nn


class MobileNetV2(nn.Module):
    """torchvision's MobileNetV2 up to features.17, as a pyramid."""

    channels = (24, 32, 96, 320)
    levels = (3, 6, 13, 17)

    def __init__(self):
        super().__init__()
        self.features = torchvision.models.mobilenet_v2(weights=None).features[:18]

    def forward(self, x):
        out = []
        for i, block in enumerate(self.features):
            x = block(x)
            if i in self.levels:
                out.append(x)
        return out


class ResNet(nn.Module):
    """torchvision's ResNet without its classifier, as a pyramid."""

    def __init__(self, depth):
        super().__init__()
        full = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        self.channels = (64, 128, 256, 512) if depth < 50 else (256, 512, 1024, 2048)
        for name, child in full.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, child)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        out = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            out.append(x)
        return out


class Neck(nn.Module):
    """Lateral 1x1 convolutions, top-down sums with nearest up-sampling, 3x3 smoothing."""

    def __init__(self, in_channels, channels):
        super().__init__()
        for level, width in enumerate(in_channels, start=2):
            self.add_module(f"fpn_lateral{level}", nn.Conv2d(width, channels, 1))
            self.add_module(f"fpn_output{level}", nn.Conv2d(channels, channels, 3, padding=1))
        for module in self.children():
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, features):
        above, out = None, [None] * 4
        for i in reversed(range(4)):
            inner = getattr(self, f"fpn_lateral{i + 2}")(features[i])
            if above is not None:
                inner = inner + F.interpolate(above, size=inner.shape[-2:], mode="nearest")
            out[i] = getattr(self, f"fpn_output{i + 2}")(inner)
            above = inner
        return out


class ConvNormRelu(nn.Conv2d):
    """3x3 convolution without bias, group norm, ReLU (detectron2's Conv2d with norm)."""

    def __init__(self, in_channels, out_channels, groups):
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(groups, out_channels)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return F.relu(self.norm(super().forward(x)))


class SemanticHead(nn.Module):
    def __init__(self, in_channels, channels, groups, classes):
        super().__init__()
        for level in range(2, 6):
            stages = nn.Module()
            for j in range(max(level - 2, 1)):
                width = in_channels if j == 0 else channels
                stages.add_module(str(2 * j), ConvNormRelu(width, channels, groups))
            self.add_module(f"p{level}", stages)
        self.predictor = nn.Conv2d(channels, classes, 1)
        nn.init.kaiming_normal_(self.predictor.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.predictor.bias)

    def forward(self, levels):
        total = next(self.p2.children())(levels[0])
        for i in range(1, 4):
            x = levels[i]
            for j, stage in enumerate(getattr(self, f"p{i + 2}").children()):
                x = F.interpolate(stage(x), size=levels[i - 1 - j].shape[-2:], mode="bilinear",
                                  align_corners=False)
            total = total + x
        return self.predictor(total)


class Segmenter(nn.Module):
    """Pictures (N, 3, H, W) to logits (N, classes, ceil(H/4), ceil(W/4))."""

    def __init__(self, backbone, classes, neck_channels=64, head_channels=64, groups=32):
        super().__init__()
        self.backbone = MobileNetV2() if backbone == "mobilenet_v2" else ResNet(int(backbone[6:]))
        self.neck = Neck(self.backbone.channels, neck_channels)
        self.head = SemanticHead(neck_channels, head_channels, groups, classes)

    def forward(self, images):
        return self.head(self.neck(self.backbone(images)))


def load_backbone(segmenter, path):
    """ImageNet weights from a safetensors file with torchvision's names."""
    from safetensors.torch import load_file
    wanted = segmenter.backbone.state_dict()
    found = {k: v for k, v in load_file(path).items() if k in wanted}
    missing = [k for k in wanted if k not in found and not k.endswith("num_batches_tracked")]
    if missing:
        raise SystemExit(f"{path} lacks {missing[:5]} ... ({len(missing)})")
    segmenter.backbone.load_state_dict(found, strict=False)


def segmentation_loss(logits, labels):
    """Mean cross entropy at the labels' size, as the definition says it; 255 is ignored."""
    full = F.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    return F.cross_entropy(full, labels, ignore_index=255)
