"""Networks from images to images, scores, depth and motion, written from their definitions: references
for the C++ networks. Attribute names and the positions in Sequentials are those of the public codes
(UNIT of 2018, CycleGAN, DANNet, Monodepth2), so that `state_dict()` has the published names.
"""

import torch
import torchvision
from torch import nn
from torch.nn import functional as F


class UnitLayerNorm(nn.Module):
    """Over all of a sample; eps is added to the unbiased deviation."""

    def __init__(self, channels):
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.empty(channels))

    def forward(self, x):
        flat = x.flatten(1)
        shape = (-1, 1, 1, 1)
        y = (x - flat.mean(1).view(shape)) / (flat.std(1, unbiased=True).view(shape) + 1e-5)
        return y * self.gamma.view(1, -1, 1, 1) + self.beta.view(1, -1, 1, 1)


class UnitBlock(nn.Module):
    def __init__(self, cin, cout, kernel, stride, padding, norm, activation):
        super().__init__()
        self.padding = padding
        self.conv = nn.Conv2d(cin, cout, kernel, stride)
        if norm is not None:
            self.norm = norm
        self.activation = activation

    def forward(self, x):
        x = self.conv(F.pad(x, (self.padding,) * 4, mode="reflect"))
        if hasattr(self, "norm"):
            x = self.norm(x)
        return self.activation(x)


def identity(x):
    return x


def leaky(x):
    return F.leaky_relu(x, 0.2)


class UnitResBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.model = nn.Sequential(
            UnitBlock(width, width, 3, 1, 1, nn.InstanceNorm2d(width), F.relu),
            UnitBlock(width, width, 3, 1, 1, nn.InstanceNorm2d(width), identity))

    def forward(self, x):
        return x + self.model(x)


class Model(nn.Module):
    """A Sequential below the name `model`."""

    def __init__(self, *layers):
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class GlobalSkipModel(Model):
    """Adds its input in front of the last layer, the activation."""

    def forward(self, x):
        return self.model[-1](x + self.model[:-1](x))


def unit_encoder(w, blocks):
    return Model(
        UnitBlock(3, w, 7, 1, 3, nn.InstanceNorm2d(w), F.relu),
        UnitBlock(w, 2 * w, 4, 2, 1, nn.InstanceNorm2d(2 * w), F.relu),
        UnitBlock(2 * w, 4 * w, 4, 2, 1, nn.InstanceNorm2d(4 * w), F.relu),
        Model(*[UnitResBlock(4 * w) for _ in range(blocks)]))


def unit_decoder(w, blocks):
    return Model(
        Model(*[UnitResBlock(4 * w) for _ in range(blocks)]),
        nn.Upsample(scale_factor=2),
        UnitBlock(4 * w, 2 * w, 5, 1, 2, UnitLayerNorm(2 * w), F.relu),
        nn.Upsample(scale_factor=2),
        UnitBlock(2 * w, w, 5, 1, 2, UnitLayerNorm(w), F.relu),
        UnitBlock(w, 3, 7, 1, 3, None, torch.tanh))


class UnitTranslator(nn.Module):
    def __init__(self, width=64, blocks=4):
        super().__init__()
        for domain in "ab":
            auto_encoder = nn.Module()
            auto_encoder.enc = unit_encoder(width, blocks)
            auto_encoder.dec = unit_decoder(width, blocks)
            self.add_module(domain, auto_encoder)


class UnitDiscriminator(nn.Module):
    def __init__(self, width, layer_norm):
        super().__init__()
        self.cnns = nn.ModuleList()
        for _ in range(3):
            layers, cin = [], 3
            for i in range(4):
                cout = width * 2**i
                norm = UnitLayerNorm(cout) if layer_norm and i > 0 else None
                layers.append(UnitBlock(cin, cout, 4, 2, 1, norm, leaky))
                cin = cout
            self.cnns.append(nn.Sequential(*layers, nn.Conv2d(cin, 1, 1)))

    def forward(self, x):
        scores = []
        for cnn in self.cnns:
            scores.append(cnn(x))
            x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        return scores


class UnitDiscriminators(nn.Module):
    def __init__(self, width=64, layer_norm=False):
        super().__init__()
        self.a = UnitDiscriminator(width, layer_norm)
        self.b = UnitDiscriminator(width, layer_norm)


class ResnetBlock(nn.Module):
    def __init__(self, width, norm, bias):
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), norm(width), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), norm(width))

    def forward(self, x):
        return x + self.conv_block(x)


