"""The GPIO part of tools/vm-test: the seam, the kits and the daemons on both generations of libgpiod.

Three kinds of machines, for each architecture and library:
    seam      the seam's contract test, every kit on every board, the I2C drivers on a stub bus
    daemons   the daemons with gpio-sim, and a broker and a collector on the host, in little memory
    pl061     the stock arm64 kernel's own GPIO, its pins driven and read from outside
"""
import pathlib
import shutil
import time

import hub
import kernel
import plan
import programs
from centre import NETWORK, Centre, device_keys, keys
from debian import Failed
from image import GUEST, Image, library_folders
from machine import Machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
# machine: (the kernel's architecture, the preset of its programs, MB of memory for the daemons; the
# amd64 kernel alone fills 96)
COMBINATIONS = {
    "amd64-1": ("amd64", "release", 128), "amd64-2": ("amd64", "trixie-amd64", 128),
    "arm64-1": ("arm64", "arm64", 96), "arm64-2": ("arm64", "trixie-arm64", 128),
    "armhf-1": ("arm64", "armhf", 96), "armhf-2": ("arm64", "trixie-armhf", 96),
}
TESTS = ("gpio_chip_test", "kit_drive")
STUB_CHIPS = "0x18,0x19,0x40,0x48,0x53"  # accelerometers, gauge, ADC
LOCK_EVENTS = {"closed": 1, "opened": 2, "tamper": 5}
FAULTS = {"gpio": 5}
BURST_S = 8
LOCK = """\
[lock]
arm_delay = 10 min
siren_burst = {burst}
quiet = 1 s
repeat = 1 s
[spool]
batch_age = 500 ms
"""
SPEEDWATCH = """\
[unit]
device = kit-1
state = /tmp/kit
boards = /mw/boards
board = {board}
kit = speedwatch-usb
[site]
id = somewhere
limit = 30
[broker]
host = localhost
port = {port}
ca = /mw/ca.pem
certificate = /mw/kit.pem
key = /mw/kit.key
collector_key = /mw/collector.pem
[spool]
batch_age = 500 ms
"""
SPEEDWATCH_BOARD = "raspberrypi-5"


def i2c_tests():
    """Those that can use a bus of the kernel's."""
    return [p.stem for p in sorted((ROOT / "tests/port").glob("*_test.c"))
            if 'getenv("MOORWATCH_I2C")' in p.read_text()]


class Bench:
    """Kernels, programs and libraries, made once for all machines of a run."""

    def __init__(self, cache, logs, names, say):
        self.cache, self.logs = cache, logs
        say("building the programs for " + ", ".join(names))
        self.host = programs.build("release", "moorwatch", "moorwatch-collector", "padlock")
        for preset in sorted({COMBINATIONS[n][1] for n in names}):
            if preset != "release":
                programs.sysroot(preset)
            programs.build(preset, "padlock", "speedwatch", *TESTS, *i2c_tests())

    def image(self, name):
        arch, preset, _ = COMBINATIONS[name]
        kern = kernel.prepare(self.cache, arch)
        native = preset == "release"
        folders = library_folders("amd64" if native else preset.removeprefix("trixie-"),
                                  pathlib.Path("/") if native else programs.sysroot(preset))
        image = Image(kern, kernel.busybox(self.cache, arch), folders)
        image.modules("configfs", "gpio-sim")
        return kern, image, ROOT / "build" / preset


def library(name):
    """What the preset's configuration found."""
    for line in (ROOT / "build" / COMBINATIONS[name][1] / "CMakeCache.txt").read_text().split("\n"):
        if line.startswith("libgpiod_VERSION:INTERNAL="):
            return "libgpiod " + line.partition("=")[2]
    raise Failed(f"{name}: the build knows no libgpiod")


def seam(bench, name, machine):
    kern, image, built = bench.image(name)
    image.modules("i2c-dev")
    image.module("i2c-stub", f"chip_addr={STUB_CHIPS}")
    for test in TESTS:
        image.program(built / "tests" / test, f"test/{test}")
    for test in i2c_tests():
        image.program(built / "tests" / test, f"test/i2c/{test}")
    image.tree("mw/boards", plan.BOARDS)
    image.file("mw/plan", plan.make())
    image.file("tests.sh", GUEST / "seam.sh")
    initrd = image.write(bench.cache / f"{machine}.initrd")
    with Machine(kern, initrd, bench.logs / f"{machine}.log", "/tests.sh") as m:
        return m.finish(240), initrd


