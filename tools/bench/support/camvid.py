"""The CamVid shards that rows train on, made once."""

from support import measure

WORK = measure.ROOT / "build/bench/camvid"


def shards(name):
    """Folder with the set `camvid`, for `data_root`; skips row `name` where the pictures are absent."""
    data = measure.SHARED / "data/camvid"
    if not data.exists():
        measure.skip(name, f"no data set in {data}")
    if not (WORK / "shards/camvid/manifest.json").exists():
        measure.run([measure.DUSK, "-q", "shard", "--dataset", "camvid", "--input", data,
                     "--output", WORK / "shards/camvid"])
    return WORK / "shards"
