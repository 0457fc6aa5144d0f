#!/usr/bin/env python3
"""The padlock hub with its sensors: accelerometers, end-of-line loops, hours, many locks, bad buses.

usage: hub_test.py BIN_DIR SOURCE_DIR [PRELOADS_DIR] [test ...]

The chips are simulated register files, shaken by generated traces (motionbench --print) sample by
sample in real time; the daemon is the real one, without a broker.
"""
import datetime
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import zoneinfo

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon_test import BIN, COUNTER, Case, SOURCE, run, wait_for  # noqa: E402

RATE_HZ, AT_ONCE = 200, 10
NO_LEARNING = "[motion]\nlearn = no\n"


def trace(kind, seed):
    return run(BIN / "motionbench", "--print", kind, "--seed", seed,
               "--rate", RATE_HZ).stdout.splitlines()


class Hub(Case):
    def bus(self, words):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(words.encode(), self.place.path("bus"))

    def kit(self, name):
        """A kit of the boards' folder; the gauge has tests of its own (power_test.py)."""
        text = (SOURCE / "boards/kits" / (name + ".ini")).read_text().split("[battery]")[0]
        return self.place.write(name + ".ini", text)

    def hub(self, kit=None, more=NO_LEARNING, locks=2, log="hub.log", env=None):
        kit = kit or self.kit("padlock-sensors")
        conf = self.place.config(
            "hub.conf", "hub-1", kit,
            more=f"[sensors]\nbus = {self.place.path('bus')}\n[health]\nheartbeat = 1 s\n"
                 f"[spool]\ntelemetry_age = 1 s\n{more}")
        child = self.place.start(BIN / "padlock", "-c", conf, log=log, env=env)
        wait_for("the daemon's socket", (self.place.dir / "hub-1.gpio").exists)
        if "[motion " in pathlib.Path(kit).read_text():
            wait_for("its bus", (self.place.dir / "bus").exists)
        if locks:
            wait_for("the locks", lambda: f"lock: {locks}: " in self.place.log(log))
        return child

    def shake(self, address, interrupt, samples, seconds):
        """As a lock feels it: the line moves when it begins, the samples come in time."""
        at = time.monotonic()
        for i in range(0, min(len(samples), int(seconds * RATE_HZ)), AT_ONCE):
            self.bus(f"{address} sample " + " ".join(samples[i:i + AT_ONCE]))
            if interrupt and i % 200 == 0:
                self.place.wire("hub-1", interrupt + " pulse 5")
            at += AT_ONCE / RATE_HZ
            time.sleep(max(0, at - time.monotonic()))

    def events(self):
        """What waits in the spool, as `moorwatch spool` words it."""
        return subprocess.run([BIN / "moorwatch", "spool", "--events",
                               self.place.path("spool-hub-1")], capture_output=True,
                              text=True).stdout

    def output(self, role):
        return self.place.outputs("hub-1")[role]

    def log(self):
        return self.place.log("hub.log")


