#!/usr/bin/env python3
"""The daemons as they are installed: options, errors, a real TLS broker, host GPIO, a radar on a pty.

usage: daemon_test.py BIN_DIR SOURCE_DIR [PRELOADS_DIR] [test ...]
"""
import itertools
import json
import math
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(sys.argv[1]).resolve()
SOURCE = pathlib.Path(sys.argv[2]).resolve()
PRELOADS = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 and sys.argv[3] else None
COUNTER = PRELOADS and str(PRELOADS / "libmalloc_count.so")
SLOW_NAMES = PRELOADS and str(PRELOADS / "libslow_names.so")
WALL_CLOCK = PRELOADS and str(PRELOADS / "libwall_clock.so")
MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
PATIENCE_S = 20


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("waited too long for " + what)
        time.sleep(0.05)
    return result


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Place:
    """A directory with keys, a broker's configuration and daemons' configurations."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mw-daemon-"))
        self.port = free_port()
        self.children = []
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "9", "-subj",
                     "/CN=test ca")
        for name in ("broker", "collector", "hub-1", "kit-1"):
            self.make_key(name)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", "stranger.key", "-out", "stranger.crt", "-days", "9",
                     "-subj", "/CN=hub-1")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def make_key(self, name):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name,
                     "-addext", "subjectAltName=IP:127.0.0.1")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "8", "-copy_extensions", "copy", "-out",
                     name + ".crt")

    def path(self, name):
        return str(self.dir / name)

    def write(self, name, text):
        (self.dir / name).write_text(text)
        return self.path(name)

    def config(self, name, device, kit, broker="", more=""):
        broker = broker or f"certificate = {self.path(device + '.crt')}\n" \
                           f"key = {self.path(device + '.key')}\n"
        return self.write(name, f"""[unit]
device = {device}
state = {self.path('spool-' + device)}
boards = {SOURCE / 'boards'}
kit = {kit}
[gpio]
socket = {self.path(device + '.gpio')}
outputs = {self.path(device + '.out')}
[broker]
host = 127.0.0.1
port = {self.port}
ca = {self.path('ca.pem')}
collector_key = {self.path('collector.crt')}
backoff_max = 1 s
resend = 2 s
{broker}{more}""")

    def start(self, *argv, log=None, env=None):
        out = open(self.dir / log, "ab") if log else subprocess.DEVNULL
        child = subprocess.Popen([str(a) for a in argv], cwd=self.dir, stdout=out, stderr=out,
                                 env={**os.environ, **(env or {})})
        self.children.append(child)
        if log:
            out.close()
        return child

    def broker(self):
        self.write("broker.conf", f"""listener {self.port} 127.0.0.1
