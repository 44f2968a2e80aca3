"""Makes mit_b0.safetensors, daformer_head.safetensors, segformer_head.safetensors,
hrda.safetensors and uawarpc.safetensors beside this file. Run as make_golden.py, which says how.

Transformers have no kinks, so that their biases are small: with the large ones that make_golden.py
has for ReLU attention would saturate.
"""

import torch

import segformer
import uawarpc
from make_golden import HERE, closed_form, fill, save, strided

CLASSES = 5
MIT_SHAPE = (2, 3, 70, 102)  # stage 1 is 18 x 26: the reduction by 8 leaves rows and columns out
HEAD_SIZES = ((18, 26), (9, 13), (5, 7), (3, 4))
HRDA_SHAPE = (2, 3, 64, 88)
HRDA_BOX = (8, 24)  # top, left
ALIGN_SIZE = (64, 48)
UAWARPC_SHAPES = ((1, 128, 16, 12), (1, 256, 8, 6), (1, 256, 32, 32), (1, 512, 16, 16))


def pull_back(outputs, inputs):
    """Gradient of the product of every output with a closed form."""
    loss = sum((y * closed_form(f"direction {name}", tuple(y.shape))).sum()
               for name, y in outputs.items())
    return torch.autograd.grad(loss, inputs)


def gradient_rows(network):
    """As make_golden.py stores them: norm, and product with a closed form."""
    rows = []
    for name, parameter in network.named_parameters():
        direction = closed_form("gradient of " + name, tuple(parameter.shape))
        rows.append([parameter.grad.norm(), (parameter.grad * direction).sum()])
    return torch.tensor(rows)


def leaf(name, shape):
    return closed_form(name, shape).requires_grad_(True)


def run_mit(network, scale, out, mode):
    images = (2 * scale * closed_form("images", MIT_SHAPE)).requires_grad_(True)
    levels = {f"level{i}": level for i, level in enumerate(network(images))}
    network.zero_grad()
    sum((y * closed_form(f"direction {name}", tuple(y.shape))).sum()
        for name, y in levels.items()).backward()
    out.update({f"{mode}.{name}": strided(y) for name, y in levels.items()})
    out[f"{mode}.input_gradient"] = strided(images.grad)
    out[f"{mode}.parameter_gradients"] = gradient_rows(network)


def mit_b0():
    """`plain`, and `faint`: activations of about 1e-3, whose variance is about the norms' eps."""
    network = segformer.MixTransformer().double()
    out = {}
    fill(network, bias=0)
    run_mit(network, 1, out, "plain")
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 1:
                parameter.mul_(1e-3)
    run_mit(network, 1e-3, out, "faint")
    return out


def head(network):
    stored = {}
    for mode in ("eval", "train"):
        fill(network.double())
        network.train(mode == "train")
        levels = [leaf(f"level{i}", (2, c, *size))
                  for i, (c, size) in enumerate(zip(segformer.WIDTHS, HEAD_SIZES))]
        out = {"logits": network(levels)}
        for i, gradient in enumerate(pull_back(out, levels)):
            stored[f"{mode}.gradient{i}"] = strided(gradient)
        stored[f"{mode}.logits"] = strided(out["logits"])
    return stored


def hrda():
    network = segformer.Hrda(CLASSES, 64).double()
    fill(network.backbone, bias=0)
    fill(network.head)
    fill(network.hrda_scale_attention)
    stored = {}
    for mode in ("crop", "windows"):
        network.eval()
        images = (2 * closed_form("images", HRDA_SHAPE)).requires_grad_(True)
        if mode == "crop":
            fused, detail = network.crop_forward(images, *HRDA_BOX)
            out = {"fused": fused, "detail": detail}
        else:
            out = {"fused": network.window_forward(images)}
        (gradient,) = pull_back(out, [images])
        stored.update({f"{mode}.{name}": strided(y) for name, y in out.items()})
        stored[f"{mode}.input_gradient"] = strided(gradient)
    return stored


def alignment():
    network = uawarpc.UaWarpC().double()
    fill(network)
    with torch.no_grad():  # flows of a few pixels, of which most end inside the maps
        for name, tensor in network.state_dict().items():
            if name.startswith("decoder4.predict_mapping"):
                tensor.mul_(0.1)
            elif "predict_mapping" in name or "dc_convs.6" in name:
                tensor.mul_(0.02)
    network.eval()
    trg = [leaf(f"target{i}", shape) for i, shape in enumerate(UAWARPC_SHAPES)]
    src = [leaf(f"source{i}", shape) for i, shape in enumerate(UAWARPC_SHAPES)]
    flow, log_variance = network(trg, src, ALIGN_SIZE)
    out = {"flow": flow, "log_variance": log_variance}
    stored = {name: strided(y) for name, y in out.items()}
    for i, gradient in enumerate(pull_back(out, trg + src)):
        # Few source pixels are looked at: sums over one pixel's channels and one channel's pixels.
        stored[f"gradient{i}.pixels"] = strided(gradient.sum(dim=1))
        stored[f"gradient{i}.channels"] = strided(gradient.sum(dim=(2, 3)))
    return stored


def main():
    save(HERE / "mit_b0.safetensors", mit_b0())
    widths = segformer.WIDTHS
    save(HERE / "daformer_head.safetensors", head(segformer.DaformerHead(widths, CLASSES)))
    save(HERE / "segformer_head.safetensors", head(segformer.SegformerHead(widths, CLASSES)))
    save(HERE / "hrda.safetensors", hrda())
    save(HERE / "uawarpc.safetensors", alignment())


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
