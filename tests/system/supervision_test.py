#!/usr/bin/env python3
"""What systemd and udev are told: units, watchdogs, rules, users and files, judged by their own tools.

usage: supervision_test.py BUILD_DIR SOURCE_DIR SANITIZED(0|1)
Skips with a word what the machine has no tool for.  The rules are run on devices of umockdev, in a
mount namespace of their own (root only); nothing of the machine is touched.
"""
import configparser
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv[1]).resolve()
SOURCE = pathlib.Path(sys.argv[2]).resolve()
SANITIZED = sys.argv[3:4] == ["1"]
EXPOSURE_MAX = 2.0  # systemd-analyze security
RESTART_MAX_S = 1.0
UNITS = {"speedwatch": BUILD / "firmware/speedwatch/moorwatch-speedwatch.service",
         "padlock": BUILD / "firmware/padlock/moorwatch-padlock.service",
         "moorwatch-collector": BUILD / "collector/moorwatch-collector.service"}
RULES = (SOURCE / "firmware/60-moorwatch-gpio.rules",
         SOURCE / "firmware/speedwatch/60-moorwatch-radar.rules")


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60, **more)


def need(*tools):
    missing = [t for t in tools if shutil.which(t) is None]
    return unittest.skipIf(missing, "not on this machine: " + ", ".join(missing))


def settings(unit):
    """Every key = value of [Service], in order."""
    section = None
    for line in unit.read_text().split("\n"):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            yield tuple(line.split("=", 1))


def setting(unit, key):
    return [v for k, v in settings(unit) if k == key]


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)\s*(ms|s|min|)", text).groups()
    return float(number) * {"ms": 0.001, "s": 1, "": 1, "min": 60}[unit]


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mw-super-"))
        self.addCleanup(shutil.rmtree, self.dir)


class Units(Case):
    @need("systemd-analyze")
    def test_exposure(self):
        for name, unit in UNITS.items():
            out = run("systemd-analyze", "security", "--offline=true", unit).stdout
            figure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", out)[1])
            print(f"{name}: exposure {figure}")
            self.assertLessEqual(figure, EXPOSURE_MAX, name)

    @need("systemd-analyze")
    def test_units_are_clean(self):
        for name, unit in UNITS.items():
            copy = self.dir / unit.name
            copy.write_text(re.sub(r"=\S*/(speedwatch|padlock|moorwatch-collector) ",
                                   lambda m: f"={BUILD / 'bin' / m[1]} ", unit.read_text()))
            done = run("systemd-analyze", "verify", "--man=no", copy)
            said = [line for line in done.stderr.split("\n") if "moorwatch" in line]
            self.assertEqual(([], 0), (said, done.returncode), name)

    def test_limits_and_watchdog(self):
        for name, unit in UNITS.items():
            self.assertTrue(setting(unit, "MemoryMax"), name)
            self.assertTrue(setting(unit, "TasksMax"), name)
            self.assertEqual(["notify"], setting(unit, "Type"))
            self.assertEqual(["always"], setting(unit, "Restart"))
            self.assertLessEqual(seconds(setting(unit, "WatchdogSec")[0]), 30)
        for name in ("speedwatch", "padlock"):
            self.assertIn("--outputs-off", setting(UNITS[name], "ExecStopPost")[0])
            self.assertIn("char-gpiochip rw", setting(UNITS[name], "DeviceAllow"))
            self.assertIn("char-i2c rw", setting(UNITS[name], "DeviceAllow"))
        self.assertIn("char-alsa rw", setting(UNITS["speedwatch"], "DeviceAllow"))

    def test_the_hardware_watchdog_is_within_every_chip(self):
        text = (SOURCE / "firmware/moorwatch-watchdog.conf").read_text()
        asked = [seconds(v) for v in re.findall(r"^(?:Runtime|Reboot)WatchdogSec=(\S+)", text, re.M)]
        self.assertEqual(2, len(asked))
        for path in (SOURCE / "boards").glob("*.ini"):
            board = configparser.ConfigParser(strict=False, interpolation=None)
            board.read(path)
            if board["board"]["support"] != "host":
                self.assertLessEqual(max(asked), float(board["watchdog"]["max_s"]), path.name)

    def test_groups_are_made(self):
        made = re.findall(r"^[gu] (\S+)", (SOURCE / "firmware/moorwatch.sysusers").read_text(), re.M)
        for name in ("speedwatch", "padlock"):
            for group in setting(UNITS[name], "SupplementaryGroups")[0].split():
                self.assertIn(group, made)


