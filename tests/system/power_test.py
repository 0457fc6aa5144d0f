#!/usr/bin/env python3
"""The daemons and what keeps them going: battery gauge, satellites, clock, supply, disk, watchdog.

usage: power_test.py BIN_DIR SOURCE_DIR [PRELOADS_DIR] [test ...]

The gauge is a simulated register file, the receiver a pseudo-terminal in front of a real gpsd, the
service manager a socket; the daemons are the real ones, without a broker.  Seconds, not days: what
takes days is tests/core/battery_test.c.
"""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon_test import BIN, Case, PRELOADS, SOURCE, WALL_CLOCK, free_port, wait_for  # noqa: E402

GPSD = shutil.which("gpsd", path=os.environ.get("PATH", "") + ":/usr/sbin")
GPSFAKE = GPSD and shutil.which("gpsfake")
PATIENCE_S = 20
GAUGE_KIT = """
[battery]
driver = ina219
address = 0x40
shunt_mohm = 10
capacity_mah = 20000
"""


class Power(Case):
    def kit(self, base, more):
        """The kit `base` with more on it."""
        text = (SOURCE / "boards/kits" / (base + ".ini")).read_text()
        return self.place.write("kit.ini", text + more)

    def spool(self, device):
        """Everything that waits, as `moorwatch spool` words it."""
        out = subprocess.run([BIN / "moorwatch", "spool", "--events",
                              self.place.path("spool-" + device)], capture_output=True, text=True)
        return out.stdout

    def bus(self, words):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(words.encode(), self.place.path("bus"))

    def hub(self, more="", health="", kit=GAUGE_KIT, env=None):
        conf = self.place.config("hub.conf", "hub-1", self.kit("padlock-hub", kit),
                                 more=f"[spool]\ntelemetry_age = 1 s\n[health]\nheartbeat = 1 s\n"
                                      f"battery_bus = {self.place.path('bus')}\n{health}{more}")
        child = self.place.start(BIN / "padlock", "-c", conf, log="hub.log", env=env)
        wait_for("the daemon's socket", (self.place.dir / "hub-1.gpio").exists)
        return child

    def said(self, words, log="hub.log"):
        wait_for(f"'{words}'", lambda: words in self.place.log(log))


