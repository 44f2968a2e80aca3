"""CamVid as the experiments use it: which pictures have which role, and scores."""

import pathlib

import numpy
from PIL import Image

CLASSES = 11
IGNORED = 255
MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
STD = numpy.array([0.229, 0.224, 0.225], numpy.float32)

# Role: folder and the sequences in it (README of the data set).
ROLES = {
    "train": ("train", ("0006R0", "0016E5")),
    "day_val": ("val", ("0016E5",)),
    "day_test": ("test", ("Seq05VD",)),
    "dusk_train": ("train", ("0001TP",)),
}


def load(root, role):
    """List of (image uint8 HWC, label uint8 HW, name) of a role, sorted by name."""
    folder, sequences = ROLES[role]
    samples = []
    for path in sorted((pathlib.Path(root) / folder).glob("*.jpg")):
        if path.name.split("_")[0] not in sequences:
            continue
        label_path = pathlib.Path(root) / f"{folder}annot" / (path.stem + ".png")
        label = numpy.array(Image.open(label_path))
        label[label >= CLASSES] = IGNORED
        samples.append((numpy.array(Image.open(path).convert("RGB")), label, path.stem))
    if not samples:
        raise SystemExit(f"no pictures of role {role} in {root}")
    return samples


def normalise(image):
    """uint8 HWC to float32 CHW with ImageNet's mean and deviation."""
    return numpy.ascontiguousarray(((image / numpy.float32(255) - MEAN) / STD).transpose(2, 0, 1))


def scores(confusion):
    """Of a (K, K) matrix, row = truth: mIoU over classes that occur, and the IoU of each."""
    hits = numpy.diag(confusion).astype(float)
    union = confusion.sum(0) + confusion.sum(1) - hits
    iou = numpy.where(union > 0, hits / numpy.maximum(union, 1), numpy.nan)
    return float(numpy.nanmean(iou)), iou.tolist()


def confusion_of(label, prediction):
    valid = label < CLASSES
    pairs = label[valid].astype(numpy.int64) * CLASSES + prediction[valid]
    return numpy.bincount(pairs, minlength=CLASSES ** 2).reshape(CLASSES, CLASSES)
