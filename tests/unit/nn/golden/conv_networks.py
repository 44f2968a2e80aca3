"""DeepLab-v2, PSPNet, RefineNet and the FID Inception-v3, written from their definitions: references
for the C++ networks. A segmenter's backbone is its child `backbone`; the other children bear the
published names. Dropout is left out: it is 0 where outputs are compared.
"""

import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models import inception


class Bottleneck(nn.Module):
    def __init__(self, in_channels, width, stride, dilation, caffe):
        super().__init__()
        first, second = (stride, 1) if caffe else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=dilation, dilation=dilation,
                               bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride > 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def triple_stem(widths):
    """The layers of a stem of three 3x3 convolutions, the first with stride 2."""
    layers, channels = [], 3
    for i, width in enumerate(widths):
        layers += [nn.Conv2d(channels, width, 3, stride=2 if i == 0 else 1, padding=1, bias=False),
                   nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return layers


class DilatedResNet(nn.Module):
    """ResNet-50 whose last two stages dilate by `dilations` instead of striding where that is > 1;
    with 23 blocks in the third stage ResNet-101."""

    def __init__(self, stem, dilations, caffe=False, ceil_pool=False, third_stage=6):
        super().__init__()
        channels = 64
        if stem == "v1c":
            self.stem = nn.Sequential(*triple_stem([32, 32, 64]))
        elif stem == "deep":
            channels = 128
            for i, layer in enumerate(triple_stem([64, 64, 128])):
                if i % 3 < 2:
                    self.add_module(("conv", "bn")[i % 3] + str(i // 3 + 1), layer)
        else:
            self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
        self.ceil_pool = ceil_pool
        for stage, (blocks, dilation) in enumerate(zip((3, 4, third_stage, 3), (1, 1, *dilations))):
            stride = 2 if stage > 0 and dilation == 1 else 1
            width = 64 * 2**stage
            layer = []
            for i in range(blocks):
                layer.append(Bottleneck(channels, width, stride if i == 0 else 1, dilation, caffe))
                channels = 4 * width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layer))

    def forward(self, x):
        if hasattr(self, "stem"):
            x = self.stem(x)
        else:
            for i in (1, 2, 3):
                if hasattr(self, f"conv{i}"):
                    x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        x = F.max_pool2d(x, 3, 2, 1, ceil_mode=self.ceil_pool)
        levels = []
        for i in (1, 2, 3, 4):
            x = getattr(self, f"layer{i}")(x)
            levels.append(x)
        return levels


class Aspp(nn.Module):
    def __init__(self, channels, classes, branches):
        super().__init__()
        self.branches = branches
        self.conv2d_list = nn.ModuleList(
            nn.Conv2d(channels, classes, 3, padding=d, dilation=d) for d in (6, 12, 18, 24))

    def forward(self, x):
        return sum(conv(x) for conv in self.conv2d_list[:self.branches])


class DeepLabV2(nn.Module):
    def __init__(self, classes, form, branches, third_stage=6):
        super().__init__()
        self.caffe = form == "caffe"
        self.backbone = DilatedResNet("plain" if self.caffe else "v1c", (2, 4), caffe=self.caffe,
                                      ceil_pool=self.caffe, third_stage=third_stage)
        if self.caffe:
            self.layer5 = Aspp(1024, classes, branches)
            self.layer6 = Aspp(2048, classes, branches)
        else:
            self.head = Aspp(2048, classes, branches)

    def forward(self, x):
        levels = self.backbone(x)
        if self.caffe:
            return self.layer6(levels[3]), self.layer5(levels[2])
        return self.head(levels[3]), None


class PyramidPooling(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), nn.Conv2d(channels, 512, 1, bias=False))
            for bins in (1, 2, 3, 6))
        self.bottleneck = nn.Sequential(
            nn.Conv2d(channels + 4 * 512, 512, 3, padding=1, bias=False), nn.BatchNorm2d(512))

    def forward(self, x):
        pooled = [F.interpolate(stage(x), size=x.shape[-2:], mode="bilinear", align_corners=True)
                  for stage in self.stages]
        return self.bottleneck(torch.cat([*pooled, x], 1))


class PspNet(nn.Module):
    def __init__(self, classes, third_stage=6):
        super().__init__()
        self.backbone = DilatedResNet("deep", (2, 4), ceil_pool=True, third_stage=third_stage)
        self.head = nn.Sequential(PyramidPooling(2048), nn.Conv2d(512, classes, 1))
        self.dsn = nn.Sequential(nn.Conv2d(1024, 512, 3, padding=1), nn.BatchNorm2d(512),
                                 nn.Identity(), nn.Conv2d(512, classes, 1))

    def forward(self, x):
        levels = self.backbone(x)
        return self.head(levels[3]), self.dsn(levels[2])


