"""MiT-B0 to B5, the DAFormer and SegFormer heads and HRDA, written from the papers and from our
specification of the published networks (names included): a reference for the C++ networks.

Drop path and dropout are left out: the stored values are those of the network without draws.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = (32, 64, 160, 256)  # B0
WIDE = (64, 128, 320, 512)  # B1 to B5
DEPTHS = ((2, 2, 2, 2), (2, 2, 2, 2), (3, 4, 6, 3), (3, 4, 18, 3), (3, 8, 27, 3), (3, 6, 40, 3))
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)
MAP_EPS, BLOCK_EPS = 1e-5, 1e-6


def resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def to_tokens(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h * w).permute(0, 2, 1)


def to_map(x, h, w):
    n, _, c = x.shape
    return x.permute(0, 2, 1).reshape(n, c, h, w)


class PatchEmbed(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride):
        super().__init__()
        self.proj = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(c_out, eps=MAP_EPS)

    def forward(self, x):
        x = self.proj(x)
        return self.norm(to_tokens(x)), x.shape[2], x.shape[3]


class Attention(nn.Module):
    """Softmax attention written out, head by head."""

    def __init__(self, c, heads, reduction):
        super().__init__()
        self.heads, self.reduction = heads, reduction
        self.q = nn.Linear(c, c)
        self.kv = nn.Linear(c, 2 * c)
        self.proj = nn.Linear(c, c)
        if reduction > 1:
            self.sr = nn.Conv2d(c, c, reduction, reduction)
            self.norm = nn.LayerNorm(c, eps=MAP_EPS)

    def forward(self, x, h, w):
        c = x.shape[2]
        q = self.q(x)
        if self.reduction > 1:
            x = self.norm(to_tokens(self.sr(to_map(x, h, w))))
        kv = self.kv(x)
        k, v = kv[..., :c], kv[..., c:]
        d = c // self.heads
        outs = []
        for i in range(self.heads):
            part = slice(i * d, (i + 1) * d)
            scores = q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(d)
            outs.append(scores.softmax(dim=-1) @ v[..., part])
        return self.proj(torch.cat(outs, dim=2))


class DepthwiseConv(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dwconv = nn.Conv2d(c, c, 3, padding=1, groups=c)


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1 = nn.Linear(c, 4 * c)
        self.dwconv = DepthwiseConv(4 * c)
        self.fc2 = nn.Linear(4 * c, c)

    def forward(self, x, h, w):
        x = to_tokens(self.dwconv.dwconv(to_map(self.fc1(x), h, w)))
        return self.fc2(x * 0.5 * (1 + torch.erf(x / math.sqrt(2))))


class Block(nn.Module):
    def __init__(self, c, heads, reduction):
        super().__init__()
        self.norm1 = nn.LayerNorm(c, eps=BLOCK_EPS)
        self.attn = Attention(c, heads, reduction)
        self.norm2 = nn.LayerNorm(c, eps=BLOCK_EPS)
        self.mlp = Mlp(c)

    def forward(self, x, h, w):
        x = x + self.attn(self.norm1(x), h, w)
        return x + self.mlp(self.norm2(x), h, w)


class MixTransformer(nn.Module):
    def __init__(self, variant=0):
        super().__init__()
        self.widths = widths = WIDTHS if variant == 0 else WIDE
        for i in range(4):
            c_in = 3 if i == 0 else widths[i - 1]
            kernel, stride = (7, 4) if i == 0 else (3, 2)
            self.add_module(f"patch_embed{i + 1}", PatchEmbed(c_in, widths[i], kernel, stride))
        for i in range(4):
            blocks = [Block(widths[i], HEADS[i], REDUCTIONS[i]) for _ in range(DEPTHS[variant][i])]
            self.add_module(f"block{i + 1}", nn.ModuleList(blocks))
            self.add_module(f"norm{i + 1}", nn.LayerNorm(widths[i], eps=BLOCK_EPS))

    def forward(self, x):
        levels = []
        for i in range(1, 5):
            x, h, w = getattr(self, f"patch_embed{i}")(x)
            for block in getattr(self, f"block{i}"):
                x = block(x, h, w)
            x = to_map(getattr(self, f"norm{i}")(x), h, w)
            levels.append(x)
        return levels


class ConvNorm(nn.Module):
    def __init__(self, c_in, c_out, kernel=1, dilation=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, padding=dilation * (kernel // 2),
                              dilation=dilation, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Embedding(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.proj = nn.Linear(c_in, c_out)

    def forward(self, x, size):
        return resize(to_map(self.proj(to_tokens(x)), *x.shape[2:]), size)


class SeparableConv(nn.Module):
    def __init__(self, c_in, c_out, dilation):
        super().__init__()
        self.depthwise_conv = ConvNorm(c_in, c_in, 3, dilation, groups=c_in)
        self.pointwise_conv = ConvNorm(c_in, c_out)

    def forward(self, x):
        return self.pointwise_conv(self.depthwise_conv(x))


class Aspp(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.aspp_modules = nn.ModuleList(
            [ConvNorm(c_in, c_out)] + [SeparableConv(c_in, c_out, d) for d in (6, 12, 18)])
        self.bottleneck = ConvNorm(4 * c_out, c_out, 3)

    def forward(self, x):
        return self.bottleneck(torch.cat([m(x) for m in self.aspp_modules], dim=1))


class DaformerHead(nn.Module):
    def __init__(self, widths, classes, embed=256, channels=256):
        super().__init__()
        self.embed_layers = nn.ModuleDict({str(i): Embedding(c, embed) for i, c in enumerate(widths)})
        self.fuse_layer = Aspp(embed * len(widths), channels)
        self.conv_seg = nn.Conv2d(channels, classes, 1)

    def forward(self, levels):
        size = levels[0].shape[2:]
        x = [self.embed_layers[str(i)](level, size) for i, level in enumerate(levels)]
        return self.conv_seg(self.fuse_layer(torch.cat(x, dim=1)))


class SegformerHead(nn.Module):
    def __init__(self, widths, classes, channels=256):
        super().__init__()
        for i in (4, 3, 2, 1):
            self.add_module(f"linear_c{i}", Embedding(widths[i - 1], channels))
        self.linear_fuse = ConvNorm(4 * channels, channels)
        self.linear_pred = nn.Conv2d(channels, classes, 1)

    def forward(self, levels):
        size = levels[0].shape[2:]
        x = [getattr(self, f"linear_c{i}")(levels[i - 1], size) for i in (4, 3, 2, 1)]
        return self.linear_pred(self.linear_fuse(torch.cat(x, dim=1)))


class Daformer(nn.Module):
    def __init__(self, classes, variant=0):
        super().__init__()
        self.backbone = MixTransformer(variant)
        self.head = DaformerHead(self.backbone.widths, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


class Hrda(nn.Module):
    """Context at half size, detail in crops, fused pixel by pixel with loops over windows."""

    def __init__(self, classes, channels, variant=0):
        super().__init__()
        self.backbone = MixTransformer(variant)
        widths = self.backbone.widths
        self.head = DaformerHead(widths, classes, channels, channels)
        self.hrda_scale_attention = SegformerHead(widths, classes, channels)

    def parts(self, views, samples):
        levels = self.backbone(torch.cat(views))
        logits = self.head(levels)
        attention = torch.sigmoid(self.hrda_scale_attention([level[:samples] for level in levels]))
        return logits[:samples], logits[samples:], attention

    @staticmethod
    def up2(x):
        return resize(x, (2 * x.shape[2], 2 * x.shape[3]))

    def crop_forward(self, x, top, left):
        n, _, height, width = x.shape
        h, w = height // 2, width // 2
        views = [resize(x, (h, w)), x[:, :, top:top + h, left:left + w]]
        context, detail, attention = self.parts(views, n)
        mask = torch.zeros_like(attention)
        mask[:, :, top // 8:(top + h) // 8, left // 8:(left + w) // 8] = 1
        attention = attention * mask
        full = torch.zeros(n, detail.shape[1], height // 4, width // 4, dtype=x.dtype)
        full[:, :, top // 4:(top + h) // 4, left // 4:(left + w) // 4] = detail
        fused = self.up2(attention) * full + self.up2((1 - attention) * context)
        return fused, resize(detail, (h, w))

    def window_forward(self, x):
        n, _, height, width = x.shape
        h, w = height // 2, width // 2
        corners = [(t, l) for t in (0, h // 2, h) for l in (0, w // 2, w)]
        views = [resize(x, (h, w))] + [x[:, :, t:t + h, l:l + w] for t, l in corners]
        context, details, attention = self.parts(views, n)
        total = torch.zeros(n, details.shape[1], height // 4, width // 4, dtype=x.dtype)
        count = torch.zeros(height // 4, width // 4, dtype=x.dtype)
        for i, (t, l) in enumerate(corners):
            rows, columns = slice(t // 4, (t + h) // 4), slice(l // 4, (l + w) // 4)
            total[:, :, rows, columns] += details[i * n:(i + 1) * n]
            count[rows, columns] += 1
        return self.up2(attention) * (total / count) + self.up2((1 - attention) * context)