class Motion(Hub):
    def test_a_hammer_rings_and_the_wind_does_not(self):
        child = self.hub()
        wind, hammer = trace("wind", 13), trace("hammer", 3)
        other = threading.Thread(target=self.shake, args=("0x19", "motion-2", wind, 14))
        other.start()
        self.shake("0x18", "motion-1", wind, 4)
        self.assertNotIn("alarm", self.log())
        self.shake("0x18", "motion-1", hammer, 10)
        other.join()
        wait_for("the alarm", lambda: "lock: 1: alarm" in self.log())
        self.assertEqual("1", self.output("siren"))
        self.assertEqual("1", self.output("strobe"))
        self.assertNotIn("lock: 2: alarm", self.log())
        self.assertNotIn("fault", self.log())
        self.stop(child)
        self.assertEqual("0", self.output("strobe"))

    def test_a_lock_that_is_turned(self):
        child = self.hub()
        self.shake("0x18", "motion-1", ["0 0 1000"] * 400, 1.5)
        self.shake("0x18", "motion-1", ["500 0 866"] * 2000, 5)
        wait_for("the alarm", lambda: "lock: 1: alarm" in self.log())
        self.stop(child)

    def test_it_learns_without_noise(self):
        child = self.hub(more="[motion]\nlearn = yes\n")
        wait_for("learning", lambda: "lock: 2: learning" in self.log())
        self.shake("0x18", "motion-1", trace("hammer", 3), 8)
        wait_for("the alarm, told", lambda: "lock: 1: alarm" in self.log())
        self.assertEqual("0", self.output("siren"))
        self.place.wire("hub-1", "tilt-2 1")  # tamper rings all the same
        wait_for("the siren", lambda: self.output("siren") == "1")
        self.stop(child)
        # 48 hours heard, nine in ten of them quiet: the state is a number, and outlives the daemon.
        (self.place.dir / "spool-hub-1" / "unit.learn-1").write_text("48\n")
        (self.place.dir / "hub-1.gpio").unlink(missing_ok=True)
        child = self.hub(more="[motion]\nlearn = yes\n", log="again.log")
        wait_for("learning again", lambda: "lock: 2: learning" in self.place.log("again.log"))
        self.assertNotIn("lock: 1: learning", self.place.log("again.log"))
        self.stop(child)

    @unittest.skipUnless(COUNTER, "no preload library in this build (sanitizers)")
    def test_no_memory_is_taken_after_the_start(self):
        counts = self.place.dir / "counts"
        counts.write_bytes(bytes(32))
        child = self.hub(env={"LD_PRELOAD": COUNTER, "MALLOC_COUNT": str(counts)})
        self.shake("0x18", "motion-1", trace("kicks", 2), 2)
        ours = struct.unpack("<4Q", counts.read_bytes())[:3]
        self.bus("0x19 silent")
        self.shake("0x18", "motion-1", trace("kicks", 2)[400:], 5)
        self.assertEqual(ours, struct.unpack("<4Q", counts.read_bytes())[:3])
        self.stop(child)


class Buses(Hub):
    def test_a_sensor_that_falls_silent_and_comes_back(self):
        child = self.hub(more="[motion]\nlearn = no\nlook = 1 s\n")
        self.bus("0x18 silent")
        wait_for("the fault", lambda: "fault: sensor silent" in self.log())
        self.assertIn("sensors: 0x18 on", self.log())
        wait_for("the lamp", lambda: self.output("lamp-fault") == "1")
        self.place.wire("hub-1", "tilt-1 1")  # other inputs guard
        wait_for("the siren", lambda: self.output("siren") == "1")
        self.shake("0x19", "motion-2", trace("hammer", 3), 8)  # and other sensors
        wait_for("the alarm", lambda: "lock: 2: alarm" in self.log())
        self.bus("0x18 answer")
        wait_for("its return", lambda: "fault cleared: sensor silent" in self.log())
        self.assertEqual(1, self.log().count("fault: sensor silent"))
        self.stop(child)
        self.assertRegex(self.events(), r"sensor silent.*24")  # 0x18

    def test_another_chip_at_its_address(self):
        child = self.hub(more="[motion]\nlearn = no\nlook = 1 s\n")
        self.bus("0x19 silent")
        wait_for("the fault", lambda: "fault: sensor silent" in self.log())
        self.bus("0x19 stranger")
        wait_for("a word about it", lambda: "0x19 on" in self.log()
                 and "another chip than the kit says" in self.log())
        self.place.wire("hub-1", "tilt-2 1")
        wait_for("the siren", lambda: self.output("siren") == "1")
        self.assertNotIn("fault cleared", self.log())
        self.stop(child)

    def test_a_bus_that_hangs_delays_nothing(self):
        child = self.hub(more="[motion]\nlearn = no\nlook = 1 s\n")
        self.bus("0x18 stuck 4000")
        wait_for("a word about it", lambda: "hangs; all else guards" in self.log())
        began = time.monotonic()
        self.place.wire("hub-1", "tilt-2 1")
        wait_for("the siren", lambda: self.output("siren") == "1")
        self.assertLess(time.monotonic() - began, 0.6)  # 0.2 s of it is the kit's debounce
        self.bus("0x18 answer")
        wait_for("its return", lambda: "fault cleared: sensor silent" in self.log())
        self.bus("0x18 stuck 9000")
        time.sleep(1.5)
        began = time.monotonic()
        self.stop(child)  # nor does the stop wait
        self.assertLess(time.monotonic() - began, 3)

    def test_no_bus_at_all(self):
        conf = self.place.config("hub.conf", "hub-1", self.kit("padlock-sensors"),
                                 more="[sensors]\nbus = /dev/i2c-nothing\n")
        child = self.place.start(BIN / "padlock", "-c", conf, log="hub.log")
        wait_for("a word about the bus", lambda: "I2C bus /dev/i2c-nothing" in self.log())
        self.place.wire("hub-1", "tilt-1 1")
        wait_for("the siren", lambda: self.output("siren") == "1")
        self.stop(child)


