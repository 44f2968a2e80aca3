"""Reads shards with h5py, as sharding/FORMAT.md tells a Python user to, and compares each sample

    set SHARDS CITY     with the data set that the set was made from (Cityscapes' layout)
    labels LABELS SET   pseudo-labels of a set: the shards by themselves, and the pictures through the reference
    fields SHARD        with what tests/unit/io/sample_pictures.hpp puts into every field
"""

import json
import pathlib
import sys

import h5py
import hdf5plugin  # noqa: F401: registers zstd
import numpy
from PIL import Image

# Cityscapes labelId -> train id, from the data set's documentation.
TRAIN_IDS = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12,
             26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}


def train_ids(label_ids):
    table = numpy.full(256, 255, numpy.uint8)
    for label_id, train_id in TRAIN_IDS.items():
        table[label_id] = train_id
    return table[label_ids]


def picture_of(city, name):
    """The file of a sample: the name's last part is the stem without Cityscapes' suffix."""
    stem = name.split("/")[-1].removesuffix("_leftImg8bit")
    found = list(city.glob(f"leftImg8bit/**/{stem}_leftImg8bit.png"))
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def check_sample(shard, i, name, city):
    h, w, row = (int(shard["samples/" + key][i]) for key in ("height", "width", "row"))
    group = shard[f"{h}x{w}"]
    image_path = picture_of(city, name)
    expected = numpy.array(Image.open(image_path).convert("RGB"))
    assert group["image"][row].shape == (h, w, 3)
    assert (group["image"][row] == expected).all(), f"{name}: the image differs"
    assert shard["samples/has_label"][i] == 1
    label_path = pathlib.Path(str(image_path).replace("leftImg8bit", "gtFine", 1)
                              .replace("_leftImg8bit.png", "_gtFine_labelIds.png"))
    label = group["label"][row]
    assert (label == train_ids(numpy.array(Image.open(label_path)))).all(), f"{name}: label differs"
    return label


def check_set(shards, city):
    manifest = json.loads((shards / "manifest.json").read_text())
    samples, pixels = 0, numpy.zeros(256, numpy.int64)
    for entry in manifest["shards"]:
        with h5py.File(shards / entry["file"]) as shard:
            names = shard["samples/name"].asstr()[:]
            classes = [c.decode() for c in shard.attrs["classes"]]
            assert classes == manifest["classes"] and classes[0] == "road" and len(classes) == 19
            for i, name in enumerate(names):
                label = check_sample(shard, i, name, city)
                counts = numpy.bincount(label.ravel(), minlength=256)
                assert (shard["samples/class_pixels"][i] == counts[:19]).all()
                pixels += counts
                samples += 1
    assert samples == manifest["samples"] == len(list(city.glob("leftImg8bit/**/*.png")))
    counted = numpy.sum([entry["class_pixels"] for entry in manifest["shards"]], axis=0)
    assert (counted == pixels[:19]).all() and pixels[:19].sum() > 0
    print(f"{samples} samples are the same to the last pixel")


def sizes_of(shards):
    """Height and width of each sample of a set, by name, in order."""
    sizes = {}
    for entry in json.loads((shards / "manifest.json").read_text())["shards"]:
        with h5py.File(shards / entry["file"]) as shard:
            for i, name in enumerate(shard["samples/name"].asstr()[:]):
                sizes[name] = int(shard["samples/height"][i]), int(shard["samples/width"][i])
    return sizes


def check_labels(labels, source):
    manifest = json.loads((labels / "manifest.json").read_text())
    assert manifest["version"] == 2 and manifest["reference"]["fields"] == ["image"]
    pictures = (labels / manifest["reference"]["set"]).resolve()
    assert pictures == source.resolve(), pictures
    expected = sizes_of(pictures)
    kept = 0
    for entry in manifest["shards"]:
        with h5py.File(labels / entry["file"]) as shard:
            assert shard.attrs["version"] == 3
            made_of = json.loads(shard.attrs["provenance"])
            assert made_of["command"] == "label" and len(made_of["network"]["checkpoint"]) == 16
            threshold = made_of["thresholds"]
            for i, name in enumerate(shard["samples/name"].asstr()[:]):
                h, w, row = (int(shard["samples/" + key][i]) for key in ("height", "width", "row"))
                assert expected[name] == (h, w)
                group = shard[f"{h}x{w}"]
                assert "image" not in group
                label, confidence = group["label"][row], group["confidence"][row]
                assert label.shape == confidence.shape == (h, w)
                for k in range(19):
                    assert (confidence[label == k] >= threshold[k]).all(), f"{name}: class {k}"
                kept += int((label != 255).sum())
    assert list(sizes_of(labels)) == [name for name in expected if name in sizes_of(labels)]
    print(f"{kept} pixels are labelled with confidence")


def check_fields(path):
    with h5py.File(path) as shard:
        assert shard.attrs["version"] == 2
        assert list(shard["samples/name"].asstr()[:]) == ["a", "b"]
        for key, values in {"previous": ["before a", ""], "next": ["after a", ""]}.items():
            assert list(shard["samples/" + key].asstr()[:]) == values, key
        for field, present in {"label": [1, 0], "depth": [1, 0], "confidence": [1, 0]}.items():
            assert list(shard["samples/has_" + field][:]) == present, field
        assert shard["samples/camera"].dtype == numpy.float64
        assert (shard["samples/camera"][:] == [[500.25, 499.75, 12, 10], [0, 0, 0, 0]]).all()
        group, i = shard["20x24"], numpy.arange(20 * 24).reshape(20, 24)
        assert group["depth"].dtype == numpy.uint16
        assert (group["depth"][0] == (i * 257 + 11) % 65536).all()
        assert group["confidence"].dtype == numpy.uint8
        assert (group["confidence"][0] == i * 3 % 256).all()
        x, y = numpy.meshgrid(numpy.arange(24), numpy.arange(20))
        value = (x // 5 + y // 3) % 5
        assert (group["label"][0] == numpy.where(value == 4, 255, value)).all()
        assert "depth" not in shard["17x16"] and "label" not in shard["17x16"]
    print("every field is as it was written")


if __name__ == "__main__":
    kind, *paths = sys.argv[1:]
    {"set": check_set, "labels": check_labels, "fields": check_fields}[kind](*map(pathlib.Path, paths))