# --- the daemons --------------------------------------------------------------------------------

class Answers:
    """What a guest may ask about the collector's store."""

    def __init__(self, centre):
        self.centre, self.before = centre, 0

    def wait(self, seconds, wanted, text):
        """yes or no, and what the query counted: exactly `wanted`, and no more a little later."""
        end, seen = time.monotonic() + float(seconds), None
        while time.monotonic() < end and (seen is None or seen < wanted):
            seen = self.centre.query(text)[0][0]
            time.sleep(0.1)
        time.sleep(0.3)
        seen = self.centre.query(text)[0][0]
        return f"{'yes' if seen == wanted else 'no'} {seen}"

    def lock(self, device, what, wanted, seconds):
        return self.wait(seconds, int(wanted), "SELECT count(*) FROM lock_events WHERE "
                         f"device = '{device}' AND what = {LOCK_EVENTS[what]}")

    def fault(self, device, what, wanted, seconds):
        return self.wait(seconds, int(wanted), "SELECT count(*) FROM faults WHERE active = 1 AND "
                         f"device = '{device}' AND code = {FAULTS[what]}")

    def mark(self):
        self.before = self.centre.query("SELECT ifnull(max(id), 0) FROM lock_events")[0][0]
        return f"yes {self.before}"

    def journey(self, device, wanted, seconds):
        return self.wait(seconds, int(wanted), "SELECT count(*) FROM lock_events WHERE "
                         f"device = '{device}' AND what IN (1, 2) AND id > {self.before}")

    def sessions(self, device, wanted, seconds):
        return self.wait(seconds, int(wanted), "SELECT count(*) FROM sessions WHERE "
                         f"device = '{device}' AND stop_t IS NOT NULL")

    def all(self):
        return {name: getattr(self, name) for name in ("lock", "fault", "mark", "journey",
                                                       "sessions")}


def shell_wires(name):
    """Where the roles are, for the guest's script."""
    words = {role.replace("-", "_"): line for role, line in hub.wires().items()}
    board = plan.Board(plan.BOARDS / f"{SPEEDWATCH_BOARD}.ini")
    kit = {w.split()[1]: w.split() for w in
           plan.kit_text(board, plan.BOARDS / "kits/speedwatch-usb.ini") if " " in w}
    kit_label = kit["session-button"][2]
    words |= {"label": hub.LABEL, "burst": BURST_S, "gpiod": name[-1],
              "memory": COMBINATIONS[name][2], "kit_label": kit_label,
              "kit_lines": next(n for label, n in board.chips.values() if label == kit_label),
              "kit_button": kit["session-button"][3], "kit_lamp": kit["lamp-fault"][3]}
    return "".join(f"{k}={v}\n" for k, v in words.items())


def furnish(image, built, centre, name):
    """The daemons with their configurations: hub-1, a second hub, hub-1 with a kit of short patience,
    and a speedwatch kit on a chip of its own."""
    lock = LOCK.format(burst=f"{BURST_S} s")
    conf = hub.conf("hub-1", "/tmp/hub-1", "localhost", centre.port, lock)
    hub.furnish(image, built / "bin/padlock", device_keys(centre.keys, "hub-1"), conf, hub.wires())
    second = conf.replace("hub-1", "hub-2").replace("/mw/device.", "/mw/second.")
    image.file("mw/second.conf", second)
    short = conf.replace("/mw/kit.ini", "/mw/short.ini").replace(
        f"siren_burst = {BURST_S} s", "siren_burst = 60 s")
    image.file("mw/short.conf", short)
    image.file("mw/short.ini", hub.kit().replace("max_on = 15 min", "max_on = 2 s"))
    image.program(built / "bin/speedwatch", "bin/speedwatch")
    image.file("mw/speedwatch.conf", SPEEDWATCH.format(board=SPEEDWATCH_BOARD, port=centre.port))
    for device, key in (("hub-2", "second"), ("kit-1", "kit")):
        image.file(f"mw/{key}.pem", centre.keys.cert(device), 0o600)
        image.file(f"mw/{key}.key", centre.keys.key(device), 0o600)
    image.file("mw/wires.sh", shell_wires(name))
    for path, text in NETWORK.items():
        image.file(path, text)


