"""UAWarpC's head written from our specification of it (names included): a reference for the C++
network. Correlations and warps are plain loops over shifts and over pixels' corners."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def leaky(x):
    return F.leaky_relu(x, 0.1)


def resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class ConvNorm(nn.Module):
    def __init__(self, c_in, c_out, kernel=3, padding=None, dilation=1):
        super().__init__()
        padding = dilation * (kernel // 2) if padding is None else padding
        self.conv = nn.Conv2d(c_in, c_out, kernel, padding=padding, dilation=dilation, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return self.bn(self.conv(x))


class Decoder(nn.Module):
    def __init__(self, c_in):
        super().__init__()
        self.conv_0 = ConvNorm(c_in, 128)
        self.conv0_skip = ConvNorm(128, 96, 1)
        self.conv_1 = ConvNorm(128, 128)
        self.conv_2 = ConvNorm(128, 96)
        self.conv2_skip = ConvNorm(96, 32, 1)
        self.conv_3 = ConvNorm(96, 64)
        self.conv_4 = ConvNorm(64, 32)
        self.predict_mapping = nn.Conv2d(32, 2, 3, padding=1)

    def forward(self, x):
        x0 = self.conv_0(x)
        x2 = self.conv_2(leaky(self.conv_1(leaky(x0)))) + self.conv0_skip(x0)
        x4 = self.conv_4(leaky(self.conv_3(leaky(x2)))) + self.conv2_skip(x2)
        feature = leaky(x4)
        return self.predict_mapping(feature), feature


class Refinement(nn.Module):
    def __init__(self):
        super().__init__()
        widths = (32, 128, 128, 128, 96, 64, 32)
        convs = [ConvNorm(widths[i], widths[i + 1], dilation=d)
                 for i, d in enumerate((1, 2, 4, 8, 16, 1))]
        self.dc_convs = nn.ModuleList(convs + [nn.Conv2d(32, 2, 3, padding=1)])

    def forward(self, x):
        for conv in self.dc_convs[:-1]:
            x = leaky(conv(x))
        return self.dc_convs[-1](x)


class Uncertainty(nn.Module):
    def __init__(self, side, previous):
        super().__init__()
        self.side = side
        self.conv_0 = ConvNorm(1, 32, padding=0)
        self.conv_1 = ConvNorm(32, 32, padding=0)
        self.conv_2 = ConvNorm(32, 16, padding=0)
        self.predict_uncertainty = nn.Conv2d(16, 6, 3)
        self.pred_conv_0 = ConvNorm(6 + 32 + previous, 32)
        self.pred_conv_1 = ConvNorm(32, 16)
        self.predict_uncertainty_final = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, corr, *others):
        n, _, h, w = corr.shape
        maps = corr.permute(0, 2, 3, 1).reshape(n * h * w, 1, self.side, self.side)
        x = leaky(self.conv_0(maps))
        if self.side == 16:
            x = F.max_pool2d(x, 2)
        x = self.predict_uncertainty(leaky(self.conv_2(leaky(self.conv_1(x)))))
        x = x.reshape(n, h, w, 6).permute(0, 3, 1, 2)
        x = leaky(self.pred_conv_0(torch.cat((x, *others), dim=1)))
        return self.predict_uncertainty_final(leaky(self.pred_conv_1(x)))


def unit(x):
    return x / x.square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-12)


def global_correlation(src, trg):
    n, _, hs, ws = src.shape
    c = torch.einsum("ncij,nckl->nijkl", src, trg)
    over_src = c.amax(dim=(1, 2), keepdim=True)
    over_trg = c.amax(dim=(3, 4), keepdim=True)
    c = c * (c / (over_src + 1e-5)) * (c / (over_trg + 1e-5))
    return unit(F.relu(c.reshape(n, hs * ws, *trg.shape[2:])))


def local_correlation(src, trg):
    h, w = trg.shape[2:]
    padded = F.pad(src, (4, 4, 4, 4))
    rows = [(trg * padded[:, :, i:i + h, j:j + w]).sum(dim=1) for i in range(9) for j in range(9)]
    return unit(F.relu(torch.stack(rows, dim=1)))


def warp(x, flow):
    """Bilinear with zeros outside, from the four corners of every place."""
    n, c, h, w = x.shape
    px = flow[:, 0] + torch.arange(w, dtype=x.dtype)
    py = flow[:, 1] + torch.arange(h, dtype=x.dtype)[:, None]
    x0, y0 = px.detach().floor(), py.detach().floor()
    out = 0
    for dy in (0, 1):
        for dx in (0, 1):
            ix, iy = x0 + dx, y0 + dy
            weight = (1 - (px - ix).abs()) * (1 - (py - iy).abs())
            inside = (ix >= 0) & (ix < w) & (iy >= 0) & (iy < h)
            index = iy.clamp(0, h - 1) * w + ix.clamp(0, w - 1)
            index = index.long().reshape(n, 1, -1).expand(n, c, h * w)
            value = x.reshape(n, c, -1).gather(2, index).reshape(n, c, h, w)
            out = out + value * (weight * inside).unsqueeze(1)
    return out


class UaWarpC(nn.Module):
    def __init__(self):
        super().__init__()
        local = 81 + 2 + 1
        self.decoder4 = Decoder(256)
        self.decoder3 = Decoder(local)
        self.refinement_module_adaptive = Refinement()
        self.decoder2 = Decoder(local)
        self.reduce = nn.Conv2d(32, 2, 1)
        self.decoder1 = Decoder(local + 2)
        self.refinement_module_finest = Refinement()
        self.estimate_uncertainty_components4 = Uncertainty(16, 0)
        for i in (3, 2, 1):
            self.add_module(f"estimate_uncertainty_components{i}", Uncertainty(9, 3))

    def level(self, i, trg, src, flow, log_var, feature, frame):
        """Flows are in pixels of `frame` (height, width)."""
        h, w = trg.shape[2:]
        flow, log_var = resize(flow, (h, w)), resize(log_var, (h, w))
        on_map = torch.stack((flow[:, 0] * w / frame[1], flow[:, 1] * h / frame[0]), dim=1)
        corr = local_correlation(warp(unit(src), on_map), unit(trg))
        inputs = [corr, flow]
        if i == 1:
            inputs.append(self.reduce(resize(feature, (h, w))))
        residual, feature = getattr(self, f"decoder{i}")(torch.cat(inputs + [log_var], dim=1))
        if i == 3:
            residual = residual + self.refinement_module_adaptive(feature)
        if i == 1:
            residual = residual + self.refinement_module_finest(feature)
        uncertainty = getattr(self, f"estimate_uncertainty_components{i}")
        return flow + residual, uncertainty(corr, feature, log_var, flow), feature

    def forward(self, trg, src, size):
        """`trg` and `src`: pool2 and pool3 of the picture, pool3 and pool4 of the 256 x 256 copy."""
        height, width = size
        corr = global_correlation(unit(src[3]), unit(trg[3]))
        place, feature = self.decoder4(corr)
        grid = torch.stack(torch.meshgrid(torch.arange(16), torch.arange(16), indexing="xy"))
        flow = ((place + 1) * 15 / 2 - grid) * 16
        log_var = self.estimate_uncertainty_components4(corr, feature) + 2 * math.log(16)
        flow, log_var, feature = self.level(3, trg[2], src[2], flow, log_var, feature, (256, 256))
        flow = torch.stack((flow[:, 0] * width / 256, flow[:, 1] * height / 256), dim=1)
        log_var = log_var + 2 * math.log(math.hypot(height, width) / math.hypot(256, 256))
        flow, log_var, feature = self.level(2, trg[1], src[1], flow, log_var, feature, size)
        flow, log_var, feature = self.level(1, trg[0], src[0], flow, log_var, feature, size)
        return resize(flow, size), resize(log_var, size)