class ResidualConvUnits(nn.Module):
    def __init__(self, width, count):
        super().__init__()
        self.count = count
        for i in range(1, count + 1):
            self.add_module(f"{i}_conv", nn.Conv2d(width, width, 3, padding=1))
            self.add_module(f"{i}_conv_relu_varout_dimred",
                            nn.Conv2d(width, width, 3, padding=1, bias=False))

    def forward(self, x):
        for i in range(1, self.count + 1):
            y = getattr(self, f"{i}_conv")(F.relu(x))
            x = x + getattr(self, f"{i}_conv_relu_varout_dimred")(F.relu(y))
        return x


class ChainedResidualPooling(nn.Module):
    def __init__(self, width):
        super().__init__()
        for i in range(1, 5):
            self.add_module(f"{i}_outvar_dimred", nn.Conv2d(width, width, 3, padding=1, bias=False))

    def forward(self, x):
        total = top = x
        for i in range(1, 5):
            top = getattr(self, f"{i}_outvar_dimred")(F.max_pool2d(top, 5, 1, 2))
            total = total + top
        return total


class RefineNet(nn.Module):
    """On torchvision's ResNet-50 or another of bottlenecks; path 1 is the coarsest."""

    def __init__(self, classes, backbone=torchvision.models.resnet50):
        super().__init__()
        self.backbone = backbone()
        del self.backbone.fc
        conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1, bias=False)
        for n, (channels, width) in enumerate(((2048, 512), (1024, 256), (512, 256), (256, 256)), 1):
            self.add_module(f"p_ims1d2_outl{n}_dimred", conv(channels, width))
            self.add_module(f"adapt_stage{n}_b", nn.Sequential(ResidualConvUnits(width, 2)))
            if n > 1:
                self.add_module(f"adapt_stage{n}_b2_joint_varout_dimred", conv(width, width))
            self.add_module(f"mflow_conv_g{n}_pool", nn.Sequential(ChainedResidualPooling(width)))
            self.add_module(f"mflow_conv_g{n}_b", nn.Sequential(ResidualConvUnits(width, 3)))
            if n < 4:
                self.add_module(f"mflow_conv_g{n}_b3_joint_varout_dimred", conv(width, 256))
        self.clf_conv = nn.Conv2d(256, classes, 3, padding=1)

    def forward(self, x):
        net = self.backbone
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        levels = []
        for i in (1, 2, 3, 4):
            x = getattr(net, f"layer{i}")(x)
            levels.append(x)
        above = None
        for n in (1, 2, 3, 4):
            part = lambda name: getattr(self, name.format(n))
            x = part("adapt_stage{}_b")(part("p_ims1d2_outl{}_dimred")(levels[4 - n]))
            if n > 1:
                above = F.interpolate(above, size=x.shape[-2:], mode="bilinear", align_corners=True)
                x = part("adapt_stage{}_b2_joint_varout_dimred")(x) + above
            x = part("mflow_conv_g{}_b")(part("mflow_conv_g{}_pool")(F.relu(x)))
            above = part("mflow_conv_g{}_b3_joint_varout_dimred")(x) if n < 4 else x
        return self.clf_conv(above), None


def _average(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class FidA(inception.InceptionA):
    def _forward(self, x):
        return [self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)),
                self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                self.branch_pool(_average(x))]


class FidC(inception.InceptionC):
    def _forward(self, x):
        long = self.branch7x7dbl_1(x)
        for i in (2, 3, 4, 5):
            long = getattr(self, f"branch7x7dbl_{i}")(long)
        return [self.branch1x1(x), self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))), long,
                self.branch_pool(_average(x))]


class FidE(inception.InceptionE):
    pool = staticmethod(_average)

    def _forward(self, x):
        short = self.branch3x3_1(x)
        long = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [self.branch1x1(x),
                torch.cat([self.branch3x3_2a(short), self.branch3x3_2b(short)], 1),
                torch.cat([self.branch3x3dbl_3a(long), self.branch3x3dbl_3b(long)], 1),
                self.branch_pool(self.pool(x))]


class FidLastE(FidE):
    @staticmethod
    def pool(x):
        return F.max_pool2d(x, 3, 1, 1)


def inception_v3(fid):
    blocks = None
    if fid:
        blocks = [inception.BasicConv2d, FidA, inception.InceptionB, FidC, inception.InceptionD, FidE,
                  inception.InceptionAux]
    net = torchvision.models.Inception3(aux_logits=False, init_weights=False, inception_blocks=blocks)
    if fid:
        net.Mixed_7c = FidLastE(2048)
    del net.fc
    return net


def inception_features(net, x):
    """The last map: everything before the global average."""
    for name in ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1",
                 "Conv2d_4a_3x3", "maxpool2", "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a",
                 "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7a", "Mixed_7b", "Mixed_7c"):
        x = getattr(net, name)(x)
    return x