def daemons(bench, name, machine):
    kern, image, built = bench.image(name)
    image.modules("virtio_pci", "virtio_net")
    image.file("tests.sh", GUEST / "daemons.sh")
    folder = bench.logs / machine
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Centre(folder, bench.host, ["hub-1", "hub-2", "kit-1"]) as centre:
        centre.start()
        centre.start_collector()
        furnish(image, built, centre, name)
        initrd = image.write(bench.cache / f"{machine}.initrd")
        with Machine(kern, initrd, bench.logs / f"{machine}.log", "/tests.sh",
                     memory=COMBINATIONS[name][2], network=[centre.port]) as m:
            return m.answer(300, **Answers(centre).all()), initrd


# --- the PL061 ----------------------------------------------------------------------------------

PL061_DATA = 0x09030000 + 0x3fc  # all eight bits
PL061_LOOP, PL061_SIREN = 5, 6
# Line 3 is the kernel's own power key.
PL061_BOARD = """\
[board]
id = virt
name = QEMU's virt machine
support = community
release = persists-unless-strict_gpiod
[chip main]
label = 9030000.pl061
min_lines = 8
[connector pins]
type = pl061
1 = main:5
2 = main:6
3 = main:3
"""
PL061_KIT = """\
[kit]
id = {name}
name = A loop and a siren
connector = pl061
[in loop-1]
pin = {loop}
active = high
rest = on
debounce = 20 ms
[out siren]
pin = 2
safe = off
external_pull = down
max_on = 15 min
"""


class Pins:
    """The PL061's pins from outside."""

    def __init__(self, machine):
        self.qtest, self.path = machine.qtest, machine.qtest.find("pl061")

    def pin(self, _, level):
        self.qtest.pin(self.path, PL061_LOOP, level)
        self.moved = time.monotonic()
        return "yes"

    def siren(self, wanted, seconds):
        """yes or no, and the milliseconds since the loop was moved."""
        end = time.monotonic() + float(seconds)
        while True:
            level = self.qtest.read32(PL061_DATA) >> PL061_SIREN & 1
            after = f"{(time.monotonic() - self.moved) * 1000:.0f} ms"
            if level == int(wanted):
                return f"yes {after}"
            if time.monotonic() > end:
                return f"no {after}"
            time.sleep(0.005)


def pl061(bench, name, machine):
    memory = COMBINATIONS[name][2]
    kern, image, built = bench.image(name)
    image.loads.clear()  # the stock kernel, nothing of ours in it
    image.modules("gpio_keys")
    image.program(built / "bin/padlock", "bin/padlock")
    image.file("mw/boards/virt.ini", PL061_BOARD)
    k = keys.Keys(bench.logs / f"{machine}-keys")
    k.make_ca()
    for who in ("hub-1", "collector"):
        k.make(who, "clientAuth")
    for where, path in device_keys(k, "hub-1").items():
        image.file(f"mw/{where}", path, 0o600)
    for kit, loop in (("pins", 1), ("taken", 3)):
        image.file(f"mw/boards/kits/{kit}.ini", PL061_KIT.format(name=kit, loop=loop))
        conf = hub.conf("hub-1", "/tmp/state", more=LOCK.format(burst="60 s"))
        image.file(f"mw/{kit}.conf", conf.replace(hub.BOARD, "virt").replace("/mw/kit.ini", kit))
    image.file("tests.sh", GUEST / "pl061.sh")
    initrd = image.write(bench.cache / f"{machine}.initrd")
    with Machine(kern, initrd, bench.logs / f"{machine}.log", "/tests.sh", memory=memory,
                 qtest=True) as m:
        pins = Pins(m)
        return m.answer(120, pin=pins.pin, siren=pins.siren), initrd


KINDS = {"seam": seam, "daemons": daemons, "pl061": pl061}


def machines():
    """{machine: (combination, what runs it)}"""
    return {f"{name}-{kind}": (name, run) for name in COMBINATIONS for kind, run in KINDS.items()
            if kind != "pl061" or COMBINATIONS[name][0] == "arm64"}