class Battery(Power):
    def test_the_gauge_is_read_and_kept(self):
        child = self.hub()
        wait_for("the bus", (self.place.dir / "bus").exists)
        self.bus("0x40 word 2 26402\n0x40 word 1 43")  # 13.2 V, 43 mA
        wait_for("a heartbeat with it", lambda: "battery 13200 mV 43 mA" in self.spool("hub-1"))
        self.stop(child)
        kept = (self.place.dir / "spool-hub-1/unit.battery").read_text()
        self.assertEqual(["1", "0", "4", "20000", "1"], kept.split()[3:8])
        child = self.hub()  # the bus is empty again: nothing is measured, what was kept stays
        self.said("padlock")
        self.stop(child)
        again = (self.place.dir / "spool-hub-1/unit.battery").read_text()
        self.assertEqual(kept.split()[3:9], again.split()[3:9])
        self.assertNotIn("measured anew", self.place.log("hub.log"))

    def test_a_silent_gauge_is_a_fault_and_the_rest_goes_on(self):
        conf = self.place.config("hub.conf", "hub-1", self.kit("padlock-hub", GAUGE_KIT),
                                 more="[health]\nheartbeat = 1 s\n"
                                      "battery_bus = /dev/moorwatch-no-bus\n")
        child = self.place.start(BIN / "padlock", "-c", conf, log="mute.log")
        wait_for("the word", lambda: "gauge 0x40 on /dev/moorwatch-no-bus: no such thing"
                 in self.place.log("mute.log"))
        wait_for("the fault", lambda: "fault: sensor silent" in self.place.log("mute.log"))
        self.place.wire("hub-1", "loop-1 0")
        wait_for("the alarm all the same", lambda: "lock 1 " in self.spool("hub-1"))
        self.assertIn("(64)", self.spool("hub-1"))  # its address
        self.stop(child)

    def test_a_bus_that_hangs_holds_up_nothing(self):
        """The kernel's driver does not come back for ten seconds: a siren cannot wait for that."""
        child = self.hub()
        wait_for("the bus", (self.place.dir / "bus").exists)
        self.bus("0x40 stuck 10000")
        self.said("lock: 4: set")
        time.sleep(1.5)  # it is in there now
        begin = time.monotonic()
        self.place.wire("hub-1", "loop-2 0")
        self.said("lock: 2: tamper")
        self.assertLess(time.monotonic() - begin, 2)
        self.said("gauge 0x40")
        self.said("fault: sensor silent")
        self.assertLess(time.monotonic() - begin, 5)
        begin = time.monotonic()
        self.stop(child)
        self.assertLess(time.monotonic() - begin, 5)

    def test_a_gauge_on_another_battery(self):
        child = self.hub()
        wait_for("the bus", (self.place.dir / "bus").exists)
        self.bus("0x40 word 2 52402")  # 26.2 V: eight cells, not four
        self.said("26200 mV is no voltage of")
        self.said("fault: sensor silent")
        self.stop(child)

    def test_low_supply_and_disk_are_told(self):
        power = self.place.write("power", "0\n")
        child = self.hub(health=f"power_file = {power}\ndisk_low = 0\n", kit="")
        self.said("padlock")
        self.place.write("power", "50005\n")
        self.said("fault: supply weak")
        self.place.write("power", "50000\n")
        self.said("fault cleared: supply weak")
        self.assertIn("began (85)", self.spool("hub-1"))
        self.stop(child)
        free = shutil.disk_usage(self.place.dir).free >> 20
        if free < 65000:
            child = self.hub(health=f"disk_low = {free + 500}\n", kit="")
            self.said("fault: disk nearly full")
            self.stop(child)

    def test_a_weak_supply_does_not_hide_that_it_records(self):
        radar = self.place.path("radar")
        data = SOURCE / "tools/kitsim/data"
        self.place.start(
            BIN / "kitsim", "play", "--speeds", data / "speeds.csv", "--hours", data / "hours.csv",
            "--kit", f"name=kit-1,radar={radar},wires={self.place.path('kit-1.gpio')},"
            "per-day=2000,session=600,rest=5", log="sim.log")
        wait_for("the simulated radar", pathlib.Path(radar).is_symlink)
        power = self.place.write("power", "50005\n")
        conf = self.place.config("unit.conf", "kit-1", "speedwatch-usb",
                                 more=f"[site]\nid = great-ayton-1\nlimit = 30\n[radar]\ndevice = "
                                      f"{radar}\n[health]\nheartbeat = 1 s\npower_file = {power}\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        for words in ("fault: supply weak", "radar: OPS243", "session 1 at great-ayton-1: started"):
            self.said(words, "kit.log")
        wait_for("the lamp", lambda: self.place.outputs("kit-1")["lamp-recording"] == "1")
        self.assertEqual("0", self.place.outputs("kit-1")["lamp-fault"])
        self.stop(child)

    @unittest.skipIf(WALL_CLOCK is None or not os.path.exists(WALL_CLOCK),
                     "sanitizers do not go with preloading")
    def test_a_clock_that_jumps(self):
        shift = self.place.dir / "shift"
        shift.write_bytes(struct.pack("<q", 5))
        child = self.hub(env={"LD_PRELOAD": WALL_CLOCK, "WALL_CLOCK": str(shift)}, kit="")
        self.said("padlock")
        wait_for("a heartbeat", lambda: "health" in self.spool("hub-1"))
        with open(shift, "r+b") as f:
            f.write(struct.pack("<q", 3605))
        self.said("fault: clock stepped")
        self.said("fault cleared: clock stepped")
        line = [x for x in self.spool("hub-1").split("\n") if "clock stepped began" in x][0]
        self.assertTrue(abs(int(line.split("(")[1].split(")")[0]) - 3600000) < 1000, line)
        anchors = [int(x.split("anchor ")[1].split()[0]) for x in self.spool("hub-1").split("\n")
                   if "anchor " in x]
        self.assertGreaterEqual(len(anchors), 2)  # one before, one after
        self.assertGreater(anchors[-1] - anchors[0], 3599000)
        self.stop(child)


def nmea(body):
    check = 0
    for c in body:
        check ^= ord(c)
    return f"${body}*{check:02X}\r\n".encode()


def degrees(value, width):
    whole = int(abs(value))
    return f"{whole:0{width}d}{(abs(value) - whole) * 60:09.6f}"


class Receiver:
    """A GNSS receiver at the end of a pseudo-terminal, and the gpsd that listens to it."""

    def __init__(self, place):
        self.master, slave = os.openpty()
        subprocess.run(["stty", "raw", "-echo"], stdin=slave, check=True)
        self.name = os.ttyname(slave)
        os.chmod(self.name, 0o666)  # gpsd drops root
        self.place, self.port = place, free_port()
        self.latitude, self.longitude, self.quality, self.on = 54.505, -1.107, 1, True
        self.start()
        for work in (self.feed, self.drain):
            threading.Thread(target=work, daemon=True).start()

    def start(self):
        self.gpsd = self.place.start(GPSD, "-N", "-n", "-s", "9600", "-S", self.port, self.name,
                                     log="gpsd.log")

    def drain(self):
        try:
            while os.read(self.master, 4096):
                pass
        except OSError:
            return

    def feed(self):
        while self.on:
            now = time.time()
            at = time.strftime("%H%M%S", time.gmtime(now)) + ".00"
            day = time.strftime("%d%m%y", time.gmtime(now))
            where = (f"{degrees(self.latitude, 2)},{'NS'[self.latitude < 0]},"
                     f"{degrees(self.longitude, 3)},{'EW'[self.longitude < 0]}")
            good = "AV"[self.quality == 0]
            text = (nmea(f"GPGGA,{at},{where},{self.quality},09,0.9,150.0,M,47.0,M,,") +
                    nmea("GPGSA,A,3,02,05,07,09,13,15,20,24,30,,,,1.6,0.9,1.3") +
                    nmea(f"GPGST,{at},3.0,2.0,2.0,0.0,2.0,2.0,4.0") +
                    nmea(f"GPRMC,{at},{good},{where},0.0,0.0,{day},,,A"))
            try:
                os.write(self.master, text)
            except OSError:
                return
            time.sleep(1 - time.time() % 1)

    def end(self):
        self.on = False
        self.gpsd.terminate()
        self.gpsd.wait()


@unittest.skipIf(GPSD is None, "no gpsd on this machine")
class Satellites(Power):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver(self.place)
        self.addCleanup(self.receiver.end)

    def unit(self, port=None):
        more = (f"[site]\nid = great-ayton-1\nlimit = 30\n[radar]\ndevice = "
                f"{self.place.path('no-radar')}\n[health]\nheartbeat = 1 s\n"
                f"[spool]\ntelemetry_age = 1 s\n"
                f"[gnss]\nport = {port or self.receiver.port}\n")
        conf = self.place.config("unit.conf", "kit-1",
                                 self.kit("speedwatch-usb", "\n[gnss]\nconnect = gpsd\n"),
                                 more=more)
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log")
        wait_for("the socket", (self.place.dir / "kit-1.gpio").exists)
        return child

    def press(self):
        self.place.wire("kit-1", "session-button pulse 120")

    def test_a_session_says_where_it_is_and_anchors_what_time(self):
        child = self.unit()
        self.said("position known", "kit.log")
        self.said("set by satellites", "kit.log")
        self.press()
        self.said("session 1 at great-ayton-1: started", "kit.log")
        line = [x for x in self.spool("kit-1").split("\n") if "session 1" in x][0]
        where = line.split("started, ")[1].split()
        self.assertTrue(abs(float(where[0]) - 54.505) < 1e-4 and
                        abs(float(where[1]) + 1.107) < 1e-4, line)
        wait_for("the time", lambda: "quality 3 +-5" in self.spool("kit-1"))
        anchor = [x for x in self.spool("kit-1").split("\n") if "quality 3" in x][0]
        told = int(anchor.split("anchor ")[1].split()[0]) / 1000
        boot = int(anchor.split(" ms ")[0].split()[-1]) / 1000
        shown = time.time() - (time.monotonic() - boot)
        self.assertLess(abs(told - shown), 0.6)
        wait_for("a heartbeat with it", lambda: "clock 3" in self.spool("kit-1"))
        self.stop(child)

    def test_what_cannot_be_is_refused_and_told(self):
        child = self.unit()
        self.said("position known", "kit.log")
        self.receiver.latitude = 55.5  # a hundred kilometres in a second
        self.said("a jump faster than anything on wheels", "kit.log")
        self.said("fault: position unbelievable", "kit.log")
        self.press()
        self.said("session 1 at great-ayton-1: started", "kit.log")
        line = [x for x in self.spool("kit-1").split("\n") if "session 1" in x][0]
        self.assertIn("started, 54.50", line)
        self.stop(child)

    def test_gpsd_that_comes_late_and_goes(self):
        self.receiver.gpsd.terminate()
        self.receiver.gpsd.wait()
        child = self.unit()
        self.press()
        self.said("session 1 at great-ayton-1: started", "kit.log")  # nothing waits for it
        self.assertNotIn("started, ", self.spool("kit-1"))
        time.sleep(1)
        self.assertNotIn("gnss", self.place.log("kit.log"))
        self.stop(child)
        self.receiver.start()
        child = self.unit()
        self.said("position known", "kit.log")
        self.receiver.gpsd.kill()
        self.receiver.gpsd.wait()
        time.sleep(1)
        self.press()
        self.said("session 2 at great-ayton-1: started", "kit.log")
        self.assertIn("session 2 at great-ayton-1 started, 54.50", self.spool("kit-1"))
        self.stop(child)


@unittest.skipIf(GPSFAKE is None, "no gpsfake on this machine")
class Played(Power):
    def log_of(self, seconds, island):
        """An NMEA log from now on; some seconds of it say the island at 0, 0."""
        begin, text = int(time.time()), b""
        for i in range(seconds):
            then = time.gmtime(begin + i)
            at, day = time.strftime("%H%M%S.00", then), time.strftime("%d%m%y", then)
            where = "0000.000000,N,00000.000000,E" if i in island else \
                f"{degrees(54.505, 2)},N,{degrees(-1.107, 3)},W"
            text += (nmea(f"GPGGA,{at},{where},1,09,0.9,150.0,M,47.0,M,,") +
                     nmea("GPGSA,A,3,02,05,07,09,13,15,20,24,30,,,,1.6,0.9,1.3") +
                     nmea(f"GPRMC,{at},A,{where},0.0,0.0,{day},,,A"))
        path = self.place.dir / "log.nmea"
        path.write_bytes(text)
        return path

    def test_a_log_played_by_gpsfake(self):
        port = free_port()
        log = self.log_of(60, range(6, 9))
        # It does not end by itself: never without a limit.  Three sentences a second, as received.
        player = subprocess.Popen(["timeout", "45", GPSFAKE, "-q", "-1", "-n", "-c", "0.33", "-P",
                                   str(port), str(log)], cwd=self.place.dir,
                                  start_new_session=True, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(player.wait)
        self.addCleanup(os.killpg, player.pid, signal.SIGKILL)  # its gpsd too

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_for("gpsfake", listens)
        child = Satellites.unit(self, port)
        self.said("position known", "kit.log")
        self.said("a place that is none", "kit.log")
        self.place.wire("kit-1", "session-button pulse 120")
        self.said("session 1 at great-ayton-1: started", "kit.log")
        self.assertIn("session 1 at great-ayton-1 started, 54.50500 -1.10700 +-",
                      self.spool("kit-1"))
        self.stop(child)


class Watchdog(Power):
    def manager(self):
        path = self.place.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(path)
        self.socket.settimeout(0.1)
        return {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1500000"}

    def heard(self, for_s):
        """What the daemon said to its manager in so many seconds."""
        words, until = [], time.monotonic() + for_s
        while time.monotonic() < until:
            try:
                words += self.socket.recv(512).decode().split("\n")
            except TimeoutError:
                continue
        return words

    def test_fed_while_it_lives(self):
        child = self.hub(env=self.manager(), kit="")
        words = self.heard(4)
        self.assertIn("READY=1", words)
        self.assertGreaterEqual(words.count("WATCHDOG=1"), 4)
        self.stop(child)
        self.assertIn("STOPPING=1", self.heard(0.5))

    @unittest.skipIf(PRELOADS is None, "sanitizers do not go with preloading")
    def test_a_part_that_hangs_is_not_hidden(self):
        """The disk and the radar's line: each hangs in turn, and the feeding ends."""
        for what in ("disk", "radar"):
            with self.subTest(what):
                stall = self.place.dir / ("stall-" + what)
                env = {**self.manager(), "LD_PRELOAD": str(PRELOADS / "libstall.so"),
                       "STALL_" + what.upper(): str(stall)}
                child = self.begin(what, env)
                self.assertGreaterEqual(self.heard(3).count("WATCHDOG=1"), 2)
                stall.touch()
                self.push(what)
                self.heard(2)  # it may have fed once more before it hung
                self.assertEqual(0, self.heard(3).count("WATCHDOG=1"))
                stall.unlink()
                self.assertGreaterEqual(self.heard(3).count("WATCHDOG=1"), 1)
                self.stop(child)
                self.socket.close()
                os.unlink(self.place.path("notify"))

    def begin(self, what, env):
        if what == "disk":
            return self.hub(env=env, kit="")
        self.line, slave = os.openpty()
        self.addCleanup(os.close, self.line)
        self.addCleanup(os.close, slave)
        env["STALL_DEVICE"] = os.ttyname(slave)
        conf = self.place.config("unit.conf", "kit-1", "speedwatch-usb",
                                 more=f"[site]\nid = great-ayton-1\nlimit = 30\n[radar]\n"
                                      f"device = {os.ttyname(slave)}\n")
        child = self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log", env=env)
        wait_for("the socket", (self.place.dir / "kit-1.gpio").exists)
        return child

    def push(self, what):
        if what == "disk":
            self.place.wire("hub-1", "loop-1 0")
        else:
            os.write(self.line, b"0.0\r\n")

    def test_back_in_a_moment_with_its_state(self):
        """Killed with a lock set and an alarm on: how long until READY, and what it still knows."""
        env = self.manager()
        child = self.hub(env=env, kit="", more="[lock]\narm_delay = 0 s\n")
        self.said("lock: 4: set")
        self.place.wire("hub-1", "loop-1 0")
        self.said("lock: 1: ")
        wait_for("the event", lambda: "lock 1 " in self.spool("hub-1"))
        before = self.spool("hub-1")
        child.kill()
        child.wait()
        self.heard(0.3)
        begin = time.monotonic()
        child = self.hub(env=env, kit="", more="[lock]\narm_delay = 0 s\n")
        took = None
        while took is None and time.monotonic() - begin < PATIENCE_S:
            if "READY=1" in self.heard(0.02):
                took = time.monotonic() - begin
        print(f"restart to READY: {took * 1000:.0f} ms", file=sys.stderr)
        self.assertLess(took, 5)  # a second on the target; here others use the machine too
        events = [x.split("boot")[1] for x in before.split("\n") if "lock 1 " in x]
        for event in events:
            self.assertIn(event, self.spool("hub-1"))
        self.stop(child)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