class Daemon(Case):
    """The padlock daemon on the host board, with nobody at the other end."""

    def setUp(self):
        super().setUp()
        for name in ("hub-1", "collector"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out",
                            name + ".crt", "-days", "9", "-subj", "/CN=" + name],
                           cwd=self.dir, check=True, capture_output=True)
        self.conf = self.dir / "c.conf"
        self.configure("padlock-hub", "")
        self.listen()

    def configure(self, kit, more):
        self.conf.write_text(f"""[unit]
device = hub-1
state = {self.dir / 'spool'}
boards = {SOURCE / 'boards'}
kit = {kit}
[gpio]
outputs = {self.dir / 'out'}
[broker]
host = 127.0.0.1
port = 1
ca = {self.dir / 'collector.crt'}
certificate = {self.dir / 'hub-1.crt'}
key = {self.dir / 'hub-1.key'}
collector_key = {self.dir / 'collector.crt'}
{more}""")

    def listen(self):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.dir / "notify"))
        self.notify.settimeout(20)
        self.addCleanup(self.notify.close)

    def start(self, *before, name="padlock"):
        child = subprocess.Popen([*before, BUILD / "bin" / name, "-c", self.conf],
                                 stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 env={**os.environ, "NOTIFY_SOCKET": str(self.dir / "notify")})
        self.addCleanup(lambda: child.poll() is None and child.kill())
        while b"READY=1" not in self.notify.recv(4096):
            pass
        return child

    @unittest.skipIf(SANITIZED, "sanitizers take their time")
    def test_killed_it_is_back_within_a_second(self):
        pause = seconds(setting(UNITS["padlock"], "RestartSec")[0])
        took = []
        for _ in range(3):
            child = self.start()
            begin = time.monotonic()
            child.kill()
            child.wait()
            run(BUILD / "bin/padlock", "-c", self.conf, "--outputs-off", check=True)
            time.sleep(pause)
            child = self.start()
            took.append(time.monotonic() - begin)
            child.terminate()
            child.wait()
        print("killed and ready again, with RestartSec:", *(f"{t:.2f} s" for t in took))
        self.assertLess(min(took), RESTART_MAX_S)

    @need("strace", "systemd-analyze")
    @unittest.skipIf(SANITIZED, "sanitizers make calls of their own")
    def test_the_filter_lets_it_do_what_it_does(self):
        site = "[site]\nid = s-1\nlimit = 30\n"
        for name, kit, more in (("padlock", "padlock-hub", ""), ("padlock", "padlock-sensors", ""),
                                ("speedwatch", "speedwatch-usb", site),
                                ("speedwatch", "speedwatch-iq", site)):
            self.configure(kit, more)
            made, opened = self.trace(name)
            self.assertIn("openat", made)
            self.assertEqual(set(), made - allowed(UNITS[name]), kit)
            if setting(UNITS[name], "ProcSubset") == ["pid"]:
                self.assertEqual(set(), {p for p in opened if re.match(
                    r"/proc/(?!\d|self|thread-self)", p)}, kit)

    def trace(self, name):
        """The system calls of a run, and the files it asked for."""
        child = self.start("strace", "-f", "-qq", "-o", str(self.dir / "trace"), name=name)
        time.sleep(1.5)
        own = int((self.dir / "trace").read_text().split()[0])
        os.kill(own, signal.SIGTERM)
        child.wait(20)
        text = (self.dir / "trace").read_text()
        return (set(re.findall(r"^\d+ +(\w+)\(", text, re.M)),
                set(re.findall(r'open\w*\([^"\n]*"([^"]+)"', text)))


