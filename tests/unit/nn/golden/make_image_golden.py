"""Makes the stored outputs of image_networks.py beside this file, in the manner of make_golden.py.

Run: python3 make_image_golden.py   (torch 2.11.0, torchvision 0.26.0, numpy)
"""

import torch

import image_networks as reference
from make_golden import HERE, closed_form, fill, save, strided

CLASSES = 3


def prepared(network, output_bias=None):
    """The closed form keeps most activations off a kink by biases near 3; where the output is a
    tanh, its bias is near 0, or all outputs would be 1."""
    network = network.double()
    fill(network)
    if output_bias is not None:
        with torch.no_grad():
            network.get_parameter(output_bias).sub_(3)
    return network


def store(case, network, inputs, outputs, out):
    """Values of the outputs, gradients of the sum of their products with closed forms."""
    network.zero_grad()
    total = sum((o * closed_form(f"direction{i}", tuple(o.shape))).sum()
                for i, o in enumerate(outputs))
    total.backward()
    for i, tensor in enumerate(outputs):
        out[f"{case}.output{i}"] = strided(tensor)
    for i, tensor in enumerate(inputs):
        out[f"{case}.input_gradient{i}"] = strided(tensor.grad)
    rows = []
    for name, parameter in network.named_parameters():
        direction = closed_form("gradient of " + name, tuple(parameter.shape))
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        rows.append([gradient.norm(), (gradient * direction).sum()])
    out[f"{case}.parameter_gradients"] = torch.tensor(rows)


def leaf(name, shape):
    return closed_form(name, shape).requires_grad_(True)


def unit():
    out = {}
    network = prepared(reference.UnitTranslator(width=4, blocks=2))
    with torch.no_grad():
        for domain in "ab":
            network.get_parameter(f"{domain}.dec.model.5.conv.bias").sub_(3)
    images = leaf("images", (2, 3, 24, 36))
    h = network.a.enc(images)
    x_ab = network.b.dec(h + closed_form("noise", tuple(h.shape)))
    h_aba = network.b.enc(x_ab)
    x_aba = network.a.dec(h_aba)
    store("cycle", network, [images], [h, x_ab, h_aba, x_aba], out)
    for norm in ("none", "ln"):
        network = prepared(reference.UnitDiscriminators(width=4, layer_norm=norm == "ln"))
        images = leaf("images", (2, 3, 64, 88))
        store(norm, network, [images], network.b(images), out)
    save(HERE / "unit_translator.safetensors", out)


def cyclegan():
    out = {}
    network = prepared(reference.cyclegan_generator(width=4, blocks=2), "model.19.bias")
    images = leaf("images", (2, 3, 24, 36))
    store("generator", network, [images], [network(images)], out)
    network = prepared(reference.cyclegan_generator(4, 1, global_skip=True), "model.18.bias")
    images = leaf("images", (2, 3, 24, 36))
    store("global_skip", network, [images], [network(images)], out)
    network = prepared(reference.patch_discriminator(width=4))
    images = leaf("images", (2, 3, 50, 70))
    store("discriminator", network, [images], [network(images)], out)
    save(HERE / "cyclegan.safetensors", out)


def dannet():
    out = {}
    for mode in ("eval", "train"):
        network = prepared(reference.light_net(width=4, downs=2, blocks=2), "model.19.bias")
        network.train(mode == "train")
        images = leaf("images", (2, 3, 24, 36))
        store(mode, network, [images], [network(images)], out)
        if mode == "train":
            stats = [b.sum() for n, b in network.named_buffers() if n.endswith(("mean", "var"))]
            out["train.running_sums"] = torch.stack(stats)
    network = prepared(reference.OutputDiscriminator(classes=CLASSES, width=4))
    maps = leaf("maps", (2, CLASSES, 50, 70))
    store("discriminator", network, [maps], [network(maps)], out)
    save(HERE / "dannet.safetensors", out)


def monodepth():
    out = {}
    network = prepared(reference.MonodepthEncoder()).eval()
    images = leaf("images", (1, 3, 64, 96))
    store("encoder", network, [images], network(images), out)
    channels = (4, 5, 6, 7, 8)
    network = prepared(reference.MonodepthDecoder(CLASSES, channels, width=2))
    features = [leaf(f"feature{i}", (2, c, 32 >> i, 64 >> i)) for i, c in enumerate(channels)]
    store("decoder", network, features, network(features), out)
    network = prepared(reference.PoseNet(width=8)).eval()
    pairs = leaf("pairs", (2, 6, 64, 96))
    store("pose", network, [pairs], [network(pairs)], out)
    save(HERE / "monodepth.safetensors", out)


def write_names():
    """"name shape" of all tensors of the networks at their published widths."""
    networks = {
        "unit_translator": reference.UnitTranslator(),
        "unit_discriminators": reference.UnitDiscriminators(layer_norm=True),
        "cyclegan_generator": reference.cyclegan_generator(),
        "patch_discriminator": reference.patch_discriminator(),
        "light_net": reference.light_net(),
        "output_discriminator": reference.OutputDiscriminator(),
        "monodepth_encoder": reference.MonodepthEncoder(),
        "depth_decoder": reference.MonodepthDecoder(1),
        "pose_net": reference.PoseNet(),
    }
    lines = []
    for title, network in networks.items():
        for name, value in network.state_dict().items():
            lines.append(f"{title} {name} {'x'.join(map(str, value.shape)) or 'scalar'}\n")
    (HERE / "image_networks.names.txt").write_text("".join(lines))


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_names()
    unit()
    cyclegan()
    dannet()
    monodepth()
