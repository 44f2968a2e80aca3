"""What the rows about loading share: the files of `dusk bench loader`."""

from support import measure

WORK = measure.ROOT / "build/bench/loader"
PAIR = measure.SHARED / "data/dark_zurich_pair"


def pictures():
    """What the files were made from, for a note."""
    return "the Dark Zurich pair" if PAIR.exists() else "a drawn city"


def bench(*arguments):
    """Runs `dusk bench loader`; its JSON. The files are made the first time."""
    source = ["--pictures", PAIR] if PAIR.exists() else []
    return measure.run_json([measure.DUSK, "-q", "bench", "loader", "--json", "--work", WORK,
                             *source, *arguments])