class Loops(Hub):
    def test_cut_and_bridged_loops(self):
        child = self.hub(more=NO_LEARNING + "[loops]\nevery = 200 ms\n[lock]\nquiet = 1 s\n")
        time.sleep(1)
        self.assertNotIn("tamper", self.log())
        self.bus("0x48 mv 0 3300")
        wait_for("the cut", lambda: "lock: 1: tamper" in self.log())
        self.assertEqual("1", self.output("siren"))
        self.bus("0x48 mv 0 1640")
        wait_for("its mending", lambda: "lock: 1: restored" in self.log())
        self.assertEqual("0", self.output("strobe"))
        self.bus("0x48 mv 1 15")
        wait_for("the bridge", lambda: "lock: 2: tamper" in self.log())
        self.stop(child)


class Barrier(Hub):
    def hours(self, start_min, end_min):
        now = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/London"))

        def at(minutes):
            return (now + datetime.timedelta(minutes=minutes)).strftime("%H:%M")
        return f"{NO_LEARNING}[lock]\nhours = {at(start_min)}-{at(end_min)}\nopen_limit = 2 s\n"

    def test_open_outside_its_hours_and_too_long(self):
        child = self.hub(kit=self.kit("barrier"), more=self.hours(120, 180), locks=1)
        self.place.wire("hub-1", "key 1")
        self.place.wire("hub-1", "shackle-1 0")
        wait_for("the word", lambda: self.log().count("lock: 1: left open") == 2)
        self.stop(child)

    def test_found_open(self):
        kit = self.kit("barrier")
        text = pathlib.Path(kit).read_text().replace("rest = on", "rest = off", 1)
        self.place.write("barrier.ini", text)
        child = self.hub(kit=kit, more=self.hours(120, 180), locks=1)
        wait_for("the word", lambda: "lock: 1: found open" in self.log())
        self.stop(child)

    def test_inside_its_hours(self):
        child = self.hub(kit=self.kit("barrier"), more=self.hours(-60, 120).replace("2 s", "1 h"), locks=1)
        self.place.wire("hub-1", "shackle-1 0")
        wait_for("the opening", lambda: "lock: 1: opened" in self.log())
        time.sleep(1)
        self.assertNotIn("left open", self.log())
        self.stop(child)

    def test_hours_and_words_that_make_no_sense(self):
        for more, word in (("[lock]\nhours = 6 to 21\n", "write it as 06:00-21:00"),
                           ("[motion]\nsensitivity = deaf\n", "use low, normal or high")):
            conf = self.place.config("c.conf", "hub-1", "barrier", more=more)
            done = run(BIN / "padlock", "-n", "-c", conf)
            self.assertEqual(78, done.returncode)
            self.assertIn(word, done.stderr)


class Many(Hub):
    PINS = (29, 31, 32, 33, 35, 36, 37, 38, 40, 11, 12, 13, 15, 16, 18, 22)

    def many(self, locks):
        lines = [f"[in {role}-{i + 1}]\npin = {self.PINS[2 * i + k]}\nactive = low\n"
                 f"bias = pull-up\nrest = on\n"
                 for i in range(locks) for k, role in enumerate(("shackle", "loop"))]
        return self.place.write("many.ini", "[kit]\nid = many\nname = Many\nconnector = rpi-40\n" +
                                "\n".join(lines) + "\n[out siren]\npin = 7\nsafe = off\n"
                                "external_pull = down\nmax_on = 15 min\n")

    def test_four_and_eight_locks(self):
        for locks in (4, 8):
            log = f"hub{locks}.log"
            child = self.hub(kit=self.many(locks), more="", locks=locks, log=log)
            for lock in range(1, locks + 1):
                self.place.wire("hub-1", f"loop-{lock} 0")
                wait_for("the tamper", lambda: f"lock: {lock}: tamper" in self.place.log(log))
                for other in range(lock + 1, locks + 1):
                    self.assertNotIn(f"lock: {other}: tamper", self.place.log(log))
            self.assertEqual("1", self.output("siren"))
            self.stop(child)
            (self.place.dir / "hub-1.gpio").unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
