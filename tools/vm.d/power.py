"""The power part of tools/vm-test: cuts, crash images, and the simulated day of --long.

Each test is also run on a daemon with a planted bug (an fdatasync that is not done), which it must
find: a test that cannot fail proves nothing.
"""
import shutil
import time

import crash
import cuts
import day
import kernel
import programs
import uml
from centre import device_keys, keys, processes
from debian import Failed
from image import library_folders

PLANTED_CUTS = 8
PLANTED_IMAGES, PLANTED_S = 20, 10
ARCH = "arm64"


class Bench:
    """What every test here wants: kernel, programs, a scratch folder."""

    def __init__(self, cache, logs, say):
        self.cache, self.logs, self.say = cache, logs, say
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


def both(bench, machine, what, count, few, test):
    """The rows of `test` with the daemon as it is, and with the planted bug, as they come."""
    kern, busybox, libraries, built = bench.guest()
    for planted in (False, True):
        name = "_no_fdatasync" if planted else ""
        padlock = built / (f"tests/padlock{name}" if planted else "bin/padlock")
        began = time.monotonic()
        try:
            troubles, figures = test(kern, busybox, libraries, bench.host, padlock,
                                     built / "tests", bench.scratch(machine + name),
                                     few if planted else count, planted)
            troubles = found(troubles) if planted else troubles
        except (Failed, processes.Failed, OSError) as e:
            troubles, figures = [str(e)], {}
        yield row(f"{ARCH}-{machine}", f"{few if planted else count} {what}" +
                  (", planted: no fdatasync" if planted else ""), troubles, figures, began)


def power_cuts(bench, args):
    def test(*words):
        *words, _ = words
        return cuts.live(*words, args.seed, args.jobs + 1, bench.say)
    return both(bench, "cuts", "power cuts", args.cuts, PLANTED_CUTS, test)


def crash_images(bench, args):
    def test(*words):
        *words, planted = words
        bench.say(f"crash images: {'a daemon with a planted bug' if planted else 'a machine'} "
                  "is recorded")
        return crash.live(*words, args.seed, args.jobs + 1, PLANTED_S if planted else crash.WORK_S)
    return both(bench, "crash", "crash images", args.images, PLANTED_IMAGES, test)


def long_day(bench, args):
    began = time.monotonic()
    programs.build("release", "wireplay", "speedwatch", "kitsim")
    linux = uml.prepare(bench.cache, bench.say)
    folder = bench.scratch("day")
    k = keys.Keys(folder / "keys")
    k.make_ca()
    for name in ("hub-1", "kit-1", "collector"):
        k.make(name, "clientAuth")
    wanted = {**device_keys(k, "hub-1"), "kit.pem": k.cert("kit-1"), "kit.key": k.key("kit-1")}
    troubles, figures = day.live(linux, bench.host, kernel.busybox(bench.cache, "amd64"),
                                 wanted, folder, args.seed)
    return [row("uml-day", "a simulated day", troubles, figures, began)]
