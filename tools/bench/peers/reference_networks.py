"""Every network of `dusk bench model` in Python: torchvision's, and the references that the unit
tests' stored outputs are made with (tests/unit/nn/golden). Children have the names that Dusk gives
them, so that weights travel by name."""

import pathlib
import sys

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tests/unit/nn/golden"))
import conv_networks  # noqa: E402
import image_networks  # noqa: E402
import panoptic_fpn  # noqa: E402
import segformer  # noqa: E402
import uawarpc  # noqa: E402

CLASSES = 19
RESNET101_THIRD_STAGE = 23


class Network:
    """A module, `run(module, inputs) -> list of outputs`, its inputs as channels and strides by which
    they are smaller than the picture, or as whole shapes, and how test weights are drawn: around
    which bias, and which biases stand before a tanh."""

    def __init__(self, module, run, inputs=((3, 1),), bias=3, before_tanh=()):
        self.module, self.run, self.inputs = module, run, inputs
        self.bias, self.before_tanh = bias, before_tanh

    def shapes(self, args):
        return [(args.batch, channels, args.height // stride, args.width // stride) if stride
                else (args.batch, *channels) for channels, stride in self.inputs]


def one(module, **options):
    return Network(module, lambda net, x: [net(x[0])], **options)


def present(outputs):
    return [x for x in outputs if x is not None]


def segmenter(module):
    return Network(module, lambda net, x: present(net(x[0])))


def resnet(depth):
    return Network(getattr(torchvision.models, f"resnet{depth}")(),
                   lambda net, x: panoptic_fpn.resnet_features(net, x[0]))


def mobilenet_v2():
    return Network(torchvision.models.mobilenet_v2(),
                   lambda net, x: panoptic_fpn.mobilenet_v2_features(net, x[0]))


def vgg16():
    return Network(torchvision.models.vgg16(), lambda net, x: [net.features(x[0])])


def inception_v3():
    return Network(conv_networks.inception_v3(fid=False),
                   lambda net, x: [conv_networks.inception_features(net, x[0])])


def mix_transformer(variant):
    return Network(segformer.MixTransformer(variant), lambda net, x: net(x[0]), bias=0)


def panoptic_fpn_resnet101():
    backbone = torchvision.models.resnet101()
    del backbone.fc
    net = panoptic_fpn.Segmenter(backbone, panoptic_fpn.resnet_features, (256, 512, 1024, 2048),
                                 CLASSES)
    return Network(net, lambda net, x: [net.low_res_logits(x[0])])


def deeplab_v2(form):
    return segmenter(conv_networks.DeepLabV2(CLASSES, form, 4, RESNET101_THIRD_STAGE))


def hrda(variant):
    def run(net, x):
        height, width = x[0].shape[2:]
        return list(net.crop_forward(x[0], height // 4 // 8 * 8, width // 4 // 8 * 8))

    return Network(segformer.Hrda(CLASSES, 256, variant), run, bias=0)


def unit_translator():
    return Network(image_networks.UnitTranslator(), lambda net, x: [net.b.dec(net.a.enc(x[0]))],
                   before_tanh=("b.dec.model.5.conv.bias",))


class Monodepth(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = image_networks.MonodepthEncoder()
        self.decoder = image_networks.MonodepthDecoder(1)

    def forward(self, x):
        return [torch.sigmoid(y) for y in self.decoder(self.encoder(x))]


class Alignment(nn.Module):
    """VGG-16's first four blocks, on the pictures and on copies of 256 x 256, and the head."""

    def __init__(self):
        super().__init__()
        self.vgg = nn.Module()
        self.vgg.features = torchvision.models.vgg16().features[:24]
        self.head = uawarpc.UaWarpC()

    def pools(self, x):
        maps = []
        for layer in self.vgg.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
        return maps

    def maps(self, x):
        own, small = self.pools(x), self.pools(F.adaptive_avg_pool2d(x, 256))
        return own[1], own[2], small[2], small[3]

    def forward(self, target, source):
        return self.head(self.maps(target), self.maps(source), target.shape[2:])


def alignment():
    return Network(Alignment(), lambda net, x: list(net(*x)), inputs=((3, 1), (3, 1)))


def alignment_head():
    """On features: the pools of the pictures and of their copies, target before source."""
    def run(net, x):
        size = (4 * x[0].shape[2], 4 * x[0].shape[3])
        return list(net(x[:4], x[4:], size))

    maps = ((128, 4), (256, 8), ((256, 32, 32), None), ((512, 16, 16), None))
    return Network(uawarpc.UaWarpC(), run, inputs=maps + maps)


NETWORKS = {
    "resnet18": lambda: resnet(18),
    "resnet101": lambda: resnet(101),
    "mobilenet_v2": mobilenet_v2,
    "vgg16": vgg16,
    "inception_v3": inception_v3,
    "mit_b0": lambda: mix_transformer(0),
    "mit_b5": lambda: mix_transformer(5),
    "panoptic_fpn_resnet101": panoptic_fpn_resnet101,
    "deeplab_v2_resnet101": lambda: deeplab_v2("openmmlab"),
    "deeplab_v2_caffe_resnet101": lambda: deeplab_v2("caffe"),
    "pspnet_resnet101": lambda: segmenter(conv_networks.PspNet(CLASSES, RESNET101_THIRD_STAGE)),
    "refinenet_resnet101": lambda: segmenter(
        conv_networks.RefineNet(CLASSES, torchvision.models.resnet101)),
    "daformer_mit_b5": lambda: one(segformer.Daformer(CLASSES, 5), bias=0),
    "hrda_mit_b0": lambda: hrda(0),
    "hrda_mit_b5": lambda: hrda(5),
    "unit_t0": unit_translator,
    "unit_t0_discriminators": lambda: Network(image_networks.UnitDiscriminators(),
                                              lambda net, x: net.a(x[0])),
    "cyclegan": lambda: one(image_networks.cyclegan_generator(), before_tanh=("model.26.bias",)),
    "patch_discriminator": lambda: one(image_networks.patch_discriminator()),
    "dannet_light": lambda: one(image_networks.light_net(), bias=1, before_tanh=("model.20.bias",)),
    "dannet_discriminator": lambda: one(image_networks.OutputDiscriminator(CLASSES),
                                        inputs=((CLASSES, 1),)),
    "monodepth": lambda: Network(Monodepth(), lambda net, x: net(x[0]), bias=0),  # sigmoids
    "pose_net": lambda: one(image_networks.PoseNet(), inputs=((6, 1),)),
    "uawarpc": alignment,
    "uawarpc_head": alignment_head,
}


class FusedAttention(segformer.Attention):
    """As one writes it today: torch's own attention instead of a loop over heads."""

    def forward(self, x, h, w):
        n, tokens, c = x.shape
        q = self.q(x).reshape(n, tokens, self.heads, -1).transpose(1, 2)
        if self.reduction > 1:
            x = self.norm(segformer.to_tokens(self.sr(segformer.to_map(x, h, w))))
        kv = self.kv(x).reshape(n, x.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, kv[0], kv[1])
        return self.proj(y.transpose(1, 2).reshape(n, tokens, c))


class FusedMlp(segformer.Mlp):
    def forward(self, x, h, w):
        x = segformer.to_tokens(self.dwconv.dwconv(segformer.to_map(self.fc1(x), h, w)))
        return self.fc2(F.gelu(x))


def sampled_warp(x, flow):
    n, _, h, w = x.shape
    px = flow[:, 0] + torch.arange(w, dtype=x.dtype)
    py = flow[:, 1] + torch.arange(h, dtype=x.dtype)[:, None]
    grid = torch.stack((2 * px / (w - 1) - 1, 2 * py / (h - 1) - 1), dim=3)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def use_fused_operators(module):
    """The references spell attention, GELU and warps out, to be independent of what torch has for
    them. Where time is measured the peer gets torch's operators."""
    fused = {segformer.Attention: FusedAttention, segformer.Mlp: FusedMlp}
    for child in module.modules():
        child.__class__ = fused.get(type(child), type(child))
    uawarpc.warp = sampled_warp
    uawarpc.unit = F.normalize
