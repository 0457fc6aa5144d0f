"""tools/vm-test: the daemons on real kernels, real GPIO and real libgpiod, in small machines.

Prepares what is missing (under build/vm: Debian's kernels for amd64 and arm64 with gpio-sim compiled
beside them; nothing is installed), boots QEMU machines without acceleration and prints a table of
what ran.  A case that cannot run is a failure unless the table says why not.  Consoles are kept in
build/vm/logs.

The parts, each usable by itself (the power part stands on them):
    debian.py   packages of any architecture, fetched and unpacked, never installed
    kernel.py   prepare(cache, arch): a kernel with its modules, gpio-sim and i2c-stub
    image.py    Image: an initial RAM disk of busybox, programs and their libraries, modules
    machine.py  Machine: boots a kernel and an image; console lines, power cuts, QEMU's test socket
    guest/      what runs inside
    gpio.py     the GPIO part, built on these; plan.py: the kits' pins, read without our own code

Then the power part (power.py): hubs are cut off at random moments and must have kept what they
promised, with a planted bug that must be found.  --seed N repeats a run as far as chance goes.
"""
import argparse
import concurrent.futures
import pathlib
import random
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True

import gpio  # noqa: E402
import kernel  # noqa: E402
import power  # noqa: E402
from centre import processes  # noqa: E402
from debian import Failed  # noqa: E402

CACHE = ROOT / "build/vm"
LOGS = CACHE / "logs"


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    p = argparse.ArgumentParser(prog="tools/vm-test", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", metavar="PATTERN", default="",
                   help="run only the machines whose name matches (a regular expression)")
    p.add_argument("--list", action="store_true", help="the machines' names, then exit")
    p.add_argument("--keep", action="store_true", help="keep the images of machines that passed")
    p.add_argument("--jobs", type=int, default=3, metavar="N", help="machines at a time (3)")
    p.add_argument("--cuts", type=int, metavar="N",
                   help="only the power part, with so many power cuts (100)")
    p.add_argument("--images", type=int, default=150, metavar="N",
                   help="so many crash images (150)")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 31), metavar="N",
                   help="of everything that is random in the power part and the day")
    p.add_argument("--long", action="store_true",
                   help="only the simulated day of a hub, in user-mode Linux with time travel (the "
                        "first time a kernel is built: minutes)")
    return p.parse_args()


class Row:
    """One line of the table."""

    def __init__(self, machine, library, what, result, seconds, why=""):
        self.machine, self.library, self.what = machine, library, what
        self.result, self.seconds, self.why = result, seconds, why

    def __str__(self):
        why = f"  {self.why}" if self.why else ""
        return (f"{self.machine:<16} {self.library:<15} {self.what:<56} {self.result:<5}"
                f"{self.seconds:6.1f}{why}")


def cases_of(lines, machine, library):
    """The rows that a guest told of."""
    rows = []
    for line in lines:
        if m := re.match(r"CASE (pass|fail|skip) ([0-9.]+) ([^:]*)(?:: (.*))?$", line):
            result = "fail" if m[1] == "skip" and not m[4] else m[1]
            rows.append(Row(machine, library, m[3], result, float(m[2]), m[4] or ""))
    return rows


def run_one(bench, machine, keep):
    """The rows of one machine, printed as they come."""
    name, run = gpio.machines()[machine]
    began = time.monotonic()
    try:
        lines, image = run(bench, name, machine)
        rows = cases_of(lines, machine, gpio.library(name))
        if not rows:
            raise Failed("the guest told of no case")
        if not any(line.startswith("OFF ") for line in lines):
            raise Failed("it did not come to its end")
        if not keep and all(r.result != "fail" for r in rows):
            image.unlink()
    except (Failed, OSError, subprocess.SubprocessError, processes.Failed) as e:
        rows = [Row(machine, "-", "(machine)", "fail", time.monotonic() - began, str(e))]
    for row in rows:
        print(row, flush=True)
    return rows


def gpio_part(args, names):
    if not names:
        return []
    bench = gpio.Bench(CACHE, LOGS, sorted({gpio.machines()[n][0] for n in names}), say)
    for arch in sorted({gpio.COMBINATIONS[gpio.machines()[n][0]][0] for n in names}):
        if not (CACHE / f"kernel-{arch}").exists():
            say(f"a kernel for {arch}, about 100 MB from Debian's mirror, and gpio-sim for it")
        kernel.prepare(CACHE, arch)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        return sum(pool.map(lambda n: run_one(bench, n, args.keep), names), [])


def power_part(args):
    """The rows of power.py, printed; none if --only wants other machines."""
    if not args.long and not re.search(args.only, "power"):
        return []
    bench = power.Bench(CACHE, LOGS, say)
    say(f"power: seed {args.seed}")
    rows = []
    for part in [power.long_day] if args.long else [power.power_cuts, power.crash_images]:
        for r in part(bench, args):
            rows.append(Row(*r))
            print(rows[-1], flush=True)
    return rows


def main():
    args = arguments()
    names = [n for n in gpio.machines() if re.search(args.only, n)]
    if args.list:
        print("\n".join([*names, "power"]))
        return 0
    args.only = "^power$" if args.cuts else args.only
    args.cuts = args.cuts or 100
    if args.long or args.only == "^power$":
        names = []
    subprocess.run([ROOT / "tools/setup", "vm"], check=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    rows = gpio_part(args, names)
    rows += power_part(args)
    bad = [r for r in rows if r.result == "fail"]
    print(f"{len(rows)} cases on {len(names)} machines, {len(bad)} failed, "
          f"{time.monotonic() - began:.0f} s; consoles in {LOGS.relative_to(ROOT)}/")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, subprocess.CalledProcessError) as e:
        sys.exit(f"tools/vm-test: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
