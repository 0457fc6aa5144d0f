"""The power part of tools/vm-test: cuts, crash images, and the simulated day of --long.

Each test is also run on a daemon with a planted bug (an fdatasync that is not done), which it must
find: a test that cannot fail proves nothing.
"""
import shutil
import time

import cuts
import day
import kernel
import programs
import uml
from centre import device_keys, keys
from image import library_folders

PLANTED_CUTS = 6
ARCH = "arm64"


class Bench:
    """What every test here wants: kernel, programs, a scratch folder."""

    def __init__(self, cache, logs, seed, say):
        self.cache, self.logs, self.seed, self.say = cache, logs, seed, say
        self.host = programs.build("release", *programs.HOST)

    def guest(self):
        """(kernel, busybox, library folders, the build folder) of the machines."""
        root = programs.sysroot(ARCH)
        built = programs.build(ARCH, *programs.GUEST)
        return (kernel.prepare(self.cache, ARCH), kernel.busybox(self.cache, ARCH),
                library_folders(ARCH, root), built)

    def scratch(self, name):
        folder = self.logs / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def words(figures):
    return ", ".join(f"{name} {value}" for name, value in figures.items() if name != "seconds")


def row(machine, what, troubles, figures, began):
    """(machine, library, what, result, seconds, why): a line of the table."""
    result = "fail" if troubles else "pass"
    why = "; ".join([*troubles, words(figures)])
    return machine, "-", what, result, time.monotonic() - began, why


def found(troubles):
    """A planted bug: what troubles otherwise is wanted here."""
    return [] if troubles else ["a daemon that never waits for its disk was not found out"]


def power_cuts(bench, number, jobs):
    rows = []
    kern, busybox, libraries, built = bench.guest()
    for planted, what, count in (("", f"{number} power cuts", number),
                                 ("_no_fdatasync", "planted: no fdatasync", PLANTED_CUTS)):
        began = time.monotonic()
        folder = bench.scratch(f"cuts{planted}")
        padlock = built / (f"tests/padlock{planted}" if planted else "bin/padlock")
        troubles, figures = cuts.live(kern, busybox, libraries, bench.host, padlock,
                                      built / "tests/wireplay", folder, count, bench.seed, jobs,
                                      bench.say)
        rows.append(row(f"{ARCH}-cuts", what, found(troubles) if planted else troubles, figures,
                        began))
    return rows


def long_day(bench):
    began = time.monotonic()
    programs.build("release", "wireplay")
    linux = uml.prepare(bench.cache, bench.say)
    folder = bench.scratch("day")
    k = keys.Keys(folder / "keys")
    k.make_ca()
    for name in ("hub-1", "collector"):
        k.make(name, "clientAuth")
    troubles, figures = day.live(linux, bench.host, kernel.busybox(bench.cache, "amd64"),
                                 device_keys(k, "hub-1"), folder, bench.seed)
    return [row("uml-day", "a simulated day", troubles, figures, began)]
