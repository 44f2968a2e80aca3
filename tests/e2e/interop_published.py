"""Whole checkpoints as the authors of Refign, DAFormer and HRDA save them, made with our Python
references of the networks (the layouts are those of the authors' public source).

    write FOLDER     NAME.pth, and in NAME.safetensors the tensors that Dusk is to make of it
    same FOLDER      NAME.imported.safetensors holds the tensors of NAME.safetensors, bit for bit
"""

import copy
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch import nn

from interop_weights import same

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit/nn/golden"))
import segformer  # noqa: E402
import uawarpc  # noqa: E402

CLASSES = 19
CHANNELS = 32  # of HRDA's heads; interop.sh's configuration says the same


class Group(nn.Module):
    """Modules under given names."""

    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class ScaleAttention(nn.Module):
    """HRDA's attention in the authors' OpenMMLab code: DAFormer's head with a 1x1 convolution as
    fusion, which takes the finest level first."""

    def __init__(self, widths, classes, channels):
        super().__init__()
        embeddings = {str(i): segformer.Embedding(c, channels) for i, c in enumerate(widths)}
        self.embed_layers = nn.ModuleDict(embeddings)
        self.fuse_layer = segformer.ConvNorm(4 * channels, channels)
        self.conv_seg = nn.Conv2d(channels, classes, 1)

    def forward(self, levels):
        size = levels[0].shape[2:]
        x = [self.embed_layers[str(i)](level, size) for i, level in enumerate(levels)]
        return self.conv_seg(self.fuse_layer(torch.cat(x, dim=1)))


@torch.no_grad()
def drawn(network, seed):
    """Every tensor is of its own, the statistics of norms too."""
    random = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.random_(1, 10**6, generator=random)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=random)
        else:
            tensor.normal_(0, 0.1, generator=random)
    return network.eval()


@torch.no_grad()
def openmmlab_attention(reference):
    """The same function with the authors' names and order."""
    widths = [getattr(reference, f"linear_c{i}").proj.in_features for i in (1, 2, 3, 4)]
    theirs = ScaleAttention(widths, CLASSES, CHANNELS).eval()
    for i in range(4):
        theirs.embed_layers[str(i)] = copy.deepcopy(getattr(reference, f"linear_c{i + 1}"))
    theirs.fuse_layer = copy.deepcopy(reference.linear_fuse)
    theirs.conv_seg = copy.deepcopy(reference.linear_pred)
    torch.manual_seed(7)
    levels = [torch.randn(1, c, 16 >> i, 24 >> i, dtype=torch.float64) for i, c in enumerate(widths)]
    expected = copy.deepcopy(reference).double()(levels)
    assert not torch.allclose(copy.deepcopy(theirs).double()(levels), expected), "the order does not matter"
    c4, c3, c2, c1 = reference.linear_fuse.conv.weight.split(CHANNELS, dim=1)
    theirs.fuse_layer.conv.weight.copy_(torch.cat((c1, c2, c3, c4), dim=1))
    torch.testing.assert_close(copy.deepcopy(theirs).double()(levels), expected)
    return theirs


def openmmlab(network):
    if not hasattr(network, "hrda_scale_attention"):
        return Group(backbone=network.backbone, decode_head=network.head)
    attention = openmmlab_attention(network.hrda_scale_attention)
    return Group(backbone=network.backbone, decode_head=Group(head=network.head, scale_attention=attention))


class ModelCheckpoint:
    """Lightning before 1.6 has classes as keys of what its callbacks save."""


def lightning(make):
    """The student, and everything else that Refign's module holds. The alignment network is that of
    seed 3, whatever the student."""
    student, teacher = make(0), make(1)
    parts = dict(student.named_children())
    parts["alignment_backbone"] = Group(features=nn.Sequential(nn.Conv2d(3, 64, 3)))
    parts["alignment_head"] = drawn(uawarpc.UaWarpC(), 3)
    parts |= {"m_" + name: part for name, part in teacher.named_children()}
    parts["imnet_backbone"] = make(2).backbone
    parts["valid_metrics"] = metrics = nn.Module()
    metrics.register_buffer("confmat", torch.ones(CLASSES, CLASSES))
    return {"epoch": 3, "global_step": 40000, "pytorch-lightning_version": "1.5.10",
            "state_dict": Group(**parts).state_dict(keep_vars=True),
            "callbacks": {ModelCheckpoint: {"best_model_score": torch.tensor(0.5), "monitor": None}},
            "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 6e-5}]}],
            "lr_schedulers": [{"base_lrs": [6e-5], "last_epoch": 40000}]}


def uda_wrapper(make):
    """The student beside its teacher, the ImageNet network and the teacher of MIC."""
    parts = {"model": openmmlab(make(0)), "ema_model": openmmlab(make(1)), "imnet_model": openmmlab(make(2)),
             "mic": Group(teacher=Group(ema_model=openmmlab(make(4))))}
    return {"meta": {"mmcv_version": "1.3.7", "iter": 40000, "CLASSES": ("road",), "PALETTE": [[128, 64, 128]]},
            "state_dict": Group(**parts).state_dict(keep_vars=True),
            "optimizer": {"state": {0: {"step": 40000, "exp_avg": torch.ones(3)}}, "param_groups": []}}


def daformer(seed):
    return drawn(segformer.Daformer(CLASSES), seed)


def hrda(seed):
    return drawn(segformer.Hrda(CLASSES, CHANNELS), seed)


def write(folder):
    folder = pathlib.Path(folder)
    folder.mkdir()
    files = {"refign_daformer": (lightning(daformer), daformer(0)),
             "refign_hrda": (lightning(hrda), hrda(0)),
             "refign_teacher": (lightning(hrda), hrda(1)),
             "refign_alignment": (lightning(daformer), drawn(uawarpc.UaWarpC(), 3)),
             "openmmlab_daformer": (uda_wrapper(daformer), daformer(0)),
             "openmmlab_hrda": (uda_wrapper(hrda), hrda(0)),
             "openmmlab_teacher": (uda_wrapper(hrda), hrda(1)),
             "openmmlab_student": (openmmlab(hrda(0)).state_dict(keep_vars=True), hrda(0))}
    for name, (checkpoint, expected) in files.items():
        torch.save(checkpoint, folder / f"{name}.pth")
        save_file(expected.state_dict(), folder / f"{name}.safetensors")


def compare(folder):
    files = sorted(pathlib.Path(folder).glob("*.pth"))
    assert files
    for path in files:
        print(path.stem, end=": ")
        same(str(path.with_suffix(".imported.safetensors")), str(path.with_suffix(".safetensors")))


if __name__ == "__main__":
    command, folder = sys.argv[1:]
    {"write": write, "same": compare}[command](folder)
