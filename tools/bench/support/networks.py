"""What the rows about networks share: both sides of a measurement, and the networks' names."""

import argparse

from support import measure

# All that `dusk bench model` and peers/reference_networks.py know under one name.
MODELS = ["resnet18", "resnet101", "mobilenet_v2", "vgg16", "inception_v3", "mit_b0", "mit_b5",
          "panoptic_fpn_resnet101", "deeplab_v2_resnet101", "deeplab_v2_caffe_resnet101",
          "pspnet_resnet101", "refinenet_resnet101", "daformer_mit_b5", "hrda_mit_b5", "unit_t0",
          "unit_t0_discriminators", "cyclegan", "patch_discriminator", "dannet_light",
          "dannet_discriminator", "monodepth", "pose_net", "uawarpc"]


def argument_parser(description, **defaults):
    """Options of a row over networks; `defaults` for batch, height, width, rounds and passes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", action="append", help="may be repeated; default: all")
    parser.add_argument("--batch", type=int, default=defaults.get("batch", 1))
    parser.add_argument("--height", type=int, default=defaults.get("height", 256))
    parser.add_argument("--width", type=int, default=defaults.get("width", 256))
    parser.add_argument("--rounds", type=int, default=defaults.get("rounds", 3))
    parser.add_argument("--passes", type=int, default=defaults.get("passes", 3),
                        help="of each kind in a round, after one that does not count")
    return parser


def shape(args):
    return ["--batch", args.batch, "--height", args.height, "--width", args.width]


def ours(model, args, *options):
    return measure.run_json([measure.DUSK, "-q", "bench", "model", model, "--json", *shape(args),
                             "--rounds", args.passes, "--threads", measure.cores(), *options])


def peer(model, args, channels_last, *options):
    return measure.run_json([measure.PEER_PYTHON, measure.PEERS / "model.py", model, *shape(args),
                             "--rounds", args.passes, "--threads", measure.cores(),
                             "--channels-last", int(channels_last), *options])
