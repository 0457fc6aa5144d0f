"""One run of the whole system: what it is made of, how it starts, what became of its events."""
import pathlib
import re
import subprocess
import time

import broker
import configs
from api import Api
from data import Data
from fleet import HISTORY_WEEKS, WANTED_PER_MINUTE, Fleet
from gauges import Gauges
from keys import Keys
from processes import Failed, Processes, wait_until

HOST = "127.0.0.1"
USER = "admin"


class World:
    STEPS = 6

    def __init__(self, state, programs, args):
        self.state, self.programs, self.args = state, programs, args
        for folder in ("", "logs", "conf", "run", "spool", "data"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        # A Unix socket's path holds 107 bytes: it may not lie deep.
        if len(str(state / "run")) > 70:
            raise Failed(f"{state} is too long a path for sockets; give a shorter --state")
        self.data = Data(args.data)
        self.data.take_speeds(state / "data/speeds.csv")
        self.fleet = Fleet(args.kits, args.locks, self.data)
        self.keys = Keys(state / "keys")
        self.processes = Processes(state / "logs")
        self.db = state / "data/moorwatch.db"
        self.gauges = Gauges(state / "run", self.fleet)
        self.broker_port = broker.free_port()
        self.port = args.port or broker.free_port()
        self.url = f"http://{HOST}:{self.port}/"
        self.api = Api(f"http://{HOST}:{self.port}")
        self.user, self.password = USER, None
        self.troubles = []
        self.history = 0  # events of the past weeks, put into the spools by this run

    # ---- small things ----

    def program(self, name):
        return self.programs / name

    def tool(self, *argv, text=None):
        done = subprocess.run([str(a) for a in argv], input=text, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{pathlib.Path(argv[0]).name} {argv[1]} failed:\n  " +
                         (done.stderr or done.stdout).strip().replace("\n", "\n  "))
        return done.stdout

    def moorwatch(self, *argv, text=None):
        return self.tool(self.program("moorwatch"), *argv, text=text)

    def spool(self, device):
        return self.state / "spool" / device.name

    def wires(self, device):
        return self.state / "run" / f"{device.name}.gpio"

    def outputs(self, device):
        return self.state / "run" / f"{device.name}.outputs"

    def radar(self, kit):
        return self.state / "run" / f"{kit.name}.radar"

    # ---- start ----

    def prepare(self, progress):
        progress("make keys and certificates")
        self.make_keys()
        progress("register sites, devices, locks, people, reports")
        configs.write_all(self)
        self.register()

    def start(self, progress):
        self.prepare(progress)
        progress(f"give {len(self.fleet.devices)} devices {HISTORY_WEEKS} weeks of history")
        self.make_history()
        progress("start the broker and the collector")
        self.start_centre()
        progress("start the daemons of the kits and hubs")
        self.start_devices()
        progress("deliver the history")
        wait_until(lambda: configs.verify(self, spools=False).get("events_stored", 0) >=
                   self.history, 180, "delivery of the history", self.processes)

    def make_keys(self):
        self.keys.make_ca()
        self.keys.make("broker", "serverAuth")
        self.keys.make("collector", "clientAuth")
        for device in self.fleet.devices:
            self.keys.make(device.name, "clientAuth")

    def register(self):
        kept = self.db.exists()
        self.moorwatch("register", configs.register(self), "--db", self.db)
        for kit in self.fleet.kits:  # as kitsim's radar stands at the road
            self.moorwatch("site", kit.site["id"], "--db", self.db, "--lane-in", 4, "--lane-out", 7.5,
                           "--height", 1.5, "--aim", 10, "--beam", 23, "--range", 80,
                           "--from", configs.report_date("day", 7 * HISTORY_WEEKS))
        who = ["passwd", USER] if kept else ["add", USER, "--role", "administrator"]
        out = self.moorwatch("user", *who, "--db", self.db)
        self.password = re.search(r"(\S+)\s*$", out.strip())[1]
        configs.import_reports(self)

    def make_history(self):
        running = []
        for n, device in enumerate(self.fleet.devices):
            spool = self.spool(device)
            if spool.is_dir() and any(spool.iterdir()):
                continue  # a kept state: its devices have lived already
            argv = [self.program("kitsim"), "history", "--device", device.name, "--spool", spool,
                    "--key", self.keys.key(device.name), "--weeks", HISTORY_WEEKS,
                    "--speeds", self.data.speeds, "--hours", self.data.hours,
                    "--seed", self.args.seed * 1000 + n]
            for site in getattr(device, "sites", []):
                argv += ["--site", f"id={site['id']},limit={site['limit_mph']},"
                                   f"per-day={site['vehicles_per_day']},pair={site['pair']}"]
            if hasattr(device, "locks"):
                argv += ["--locks", len(device.locks), "--incidents", device.incidents]
            running.append((device, subprocess.Popen([str(a) for a in argv], text=True,
                                                     stdout=subprocess.PIPE,
                                                     stderr=subprocess.STDOUT)))
        try:
            self.end_history(running)
        finally:
            for _, child in running:
                child.kill()
                child.wait()

    def end_history(self, running):
        for device, child in running:
            out, _ = child.communicate()
            if child.returncode:
                raise Failed(f"kitsim history of {device.name} failed: {out.strip()}")
            self.history += int(re.search(r"events=(\d+)", out)[1])

    def start_centre(self):
        if not broker.program():
            raise Failed("there is no mosquitto; tools/setup run installs it")
        conf = broker.configure(self.state / "broker", self.keys, self.broker_port)
        self.processes.start("broker", [broker.program(), "-c", conf])
        wait_until(lambda: broker.listens(self.broker_port), 10, "the start of the broker",
                   self.processes)
        self.processes.start("collector", configs.collector_command(self))
        wait_until(self.api.answers, 20, "the start of the collector", self.processes)

    def start_devices(self):
        self.gauges.step()
        # The simulator makes the radars' ptys first: a daemon wants to find its sensor.
        self.processes.start("kitsim", self.kitsim_command())
        wait_until(lambda: all(self.radar(k).is_symlink() for k in self.fleet.kits), 10,
                   "the start of the kit simulator", self.processes)
        for device in self.fleet.devices:
            self.processes.start(device.name, configs.device_command(self, device))
        wait_until(lambda: all(self.wires(d).exists() for d in self.fleet.devices), 20,
                   "the start of the daemons", self.processes)

    def start_devices_again(self):
        for device in self.fleet.devices:
            self.processes.restart(device.name)

    def restart(self, name):
        if name == "broker" and broker.listens(self.broker_port):
            raise Failed("the broker's port is still taken after its death")
        self.processes.restart(name)

    def flow_scale(self, kit):
        if self.args.flow_scale:
            return self.args.flow_scale
        now = time.gmtime()
        column = {5: "saturday", 6: "sunday"}.get(now.tm_wday, "weekday")
        hours = self.data.hours.read_text().splitlines()
        share = float(hours[1 + now.tm_hour].split(",")[hours[0].split(",").index(column)])
        return 60 * WANTED_PER_MINUTE / (kit.site["vehicles_per_day"] * share)

    def kitsim_command(self):
        argv = [self.program("kitsim"), "play", "--speeds", self.data.speeds, "--hours",
                self.data.hours, "--seed", self.args.seed, "--truth", self.state / "truth.jsonl"]
        for kit in self.fleet.kits:
            argv += ["--kit", f"name={kit.name},radar={self.radar(kit)},wires={self.wires(kit)},"
                              f"per-day={kit.site['vehicles_per_day']},pair={kit.site['pair']},"
                              f"flow-scale={self.flow_scale(kit):.3f}"]
        for n, hub in enumerate(self.fleet.hubs):
            argv += ["--hub", f"name={hub.name},wires={self.wires(hub)},"
                              f"state={self.outputs(hub)},locks={len(hub.locks)},"
                              f"first={12 + 9 * n},between=150,quiet=20"]
        return argv

    # ---- the end ----

    def end_kitsim(self):
        if self.processes.stop("kitsim", 15) != 0:
            self.troubles.append("kitsim failed:\n" + self.processes.tail("kitsim"))

    def stop_devices(self):
        for device in self.fleet.devices:
            code = self.processes.stop(device.name, 30)
            if code != 0:
                self.troubles.append(f"{device.name} ended with {code} when it was stopped:\n" +
                                     self.processes.tail(device.name))

    def live(self):
        """A moment of the run: raises Failed if a program has ended by itself."""
        self.processes.check()
        self.gauges.step()

    def stop(self):
        self.processes.stop_all()

    # ---- what became of it ----

    def delivered(self):
        return configs.verify(self).get("pending") == 0

    def count(self):
        found = configs.verify(self)
        if not found.get("good"):
            self.troubles.append(found["words"])
        if "events_sent" not in found:
            raise Failed("moorwatch verify did not answer: " + found["words"])
        self.api.login(self.user, self.password)
        return {**{k: found[k] for k in ("events_sent", "events_stored", "lost", "duplicated")},
                **configs.lists(self.api)}