def expand(words):
    calls = set()
    for word in words:
        if word.startswith("@"):
            out = run("systemd-analyze", "syscall-filter", word, "--no-pager").stdout
            calls |= expand(w.strip() for w in out.split("\n")[1:]
                            if w.strip() and not w.strip().startswith("#"))
        else:
            calls.add(word)
    return calls


def allowed(unit):
    calls = set()
    for value in setting(unit, "SystemCallFilter"):
        words = expand(value.lstrip("~").split())
        calls = calls - words if value.startswith("~") else calls | words
    return calls | {"execve", "exit", "exit_group", "rt_sigreturn"}  # systemd always allows them


class Files(Case):
    def setUp(self):
        super().setUp()
        for kind in ("sysusers", "tmpfiles"):
            folder = self.dir / f"usr/lib/{kind}.d"
            folder.mkdir(parents=True)
            shutil.copy(SOURCE / f"firmware/moorwatch.{kind}", folder / "moorwatch.conf")
        (self.dir / "etc").mkdir()

    def users(self):
        done = run("systemd-sysusers", f"--root={self.dir}")
        self.assertEqual(0, done.returncode, done.stderr)
        table = {}
        for name in ("passwd", "group"):
            for line in (self.dir / "etc" / name).read_text().splitlines():
                table[name, line.split(":")[0]] = line.split(":")
        return table

    @need("systemd-sysusers")
    def test_users(self):
        if os.geteuid() != 0:
            self.skipTest("root only")
        table = self.users()
        self.assertIn("nologin", table["passwd", "moorwatch"][-1])
        for group in ("moorwatch", "gpio", "i2c", "dialout", "audio"):
            self.assertIn(("group", group), table)

    @need("systemd-sysusers", "systemd-tmpfiles")
    def test_files(self):
        if os.geteuid() != 0:
            self.skipTest("root only")
        gid = int(self.users()["group", "moorwatch"][2])
        uid = int(self.users()["passwd", "moorwatch"][2])
        (self.dir / "etc/moorwatch").mkdir()
        (self.dir / "etc/moorwatch/device.key").write_text("secret")
        done = run("systemd-tmpfiles", f"--root={self.dir}", "--create")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        folder, key = ((self.dir / "etc" / p).stat() for p in ("moorwatch", "moorwatch/device.key"))
        self.assertEqual((0, gid, 0o40750), (folder.st_uid, folder.st_gid, folder.st_mode))
        self.assertEqual((uid, gid, 0o100600), (key.st_uid, key.st_gid, key.st_mode))