cafile {self.path('ca.pem')}
certfile {self.path('broker.crt')}
keyfile {self.path('broker.key')}
require_certificate true
use_identity_as_username true
tls_version tlsv1.3
allow_anonymous false
{'user root' if os.geteuid() == 0 else ''}
""")
        child = self.start(MOSQUITTO, "-c", self.path("broker.conf"), log="broker.log")

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for("the broker", listens)
        return child

    def subscriber(self, log="sub.log"):
        child = self.start("mosquitto_sub", "-h", "127.0.0.1", "-p", self.port, "--cafile",
                           "ca.pem", "--cert", "collector.crt", "--key", "collector.key", "-q",
                           "1", "-t", "mw/#", "-F", "%t %x", log=log)
        return child

    def messages(self, log="sub.log"):
        lines = (self.dir / log).read_text().split("\n") if (self.dir / log).exists() else []
        return [tuple(line.split(" ", 1)) for line in lines[:-1] if line.startswith("mw/")]

    def wire(self, device, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(text.encode(), self.path(device + ".gpio"))

    def outputs(self, device):
        lines = (self.dir / (device + ".out")).read_text().split("\n")
        return dict(line.split()[:2] for line in lines if line.strip())

    def log(self, name):
        return (self.dir / name).read_text() if (self.dir / name).exists() else ""

    def end(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        shutil.rmtree(self.dir)


def run(*argv):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=20)


def header(payload_hex):
    """The fields of a payload's header (WIRE.md 2) as protobuf has them on the line: sint64 are
    zigzag, so anchor_unix_ms (8) is doubled."""
    payload, at, fields = bytes.fromhex(payload_hex), 0, {}

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            at, byte = at + 1, payload[at]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    varint()
    end = varint() + at
    while at < end:
        key = varint()
        size = {0: 0, 1: 8, 2: 0}[key & 7]
        if key & 7 == 2:
            size = varint()
        fields[key >> 3] = varint() if key & 7 == 0 else payload[at:at + size]
        at += size
    return fields


class Case(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.end)

    def padlock(self, conf, log="hub.log", env=None):
        child = self.place.start(BIN / "padlock", "-c", conf, log=log, env=env)
        wait_for("the daemon's socket", (self.place.dir / "hub-1.gpio").exists)
        wait_for("the locks", lambda: "lock: 4: set" in self.place.log(log))
        return child

    def stop(self, child):
        child.send_signal(signal.SIGTERM)
        self.assertEqual(0, child.wait(PATIENCE_S))


class Options(Case):
    def test_defaults_are_a_configuration(self):
        for name in ("speedwatch", "padlock"):
            text = run(BIN / name, "--defaults").stdout
            for key, value in (("device", "d-1"), ("kit", "padlock-hub" if name == "padlock" else
                                                   "speedwatch-usb"), ("host", "localhost"),
                               ("id", "site-1"), ("limit", "30")):
                text = text.replace(f"\n;{key} =", f"\n{key} = {value}")
            text = text.replace("\nboards = ", f"\nboards = {SOURCE / 'boards'}\n; ")
            done = run(BIN / name, "-n", "-c", self.place.write("d.conf", text))
            self.assertEqual("configuration OK\n", done.stdout, done.stderr)

    def test_help_and_version(self):
        self.assertIn("--outputs-off", run(BIN / "padlock", "--help").stdout)
        self.assertRegex(run(BIN / "speedwatch", "--version").stdout, r"^speedwatch \d+\.\d+")
        self.assertEqual(2, run(BIN / "speedwatch", "--nonsense").returncode)

    def test_errors_name_file_line_key_and_what(self):
        cases = (
            ("limti = 30\n", "c.conf:{line}: limti: unknown key in [broker]"),
            ("port = 0\n", "c.conf:{line}: port: given twice"),
            ("window = 99\n", "c.conf:{line}: window: 99 is above 16"),
            ("[lock]\narm_delay = 30\n", "needs one of the units ms, s, min, h, d"),
            ("[lok]\nimpacts = 2\n", "unknown section [lok]"),
        )
        for more, error in cases:
            conf = self.place.config("c.conf", "hub-1", "padlock-hub", more=more)
            line = pathlib.Path(conf).read_text().split("\n").index(more.split("\n")[0]) + 1
            done = run(BIN / "padlock", "-n", "-c", conf)
            self.assertEqual(78, done.returncode)
            self.assertIn(error.format(line=line), done.stderr)
        conf = self.place.config("c.conf", "Hub", "padlock-hub")
        self.assertIn("device: \"Hub\": use a-z", run(BIN / "padlock", "-n", "-c", conf).stderr)
        done = run(BIN / "padlock", "-n", "-c", "/nonexistent.conf")
        self.assertIn("/nonexistent.conf: cannot be opened", done.stderr)

    def test_a_kit_that_does_not_fit(self):
        for kit, error in (("speedwatch-usb", "session-button: a padlock hub has no such input"),
                           ("nothing", "kits/nothing.ini: cannot be opened")):
            conf = self.place.config("c.conf", "hub-1", kit)
            done = run(BIN / "padlock", "-n", "-c", conf)
            self.assertEqual(78, done.returncode)
            self.assertIn(error, done.stderr)
        conf = self.place.config("c.conf", "hub-1", "padlock-hub")
        self.assertIn("shackle-1", run(BIN / "padlock", "--explain-board", "-c", conf).stdout)

    def on_board(self, board, kit="padlock-hub"):
        conf = self.place.config("c.conf", "hub-1", kit)
        text = pathlib.Path(conf).read_text().replace("kit =", f"board = {board}\nkit =")
        return self.place.write("b.conf", text)

    def test_explain_board(self):
        said = run(BIN / "padlock", "--explain-board", "-c", self.on_board("raspberrypi-4-b")).stdout
        for words in ("siren            off, held by a pull-down resistor on the kit, at most 15 min",
                      "dtparam=strict_gpiod", "RuntimeWatchdogSec at most 15 s",
                      "not checked: this machine"):
            self.assertIn(words, said)

    def test_a_board_by_the_device_tree(self):
        if pathlib.Path("/sys/firmware/devicetree/base/compatible").exists():
            self.skipTest("this machine has one")
        done = run(BIN / "padlock", "-n", "-c", self.on_board("auto"))
        self.assertEqual(78, done.returncode)
        self.assertIn("describes this machine (it has no device tree): name one", done.stderr)

    def test_every_kit_is_taken_on_every_board_it_claims(self):
        pairs = run(BIN / "boardlint", "--dir", SOURCE / "boards", "--pairs").stdout.splitlines()
        self.assertGreater(len(pairs), 40)
        for _, board, kit in (line.split("\t") for line in pairs):
            name = "speedwatch" if kit.startswith("speedwatch") else "padlock"
            conf = pathlib.Path(self.on_board(board, kit))
            if name == "speedwatch":
                conf.write_text(conf.read_text() + "[site]\nid = s-1\nlimit = 30\n")
            done = run(BIN / name, "-n", "-c", conf)
            self.assertEqual(("configuration OK\n", ""), (done.stdout, done.stderr), f"{board} {kit}")

    def test_keys_that_are_missing(self):
        conf = self.place.config("c.conf", "hub-1", "padlock-hub",
                                 broker="key = /nonexistent/key\ncertificate = x\n")
        done = run(BIN / "padlock", "-c", conf)
        self.assertEqual(78, done.returncode)
        self.assertIn("[broker] key: /nonexistent/key: no such thing", done.stderr)


class Degraded(Case):
    """A board or kit file that cannot be used: all goes on that needs no line."""

    def boards(self, broken):
        shutil.copytree(SOURCE / "boards", self.place.dir / "boards", dirs_exist_ok=True)
        host = self.place.dir / "boards/host.ini"
        text = (SOURCE / "boards/host.ini").read_text()
        host.write_text(text.replace("label = host\n", "") if broken else text)

    def conf(self, device, kit, more=""):
        conf = pathlib.Path(self.place.config("d.conf", device, kit, more="[spool]\nsync_age = 10 ms\n"
                                              "[health]\nheartbeat = 1 s\n" + more))
        conf.write_text(conf.read_text().replace(str(SOURCE / "boards"), self.place.path("boards")))
        return conf

    def spool(self, device):
        return run(BIN / "moorwatch", "spool", "--events", self.place.path("spool-" + device)).stdout

    def life(self, name, conf, device, log):
        """From READY through two heartbeats to SIGTERM; returns what waits in the spool."""
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.settimeout(PATIENCE_S)
        told.bind(self.place.path(log + ".notify"))
        child = self.place.start(BIN / name, "-c", conf, log=log,
                                 env={"NOTIFY_SOCKET": self.place.path(log + ".notify")})
        with told:
            while b"READY=1" not in told.recv(4096):
                pass
        time.sleep(2.5)
        self.assertIsNone(child.poll(), self.place.log(log))
        self.stop(child)
        return self.spool(device)

    def test_a_board_without_a_label_and_mended(self):
        for name, device, kit, more in (
                ("padlock", "hub-1", "padlock-hub", ""),
                ("speedwatch", "kit-1", "speedwatch-usb", "[site]\nid = s-1\nlimit = 30\n")):
            self.boards(broken=True)
            conf = self.conf(device, kit, more)
            self.assertEqual(78, run(BIN / name, "-n", "-c", conf).returncode)
            self.assertEqual(78, run(BIN / name, "--explain-board", "-c", conf).returncode)
            off = run(BIN / name, "--outputs-off", "-c", conf)
            self.assertEqual(1, off.returncode)
            self.assertIn("not made safe: ", off.stderr)
            waits = self.life(name, conf, device, name + "-broken.log")
            self.assertRegex(self.place.log(name + "-broken.log"), r"host.ini:?\d*: .*label")
            self.assertRegex(waits, r"fault inputs began \(-22\)")
            self.assertGreater(waits.count("health battery"), 1, waits)
            self.boards(broken=False)
            self.life(name, conf, device, name + "-mended.log")
            self.assertIn("fault cleared: inputs", self.place.log(name + "-mended.log"))

    def test_a_kit_that_is_another_daemons_or_not_there(self):
        self.boards(broken=False)
        for kit in ("speedwatch-usb", "nothing"):
            waits = self.life("padlock", self.conf("hub-1", kit), "hub-1", kit + ".log")
            self.assertRegex(waits, r"fault inputs began \(-22\)")

    def test_outputs_off_makes_safe_what_still_resolves(self):
        self.boards(broken=False)
        kit = self.place.dir / "boards/kits/padlock-hub.ini"
        text = kit.read_text()
        kit.write_text(text + "[in loop-9]\npin = 1\nactive = low\n"
                       "[out lamp-2]\npin = 2\nexternal_pull = down\n")
        off = run(BIN / "padlock", "--outputs-off", "-c", self.conf("hub-1", "padlock-hub"))
        self.assertEqual(1, off.returncode)
        self.assertRegex(off.stderr, "not made safe: .*lamp-2")
        self.assertNotRegex(off.stderr, "not made safe: .*(siren|loop-9)")
        self.assertEqual("0", self.place.outputs("hub-1")["siren"])


class Padlock(Case):
    def test_an_edge_becomes_a_signed_batch(self):
        self.place.broker()
        self.place.subscriber()
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        child = self.padlock(conf)
        wait_for("online", lambda: ("mw/1/hub-1/status", "online".encode().hex())
                 in self.place.messages())
        before = len([m for m in self.place.messages() if m[0].endswith("/a")])
        self.place.wire("hub-1", "loop-2 0")
        wait_for("the tamper at the broker", lambda: len(
            [m for m in self.place.messages() if m[0].endswith("/a")]) > before)
        self.assertEqual("1", self.place.outputs("hub-1")["siren"])
        self.assertIn("lock: 2: tamper", self.place.log("hub.log"))
        self.check_signature(self.place.messages()[-1][1])
        self.stop(child)
        self.assertEqual("0", self.place.outputs("hub-1")["siren"])
        wait_for("offline", lambda: self.place.messages()[-1][1] == "offline".encode().hex())

    def check_signature(self, payload_hex):
        """WIRE.md 2: the envelope ends with 7a 40, r, s over all before: by openssl, not by us."""
        payload = bytes.fromhex(payload_hex)
        self.assertEqual(b"\x7a\x40", payload[-66:-64])
        signed, r, s = payload[:-66], payload[-64:-32], payload[-32:]

        def integer(b):
            b = b.lstrip(b"\0") or b"\0"
            b = b"\0" + b if b[0] & 0x80 else b
            return b"\x02" + bytes([len(b)]) + b
        der = integer(r) + integer(s)
        (self.place.dir / "sig").write_bytes(b"\x30" + bytes([len(der)]) + der)
        (self.place.dir / "signed").write_bytes(signed)
        self.place.openssl("x509", "-in", "hub-1.crt", "-pubkey", "-noout", "-out", "hub-1.pub")
        self.place.openssl("dgst", "-sha256", "-verify", "hub-1.pub", "-signature", "sig",
                           "signed")

    def test_killed_and_restarted_it_sends_again(self):
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        child = self.padlock(conf)  # no broker: the siren works, the event waits
        self.place.wire("hub-1", "impact-3 pulse 20")
        time.sleep(0.4)
        self.place.wire("hub-1", "impact-3 pulse 20")
        wait_for("the alarm", lambda: "lock: 3: alarm" in self.place.log("hub.log"))
        self.assertEqual("1", self.place.outputs("hub-1")["siren"])
        wait_for("a word about the broker",
                 lambda: "no connection to 127.0.0.1" in self.place.log("hub.log"))
        child.kill()
        child.wait()
        off = run(BIN / "padlock", "--outputs-off", "-c", conf)
        self.assertEqual(0, off.returncode, off.stderr)
        self.assertEqual("0", self.place.outputs("hub-1")["siren"])
        self.place.broker()
        self.place.subscriber()
        (self.place.dir / "hub-1.gpio").unlink()
        child = self.padlock(conf, log="again.log")
        sent = wait_for("the batches of the first life", lambda: [
            m for m in self.place.messages() if m[0].endswith("/a")])
        # Not acknowledged by any collector: after `resend` the same bytes come once more.
        wait_for("the same batch again", lambda: [
            m for m in self.place.messages()].count(sent[0]) >= 2)
        self.stop(child)

    def test_what_a_kill_in_an_alarm_leaves_is_ended(self):
        kit = (SOURCE / "boards/kits/padlock-hub.ini").read_text()
        opened = re.sub(r"(\[in shackle-2\][^[]*rest = )on", r"\1off", kit)
        self.assertNotEqual(kit, opened)
        first, then = self.place.write("first.ini", kit), self.place.write("then.ini", opened)
        quiet = "[lock]\nquiet = 1 s\nchirp = 0 s\n"
        child = self.padlock(self.place.config("hub.conf", "hub-1", first, more=quiet))
        self.place.wire("hub-1", "loop-1 0")
        wait_for("the siren", lambda: "lock: 1: siren on" in self.place.log("hub.log"))
        kept = self.place.dir / "spool-hub-1" / "unit.lock-1"
        wait_for("its state", lambda: kept.exists() and int(kept.read_text()) & 0x200)
        child.kill()
        child.wait()
        (self.place.dir / "hub-1.gpio").unlink()
        # Meanwhile loop 1 was mended, and lock 2 forced.
        child = self.padlock(self.place.config("hub.conf", "hub-1", then, more=quiet), "again.log")
        wait_for("the end", lambda: "lock: 1: restored" in self.place.log("again.log"))
        told = re.findall(r"lock: ([12]: .*)", self.place.log("again.log"))
        self.assertEqual(["1: siren off", "1: set", "2: opened", "2: alarm", "2: siren on",
                          "1: restored"], told)
        self.assertEqual("1", self.place.outputs("hub-1")["siren"])
        wait_for("its state again", lambda: int(kept.read_text()) & 0xFF == 0)
        before = kept.stat().st_mtime_ns
        self.place.wire("hub-1", "impact-1 pulse 20")
        wait_for("a knock", lambda: "lock: 1: pre-alarm" in self.place.log("again.log"))
        time.sleep(0.3)
        self.assertEqual(before, kept.stat().st_mtime_ns)  # written only when it changes
        self.stop(child)

    def test_it_says_things_once(self):
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        child = self.padlock(conf)
        time.sleep(5)
        self.assertEqual(1, self.place.log("hub.log").count("no connection to"))
        self.stop(child)

    def test_a_strangers_certificate_is_refused_and_it_goes_on(self):
        self.place.broker()
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub", broker=
                                 f"certificate = {self.place.path('stranger.crt')}\n"
                                 f"key = {self.place.path('stranger.key')}\n")
        child = self.padlock(conf)
        wait_for("a word about it", lambda: "warning: link: no connection"
                 in self.place.log("hub.log"))
        self.place.wire("hub-1", "loop-1 0")
        wait_for("the siren", lambda: self.place.outputs("hub-1")["siren"] == "1")
        self.stop(child)

    def test_certificates_that_cannot_be_meant(self):
        for key, words in (("hub-1.key", "not the two halves of one P-256 key"),
                           ("kit-1.key", "bears another name than [unit] device")):
            conf = self.place.config("hub.conf", "hub-1", "padlock-hub", broker=
                                     f"certificate = {self.place.path('kit-1.crt')}\n"
                                     f"key = {self.place.path(key)}\n")
            child = self.padlock(conf, log=key + ".log")
            wait_for("a word about it", lambda: words in self.place.log(key + ".log"))
            self.stop(child)
            shutil.rmtree(self.place.dir / "spool-hub-1")

    def test_a_board_that_is_not_this_one(self):
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        text = pathlib.Path(conf).read_text().replace("kit =", "board = raspberrypi-5\nkit =")
        conf = self.place.write("pi.conf", text)
        child = self.place.start(BIN / "padlock", "-c", conf, log="pi.log")
        wait_for("a word about the chip", lambda: "no GPIO chip labelled \"pinctrl-rp1\""
                 in self.place.log("pi.log"))
        wait_for("the fault", lambda: "fault: inputs" in self.place.log("pi.log"))
        self.stop(child)

    def test_a_full_disk_and_its_return(self):
        disk = self.place.dir / "spool-hub-1"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", disk],
                          capture_output=True).returncode:
            self.skipTest("a small disk cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        (disk / "ballast").write_bytes(bytes(400 << 10))
        try:
            with open(disk / "rest", "wb", buffering=0) as rest:
                while rest.write(bytes(4096)):
                    pass
        except OSError:
            pass
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        child = self.padlock(conf)
        wait_for("a word about the disk", lambda: "no space left" in self.place.log("hub.log"))
        self.place.wire("hub-1", "loop-1 0")
        wait_for("the siren", lambda: self.place.outputs("hub-1")["siren"] == "1")
        self.assertEqual("1", self.place.outputs("hub-1")["lamp-fault"])
        (disk / "ballast").unlink()
        (disk / "rest").unlink()
        wait_for("writing again", lambda: "again" in self.place.log("hub.log"))
        self.place.broker()
        self.place.subscriber()
        wait_for("what was held in memory", lambda: [
            m for m in self.place.messages() if m[0].endswith("/a")])
        self.stop(child)

    @unittest.skipUnless(WALL_CLOCK, "no preload library in this build (sanitizers)")
    def test_a_clock_at_1970(self):
        shift = self.place.dir / "shift"
        shift.write_bytes(struct.pack("<q", 5 - int(time.time())))
        clock = {"LD_PRELOAD": WALL_CLOCK, "WALL_CLOCK": str(shift)}
        self.place.broker()
        self.place.subscriber()
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        child = self.padlock(conf, env=clock)
        wait_for("a word about the clock", lambda: "1970-01-01T00:00:"
                 in self.place.log("hub.log") and "the clock is not set" in
                 self.place.log("hub.log"))
        # No certificate is valid in 1970: no link, but the lock guards and records.
        wait_for("a word about the link", lambda: "this device's clock is wrong"
                 in self.place.log("hub.log"))
        self.place.wire("hub-1", "loop-2 0")
        wait_for("the siren", lambda: self.place.outputs("hub-1")["siren"] == "1")
        shift.write_bytes(struct.pack("<q", 0))  # the network has told the time

        def headers(class_letter):
            return [header(m[1]) for m in self.place.messages()
                    if m[0] == "mw/1/hub-1/" + class_letter]
        # The first batch was sealed in 1970 and says so; the boot's anchor follows when it can.
        first = wait_for("what was recorded in 1970", lambda: headers("a"))[0]
        self.assertNotIn(9, first)
        self.assertLess(first[8], 2 * 3600000)
        self.stop(child)
        child = self.padlock(conf, log="again.log", env=clock)
        later = wait_for("a better anchor", lambda: [
            h for h in headers("t") + headers("a") if h.get(9, 0) > 0])[0]
        self.assertEqual(first[6], later[6])  # of the same boot: the collector places the first by it
        self.assertLess(abs(later[8] / 2000 - time.time()), 3600)
        self.stop(child)

    def test_two_daemons_do_not_share_a_spool(self):
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        first = self.padlock(conf)
        second = self.place.start(BIN / "padlock", "-c", conf, log="second.log")
        wait_for("a word about the directory", lambda: "in use by another"
                 in self.place.log("second.log"))
        self.stop(second)
        self.stop(first)

    def test_the_watchdog_is_fed_and_readiness_told(self):
        notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notes.bind(self.place.path("notify"))
        notes.settimeout(PATIENCE_S)
        self.addCleanup(notes.close)
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub")
        child = self.padlock(conf, env={"NOTIFY_SOCKET": self.place.path("notify"),
                                        "WATCHDOG_USEC": "600000"})
        heard = ""
        while not all(w in heard for w in ("READY=1", "STATUS=not connected", "WATCHDOG=1")):
            heard += notes.recv(512).decode() + "\n"
        os.kill(child.pid, signal.SIGSTOP)  # a hung loop is not fed by anybody else
        time.sleep(0.7)
        notes.setblocking(False)
        try:
            while True:
                notes.recv(512)
        except BlockingIOError:
            pass
        time.sleep(0.7)
        self.assertRaises(BlockingIOError, notes.recv, 512)
        os.kill(child.pid, signal.SIGCONT)
        notes.setblocking(True)
        self.stop(child)
        while "STOPPING=1" not in heard:
            heard += notes.recv(512).decode() + "\n"

    @unittest.skipUnless(COUNTER, "no preload library in this build (sanitizers)")
    def test_no_memory_is_taken_after_the_start(self):
        counts = self.place.dir / "counts"
        counts.write_bytes(bytes(32))
        conf = self.place.config("hub.conf", "hub-1", "padlock-hub",
                                 more="[health]\nheartbeat = 1 s\n[spool]\ntelemetry_age = 1 s\n")
        self.place.broker()
        child = self.padlock(conf, env={"LD_PRELOAD": COUNTER, "MALLOC_COUNT": str(counts)})
        wait_for("the link", lambda: "link: connected" in self.place.log("hub.log"))
        time.sleep(2)
        ours = struct.unpack("<4Q", counts.read_bytes())[:3]
        self.assertGreater(sum(ours), 0)  # the counter counts
        for i in range(20):
            self.place.wire("hub-1", f"loop-{i % 4 + 1} {i % 2}\nimpact-1 pulse 5")
            time.sleep(0.2)
        self.assertEqual(ours, struct.unpack("<4Q", counts.read_bytes())[:3])
        self.stop(child)


class Stalled(Case):
    """What the network does is the link's worry alone."""

    def guards_all_the_same(self, env, first_s):
        """After first_s each edge is acted upon within a second; the watchdog is fed throughout."""
        notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notes.bind(self.place.path("notify"))
        notes.settimeout(1)
        self.addCleanup(notes.close)
        child = self.padlock(self.place.config("hub.conf", "hub-1", "padlock-hub"),
                             env={**env, "NOTIFY_SOCKET": self.place.path("notify"),
                                  "WATCHDOG_USEC": "1000000"})
        for lock in range(1, 5):
            until = time.monotonic() + (first_s if lock == 1 else 1.2)
            while time.monotonic() < until:
                notes.recv(512)  # fails after a second without a word
            cut = time.monotonic()
            self.place.wire("hub-1", f"loop-{lock} 0")
            wait_for("the alarm", lambda: f"lock: {lock}: tamper" in self.place.log("hub.log")
                     and self.place.outputs("hub-1")["siren"] == "1")
            self.assertLess(time.monotonic() - cut, 1)
        stopping = time.monotonic()
        self.stop(child)
        self.assertLess(time.monotonic() - stopping, 8)

    def test_a_broker_that_says_nothing_delays_nothing(self):
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", self.place.port))
            mute.listen(8)
            self.guards_all_the_same({}, 1)

    # The attempt is given up after 25 s, and what it left behind still hangs.
    @unittest.skipUnless(SLOW_NAMES, "no preload library in this build (sanitizers)")
    def test_a_name_server_that_does_not_answer_delays_nothing(self):
        self.guards_all_the_same({"LD_PRELOAD": SLOW_NAMES, "SLOW_NAMES_MS": "60000"}, 23.5)
        self.assertIn("no name server does", self.place.log("hub.log"))