def resnet_generator(width, downs, blocks, norm, model=Model):
    bias = norm is nn.InstanceNorm2d
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7, bias=bias), norm(width), nn.ReLU()]
    w = width
    for _ in range(downs):
        layers += [nn.Conv2d(w, 2 * w, 3, stride=2, padding=1, bias=bias), norm(2 * w), nn.ReLU()]
        w *= 2
    layers += [ResnetBlock(w, norm, bias) for _ in range(blocks)]
    for _ in range(downs):
        layers += [nn.ConvTranspose2d(w, w // 2, 3, stride=2, padding=1, output_padding=1,
                                      bias=bias), norm(w // 2), nn.ReLU()]
        w //= 2
    return model(*layers, nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh())


def cyclegan_generator(width=64, blocks=9, global_skip=False):
    model = GlobalSkipModel if global_skip else Model
    return resnet_generator(width, 2, blocks, nn.InstanceNorm2d, model)


def light_net(width=64, downs=2, blocks=3):
    return resnet_generator(width, downs, blocks, nn.BatchNorm2d)


def patch_discriminator(width=64):
    def normed(cin, cout, stride):
        return [nn.Conv2d(cin, cout, 4, stride, 1), nn.InstanceNorm2d(cout), nn.LeakyReLU(0.2)]

    return Model(nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2), *normed(width, 2 * width, 2),
                 *normed(2 * width, 4 * width, 2), *normed(4 * width, 8 * width, 1),
                 nn.Conv2d(8 * width, 1, 4, 1, 1))


class OutputDiscriminator(nn.Module):
    def __init__(self, classes=19, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(classes, width, 4, 2, 1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, 4, 1, 1)
        self.conv4 = nn.Conv2d(4 * width, 4 * width, 4, 1, 1)
        self.classifier = nn.Conv2d(4 * width, 1, 4, 1, 1)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = leaky(conv(x))
        return self.classifier(x)


class MonodepthEncoder(nn.Module):
    def __init__(self, frames=1):
        super().__init__()
        self.encoder = torchvision.models.resnet18()
        del self.encoder.fc
        if frames > 1:
            self.encoder.conv1 = nn.Conv2d(3 * frames, 64, 7, 2, 3, bias=False)

    def forward(self, x):
        net = self.encoder
        features = [F.relu(net.bn1(net.conv1((x - 0.45) / 0.225)))]
        x = net.maxpool(features[0])
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            features.append(x)
        return features


class Conv3x3(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.pad = nn.ReflectionPad2d(1)
        self.conv = nn.Conv2d(cin, cout, 3)

    def forward(self, x):
        return self.conv(self.pad(x))


class EluBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = Conv3x3(cin, cout)

    def forward(self, x):
        return F.elu(self.conv(x))


class MonodepthDecoder(nn.Module):
    """Raw maps; depth is their sigmoid."""

    def __init__(self, maps, channels=(64, 64, 128, 256, 512), width=16):
        super().__init__()
        self.decoder = nn.ModuleList()
        cin = channels[4]
        for i in (4, 3, 2, 1, 0):
            cout = width * 2**i
            self.decoder.append(EluBlock(cin, cout))
            self.decoder.append(EluBlock(cout + (channels[i - 1] if i > 0 else 0), cout))
            cin = cout
        for s in (0, 1, 2, 3):
            self.decoder.append(Conv3x3(width * 2**s, maps))

    def forward(self, features):
        maps = [None] * 4
        x = features[4]
        for i in (4, 3, 2, 1, 0):
            x = self.decoder[2 * (4 - i)](x)
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            if i > 0:
                x = torch.cat([x, features[i - 1]], 1)
            x = self.decoder[2 * (4 - i) + 1](x)
            if i < 4:
                maps[i] = self.decoder[10 + i](x)
        return maps


class PoseDecoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([
            nn.Conv2d(512, width, 1), nn.Conv2d(width, width, 3, 1, 1),
            nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, 12, 1)])

    def forward(self, feature):
        x = F.relu(self.net[0](feature))
        x = F.relu(self.net[1](x))
        x = F.relu(self.net[2](x))
        return 0.01 * self.net[3](x).mean((2, 3)).view(-1, 2, 6)


class PoseNet(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.pose_encoder = MonodepthEncoder(frames=2)
        self.pose = PoseDecoder(width)

    def forward(self, pairs):
        return self.pose(self.pose_encoder(pairs)[4])
