"""What the rows of the scoreboard share: finding the programs, running them in turns, and the one
JSON object that a row prints for each figure."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
DUSK = pathlib.Path(os.environ.get("DUSK", ROOT / "build/release/dusk"))
PEER_PYTHON = ROOT / "tools/bench/peer-python"
PEERS = ROOT / "tools/bench/peers"
SHARED = pathlib.Path(os.environ.get("DUSK_SHARED", ROOT.parent / "shared"))
EXIT_SKIPPED = 77


def skip(name, reason):
    """Ends the row: it could not be measured here, which is neither met nor missed."""
    print(json.dumps({"name": name, "skipped": reason}), flush=True)
    sys.exit(EXIT_SKIPPED)


def require_dusk(name):
    if not DUSK.exists():
        skip(name, f"{DUSK} is not built")


def require_peers(name):
    if not (ROOT / ".deps/peers/.installed").exists():
        skip(name, "Python peers are not installed: tools/bench/setup-peers")


def cores():
    return len(os.sched_getaffinity(0))


def finished(command, **options):
    """Runs a program in the root of the tree to its end. A failure shows what it said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT,
                          **options)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"exit code {done.returncode}: {' '.join(map(str, command))}")
    return done


def run(command, **options):
    """Likewise; its standard output."""
    return finished(command, **options).stdout


def log_of(command, **options):
    """Likewise; its standard error, where Dusk logs."""
    return finished(command, **options).stderr


def run_json(command, **options):
    """Runs a program and returns the last line of its standard output as JSON."""
    return last_json(run(command, **options))


def last_json(text):
    """The last line as JSON."""
    return json.loads(text.strip().splitlines()[-1])


def ranks(count, command):
    """The command line that starts `command` (arguments of dusk) on `count` ranks of this machine."""
    return [ROOT / "launch/local.sh", "-n", count, "--", *command]


def in_turns(rounds, first, second):
    """Calls both `rounds` times, each round in the other order, and returns their results: what
    slows the machine down for a while then hits both."""
    results = ([], [])
    for i in range(rounds):
        order = (0, 1) if i % 2 == 0 else (1, 0)
        for which in order:
            results[which].append((first, second)[which]())
    return results


def median(values):
    return statistics.median(values)


def paired_ratio(peer, ours):
    """Median over the rounds of peer / ours: how many times as fast ours is."""
    return statistics.median(p / o for p, o in zip(peer, ours))


def row(name, *, ours, unit, bar, met, peer=None, ratio=None, note=""):
    """Prints one figure. `bar` is what it is held against, as text; `met` None: for information."""
    print(json.dumps({"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit,
                      "bar": bar, "met": met, "note": note}), flush=True)