class Kit(Case):
    def config(self, radar, more=""):
        return self.place.config("kit.conf", "kit-1", "speedwatch-usb", more=f"""
[site]
id = great-ayton-1
limit = 30
[spool]
batch_age = 500 ms
[radar]
device = {radar}
{more}""")


class Speedwatch(Kit):
    def test_a_sensor_that_is_not_there_is_a_fault_told_once(self):
        conf = self.config(self.place.path("no-radar"))
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("the fault", lambda: "fault: " in self.place.log("kit.log"))
        wait_for("the lamp", lambda: self.place.outputs("kit-1")["lamp-fault"] == "1")
        time.sleep(3)
        self.assertEqual(1, self.place.log("kit.log").count("fault: "))
        self.stop(child)

    def kitsim(self, radar):
        data = SOURCE / "tools/kitsim/data"
        child = self.place.start(
            BIN / "kitsim", "play", "--speeds", data / "speeds.csv", "--hours", data / "hours.csv",
            "--seed", "5", "--kit", f"name=kit-1,radar={radar},wires={self.place.path('kit-1.gpio')},"
            "per-day=20000,flow-scale=4,session=600,rest=5", log="sim.log")
        wait_for("the simulated radar", pathlib.Path(radar).is_symlink)
        return child

    def test_a_radar_line_becomes_a_signed_batch(self):
        self.place.broker()
        self.place.subscriber()
        counts = self.place.dir / "counts"
        counts.write_bytes(bytes(32))
        radar = self.place.path("radar")
        sim = self.kitsim(radar)
        conf = self.config(radar, more=f"rawlog = {self.place.path('raw.log')}\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log",
                                 env={"LD_PRELOAD": COUNTER, "MALLOC_COUNT": str(counts)}
                                 if COUNTER else None)
        wait_for("the sensor", lambda: "radar: OPS243" in self.place.log("kit.log"))
        wait_for("the session", lambda: "session 1 at great-ayton-1: started"
                 in self.place.log("kit.log"))

        def passages():
            return [m for m in self.place.messages() if m[0] == "mw/1/kit-1/e"]
        wait_for("the first passages", lambda: len(passages()) >= 2)
        ours = struct.unpack("<4Q", counts.read_bytes())[:3]
        wait_for("more passages", lambda: len(passages()) >= 5)
        self.assertEqual(ours, struct.unpack("<4Q", counts.read_bytes())[:3])
        (self.place.dir / "b.mwb").write_bytes(b"".join(
            struct.pack("<I", len(m[1]) // 2) + bytes.fromhex(m[1]) for m in passages()))
        with open(self.place.dir / "b.mwb", "rb") as batches:
            rows = subprocess.run([BIN / "moorwatch", "decode"], capture_output=True, text=True,
                                  stdin=batches).stdout.splitlines()
        self.assertGreaterEqual(len(rows), 2, rows)  # the head and a vehicle at least
        sim.terminate()
        sim.wait()
        wait_for("the unplugged sensor", lambda: "fault: radar silent"
                 in self.place.log("kit.log"))
        self.stop(child)
        self.assertIn("session 1 at great-ayton-1: stopped", self.place.log("kit.log"))

    def test_a_fixed_unit_begins_by_itself(self):
        conf = self.config(self.place.path("no-radar"), more="[session]\nautostart = yes\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("a session", lambda: "session 1 at great-ayton-1: started"
                 in self.place.log("kit.log"))
        self.stop(child)
        self.assertIn("session 1 at great-ayton-1: stopped", self.place.log("kit.log"))

    def test_the_button_and_restarts(self):
        conf = self.config(self.place.path("no-radar"))
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("the socket", (self.place.dir / "kit-1.gpio").exists)
        self.place.wire("kit-1", "session-button pulse 120")
        wait_for("a session", lambda: "session 1 at great-ayton-1: started"
                 in self.place.log("kit.log"))
        child.kill()
        child.wait()
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("its end", lambda: "session 1 at great-ayton-1: stopped"
                 in self.place.log("kit.log"))
        wait_for("the counting to go on", lambda: "session 2 at great-ayton-1: started"
                 in self.place.log("kit.log"))
        child.kill()
        child.wait()
        boot = self.place.dir / "spool-kit-1/unit.session-boot"
        boot.write_text("%d\n" % (int(boot.read_text()) ^ 1))  # as after a reboot
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("its end", lambda: "session 2 at great-ayton-1: stopped"
                 in self.place.log("kit.log"))
        time.sleep(1)
        self.assertNotIn("session 3 ", self.place.log("kit.log"))
        self.place.wire("kit-1", "session-button pulse 120")
        wait_for("the next number", lambda: "session 3 at great-ayton-1: started"
                 in self.place.log("kit.log"))
        self.stop(child)
        self.assertIn("session 3 at great-ayton-1: stopped", self.place.log("kit.log"))
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        time.sleep(1)
        self.stop(child)  # what was ended in order stays ended
        self.assertNotIn("session 4 ", self.place.log("kit.log"))


class Radar(Kit):
    def passages_kept(self):
        """(t_ms, direction, speed) of what waits in the spool."""
        spool = subprocess.run([BIN / "moorwatch", "spool", "--events", "--json",
                                self.place.path("spool-kit-1")], capture_output=True, check=True)
        words = [(e["t_ms"], e["words"].split()) for s in json.loads(spool.stdout)["spools"]
                 for p in s["pending"] for e in p.get("events", [p])]
        return sorted((str(t), w[1], w[2]) for t, w in words if w[0] == "passage")

    @staticmethod
    def traffic():
        """A car each way every three seconds: 30 and 35 mph, lanes 4 and 7 m away."""
        begin = time.monotonic()
        while True:
            t, seen = time.monotonic() - begin, []
            for sign, v, lane in ((1, 13.4, 4), (-1, 15.6, 7)):
                for k in range(int(t / 3) - 1, int(t / 3) + 1):
                    s = t - 3 * k
                    x = 50 - v * s if sign > 0 else 10 + v * s
                    r = math.hypot(x, lane)
                    if 10 < x < 50 and k >= 0:
                        seen.append((600 * 400 / r ** 2, sign * v * x / r))
            seen.sort(reverse=True)
            yield ('{"magnitude":[%s], "speed":[%s]}\r\n' % (
                ", ".join("%.2f" % m for m, _ in seen),
                ", ".join("%.2f" % v for _, v in seen)) if seen else '{"speed":"0.0"}\r\n').encode()

    def test_a_raw_log_replays_to_the_same_passages(self):
        device = self.sensor(self.traffic())
        raw = self.place.path("raw.log")
        conf = self.config(device, more=f"rawlog = {raw}\nrawlog_limit = 1\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("the sensor", lambda: "up to 62133 mm/s" in self.place.log("kit.log"))
        time.sleep(1)  # cars that nobody records, and some cut by each press
        self.place.wire("kit-1", "session-button pulse 120")
        time.sleep(8.2)
        self.place.wire("kit-1", "session-button pulse 120")
        wait_for("the end of the session", lambda: "session 1 at great-ayton-1: stopped"
                 in self.place.log("kit.log"))
        self.stop(child)
        told = self.passages_kept()
        replayed = subprocess.run([BIN / "moorwatch", "passages", raw], capture_output=True,
                                  check=True).stdout.decode().splitlines()
        self.assertGreaterEqual(len(told), 5)
        self.assertEqual(told, sorted(tuple(row.split(",")[:3]) for row in replayed[1:]))
        kept = pathlib.Path(raw).read_text()
        self.assertTrue(kept.startswith("#rawlog 1 begin 20"), kept[:80])
        for note in ("\n#idle ", "\n#session 1 at=", "\n#session 0 at=", "\n#max-speed 62133\n"):
            self.assertIn(note, kept)

    def test_a_modem_is_no_radar(self):
        self.place.broker()
        self.place.subscriber()
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        os.set_blocking(master, False)
        child = self.place.start(BIN / "speedwatch", "-c", self.config(os.ttyname(slave)),
                                 log="kit.log")

        def answers():
            try:
                if b"??" in os.read(master, 256):
                    os.write(master, b"\r\nERROR\r\n")
            except BlockingIOError:
                pass
            return "answers like a modem or a receiver" in self.place.log("kit.log")
        wait_for("what is wrong", answers)
        self.assertIn("fault: ", self.place.log("kit.log"))
        wait_for("the fault at the collector's broker",
                 lambda: any(m[0] == "mw/1/kit-1/a" for m in self.place.messages()))
        self.stop(child)

    def sensor(self, reports):
        """A sensor that takes every setting, and tells these while it measures."""
        master, slave = os.openpty()
        self.addCleanup(os.close, slave)
        os.set_blocking(master, False)
        told = (b'{"SamplingRate":20000, "resolution":0.1214}\r\n{"Units":"m-per-sec"}\r\n'
                b'{"SampleSize":1024}\r\n')

        over = threading.Event()

        def play():
            measuring = False
            while not over.is_set():
                try:
                    words = os.read(master, 256)
                except BlockingIOError:
                    words = b""
                if b"??" in words:
                    os.write(master, told)
                measuring = measuring or b"PA" in words
                if measuring:
                    os.write(master, next(reports))
                time.sleep(0.05)
        player = threading.Thread(target=play)

        def unplug():
            over.set()
            player.join()
            os.close(master)
        self.addCleanup(unplug)
        player.start()
        return os.ttyname(slave)

    def test_a_fork_of_either_sign_passes_and_another_note_does_not(self):
        speeds = [b"6.37", b"-6.37", b"6.31", b"-6.37"]

        def reports():
            for i in itertools.count():
                yield (b'{"magnitude":[310, 41], "speed":[%s, -13.35]}\r\n'
                       % speeds[i % len(speeds)])
        conf = self.config(self.sensor(reports()),
                           more="[session]\ncheck = 1 s\ncheck_fork = 1024 Hz\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("the sensor", lambda: "up to 62133 mm/s" in self.place.log("kit.log"))
        self.place.wire("kit-1", "check-button pulse 120")
        wait_for("its outcome", lambda: ": check passed" in self.place.log("kit.log"))
        speeds[:] = [b"6.43", b"-6.43"]
        time.sleep(0.2)
        self.place.wire("kit-1", "check-button pulse 120")
        wait_for("its outcome", lambda: ": check NOT passed" in self.place.log("kit.log"))
        self.stop(child)
        log = self.place.log("kit.log")
        self.assertRegex(log, r"passed \(6\.362 m/s within 31 mm/s expected; 6\.3[456]\d m/s over [12]\d")
        self.assertRegex(log, r"NOT passed \(6\.362 m/s within 31 mm/s expected; 6\.430 m/s over [12]\d")

    def test_a_baud_rate_that_the_sensor_has_not(self):
        conf = self.config("/dev/null", more="baud = 38400\n")
        done = subprocess.run([BIN / "speedwatch", "-n", "-c", conf], capture_output=True, text=True)
        self.assertEqual(78, done.returncode, done.stdout)
        self.assertIn("9600, 19200, 57600, 115200 or 230400", done.stderr)

    def test_a_fork_must_be_one(self):
        conf = self.config("/dev/null", more="[session]\ncheck_fork = A flat\n")
        done = subprocess.run([BIN / "speedwatch", "-n", "-c", conf], capture_output=True, text=True)
        self.assertEqual(78, done.returncode)
        self.assertIn("350 Hz to 9000 Hz", done.stderr)

    def test_garbage_is_a_fault(self):
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        child = self.place.start(BIN / "speedwatch", "-c", self.config(os.ttyname(slave)),
                                 log="kit.log")

        def garbage():
            os.write(master, b"\xf8\x00\x9c\xe0" * 8)
            return "fault: radar not understood" in self.place.log("kit.log")
        wait_for("the fault", garbage)
        self.stop(child)

    def test_a_check_that_hears_nothing_is_not_passed(self):
        conf = self.config(self.place.path("no-radar"), more="[session]\ncheck = 1 s\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("the socket", (self.place.dir / "kit-1.gpio").exists)
        self.place.wire("kit-1", "check-button pulse 120")
        wait_for("its outcome", lambda: "at great-ayton-1: check NOT passed"
                 in self.place.log("kit.log"))
        self.stop(child)


if __name__ == "__main__":
    if MOSQUITTO is None:
        print("skipped: no mosquitto on this machine")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
