"""The CamVid shards that rows train on, made once."""

import shutil
import subprocess

from support import measure

WORK = measure.ROOT / "build/bench/camvid"


def shards(name):
    """Folder with the set `camvid`, for `data_root`; skips row `name` where the pictures are absent."""
    data = measure.SHARED / "data/camvid"
    if not data.exists():
        measure.skip(name, f"no data set in {data}")
    made = WORK / "shards/camvid"
    if not is_readable(made):  # absent, or of an older program
        shutil.rmtree(made, ignore_errors=True)
        measure.run([measure.DUSK, "-q", "shard", "--dataset", "camvid", "--input", data,
                     "--output", made])
    return WORK / "shards"


def is_readable(shard_set):
    return subprocess.run([measure.DUSK, "shards", "list", shard_set],
                          capture_output=True).returncode == 0