# What the kernel would show: the radar, another serial port by another maker, the header's I2C bus of
# an Orange Pi among others, a GPIO chip, the sound card of the K-LC radar.
USB = "/devices/pci0/usb1"
MOCK = f"""P: {USB}/1-1
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
A: idVendor=0483
A: idProduct=5740

P: {USB}/1-1/1-1:1.0/tty/ttyACM0
E: SUBSYSTEM=tty
E: DEVNAME=/dev/ttyACM0
E: MAJOR=166
E: MINOR=0
N: ttyACM0
A: dev=166:0

P: {USB}/1-3
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
A: idVendor=12d1
A: idProduct=1506

P: {USB}/1-3/1-3:1.0/tty/ttyACM1
E: SUBSYSTEM=tty
E: DEVNAME=/dev/ttyACM1
E: MAJOR=166
E: MINOR=1
N: ttyACM1
A: dev=166:1

P: /devices/platform/soc/5002400.i2c
E: SUBSYSTEM=platform

P: /devices/platform/soc/5002400.i2c/i2c-2/i2c-dev/i2c-2
E: SUBSYSTEM=i2c-dev
E: DEVNAME=/dev/i2c-2
E: MAJOR=89
E: MINOR=2
N: i2c-2
A: dev=89:2

P: /devices/platform/soc/7081400.i2c
E: SUBSYSTEM=platform

P: /devices/platform/soc/7081400.i2c/i2c-1/i2c-dev/i2c-1
E: SUBSYSTEM=i2c-dev
E: DEVNAME=/dev/i2c-1
E: MAJOR=89
E: MINOR=1
N: i2c-1
A: dev=89:1

P: /devices/platform/gpio/gpiochip0
E: SUBSYSTEM=gpio
E: DEVNAME=/dev/gpiochip0
E: MAJOR=254
E: MINOR=0
N: gpiochip0
A: dev=254:0

P: {USB}/1-2
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
A: idVendor=08bb
A: idProduct=2902

P: {USB}/1-2/1-2:1.0/sound/card1
E: SUBSYSTEM=sound
A: id=CODEC
"""
RADAR, MODEM = f"{USB}/1-1/1-1:1.0/tty/ttyACM0", f"{USB}/1-3/1-3:1.0/tty/ttyACM1"
HEADER = "/devices/platform/soc/5002400.i2c/i2c-2/i2c-dev/i2c-2"
PMIC = "/devices/platform/soc/7081400.i2c/i2c-1/i2c-dev/i2c-1"
# Device, words that udev must say of it, words that it must not.
EXPECTED = (
    (RADAR, ["LINK 'moorwatch-radar'", "ID_MM_PORT_IGNORE=1", "ID_MM_DEVICE_IGNORE=1", "MODE 0660"],
     []),
    (MODEM, ["ttyACM1"], ["LINK 'moorwatch", "ID_MM"]),
    (f"{USB}/1-1", ["ID_MM_DEVICE_IGNORE=1"], []),
    (f"{USB}/1-3", ["DEVTYPE=usb_device"], ["ID_MM"]),
    (HEADER, ["LINK 'moorwatch-i2c'", "GROUP 991", "MODE 0660"], []),
    (PMIC, ["GROUP 991"], ["LINK 'moorwatch"]),
    ("/devices/platform/gpio/gpiochip0", ["GROUP 990", "MODE 0660"], []),
    (f"{USB}/1-2/1-2:1.0/sound/card1", ["writing 'radar'"], []),
)
INSIDE = """set -e
mount --bind "$1/rules" /usr/lib/udev/rules.d
mount --bind "$1/group" /etc/group
mount -t tmpfs none /run
mkdir "$1/dev" 2>/dev/null || true
mount -t tmpfs none "$1/dev"
cp -a /dev/null /dev/urandom /dev/ptmx "$1/dev"
mkdir "$1/dev/pts"
mount --bind /dev/pts "$1/dev/pts"
mount --move "$1/dev" /dev
exec umockdev-run -d "$1/mock" -- udevadm test "/sys$2" """


class Rules(Case):
    def setUp(self):
        super().setUp()
        (self.dir / "rules").mkdir()
        for rule in RULES:
            shutil.copy(rule, self.dir / "rules")
        (self.dir / "mock").write_text(MOCK)
        lines = pathlib.Path("/etc/group").read_text().splitlines()
        lines = [line for line in lines if not line.startswith(("gpio:", "i2c:"))]
        (self.dir / "group").write_text("\n".join(lines + ["gpio:x:990:", "i2c:x:991:", ""]))

    @need("udevadm", "umockdev-run", "unshare")
    def test_rules_on_devices(self):
        if run("unshare", "-m", "sh", "-c", "mount -t tmpfs none /run").returncode:
            self.skipTest("no mount namespace for this user")
        for device, words, never in EXPECTED:
            done = run("unshare", "-m", "sh", "-c", INSIDE, "sh", self.dir, device)
            said = done.stdout + done.stderr
            self.assertEqual(0, done.returncode, said)
            self.assertNotRegex(said, r"rules:\d+ (Unknown|Invalid|Failed)", device)
            for word in words:
                self.assertIn(word, said, device)
            for word in never:
                self.assertNotIn(word, said, device)

    @need("udevadm")
    def test_rules_are_clean(self):
        if "verify" not in run("udevadm", "--help").stdout:
            self.skipTest("this udevadm has no verify")
        done = run("udevadm", "verify", "--resolve-names=never", *RULES)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
