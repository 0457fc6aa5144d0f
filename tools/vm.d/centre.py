"""The host's side of a machine test: keys, broker, collector, and one who writes down what passes.

The broker and the keys are those of tools/run.  Devices reach the broker as "localhost": their
images' /etc/hosts leads it to 10.0.2.100, QEMU from there to this machine.
"""
import json
import pathlib
import sqlite3
import subprocess
import sys
import time

import judge
from debian import Failed, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools/run.d"))

import broker  # noqa: E402
import keys  # noqa: E402
import processes  # noqa: E402

ROUNDS, PATIENCE_S, QUIET_S = 3, 10, 2
NETWORK = {"etc/hosts": "10.0.2.100 localhost\n", "etc/nsswitch.conf": "hosts: files\n"}

COLLECTOR = """\
[store]
path = {db}
[broker]
host = localhost
port = {port}
ca = {ca}
certificate = {cert}
key = {key}
[ingest]
signing_key = {key}
[http]
address = 127.0.0.1
port = {http}
web = {web}
"""


def device_keys(k, device):
    """{name in the image: path} for hub.furnish."""
    return {"ca.pem": k.cert("ca"), "device.pem": k.cert(device), "device.key": k.key(device),
            "collector.pem": k.cert("collector")}


class Centre:
    def __init__(self, folder, programs, devices):
        self.folder, self.programs, self.devices = folder, programs, devices
        self.moorwatch = programs / "bin/moorwatch"
        self.keys = keys.Keys(folder / "keys")
        self.keys.make_ca()
        self.keys.make("broker", "serverAuth")
        for name in ("collector", *devices):
            self.keys.make(name, "clientAuth")
        (folder / "logs").mkdir(exist_ok=True)
        self.processes = processes.Processes(folder / "logs")
        self.port, self.db = broker.free_port(), folder / "moorwatch.db"
        self.heard = folder / "heard"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.processes.stop_all()

    def start(self):
        """Broker, register and the listener; not the collector yet."""
        if not broker.program():
            raise Failed("there is no mosquitto; tools/setup vm installs it")
        conf = broker.configure(self.folder / "broker", self.keys, self.port)
        self.processes.start("broker", [broker.program(), "-c", conf])
        processes.wait_until(lambda: broker.listens(self.port), 10, "the start of the broker",
                             self.processes)
        register = self.folder / "register.ini"
        register.write_text("".join(
            f"[device {d}]\nkind = padlock\nkey = {self.keys.cert(d)}\n" for d in self.devices))
        run(self.moorwatch, "register", register, "--db", self.db)
        self.listen()

    def listen(self):
        """Every message of every device and of the collector, as "TOPIC HEX" lines."""
        child = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "--cafile",
             self.keys.cert("ca"), "--cert", self.keys.cert("collector"), "--key",
             self.keys.key("collector"), "-i", "listener", "-q", "1", "-t", "mw/1/+/+", "-F",
             "%t %x"], stdout=open(self.heard, "wb"), stdin=subprocess.DEVNULL)
        self.processes.running["listener"] = child
        self.processes.order.append("listener")
        log = self.folder / "logs/broker.log"
        processes.wait_until(lambda: "as listener" in log.read_text(), 10, "the listener",
                             self.processes)
        time.sleep(0.2)  # it subscribes after it has connected

    def start_collector(self, port=None):
        conf = self.folder / "collector.conf"
        conf.write_text(COLLECTOR.format(
            db=self.db, port=port or self.port, ca=self.keys.cert("ca"), http=broker.free_port(),
            cert=self.keys.cert("collector"), key=self.keys.key("collector"),
            web=ROOT / "collector/web"))
        self.processes.start("collector", [self.programs / "bin/moorwatch-collector", "--config",
                                           conf])

    def messages(self):
        """[(topic, payload)] as heard so far."""
        lines = self.heard.read_text().split("\n")[:-1]
        return [(t, bytes.fromhex(x)) for t, x in (line.split(" ", 1) for line in lines)]

    # ---- what the collector has ----

    def query(self, text):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as db:
            return db.execute(text).fetchall()

    def verify(self, spools):
        argv = [self.moorwatch, "verify", "--db", self.db]
        for folder in spools:
            argv += ["--spool", folder]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def drain(self, device, spool):
        """Lets a hub of this machine tell what stands in a spool; what went wrong, in words."""
        conf = spool.with_suffix(".conf")
        conf.write_text(f"""[unit]
device = {device}
state = {spool}
boards = {ROOT / 'boards'}
kit = padlock-hub
[broker]
host = localhost
port = {self.port}
ca = {self.keys.cert('ca')}
certificate = {self.keys.cert(device)}
key = {self.keys.key(device)}
collector_key = {self.keys.cert('collector')}
resend = 2 s
window = 16
[spool]
telemetry_age = 100 ms
""")
        for _ in range(ROUNDS):
            ended = self.tell_all(device, conf)
            left = pending(self.moorwatch, spool)
            if left == 0 or ended:
                break
        return ([f"the hub that delivered for {device} ended with {ended}"] if ended else []) + \
            ([f"{device} still had {left} events and could not deliver them"] if left else [])

    def tell_all(self, device, conf):
        """One life of that hub: until all that it has published is acknowledged, or nothing more is
        for PATIENCE_S.  (What the disk says of acknowledgements lags; at the end it is exact.)"""
        name = f"drain-{device}"
        self.processes.start(name, [self.programs / "bin/padlock", "-c", conf])
        quiet, before, end = 0, None, time.monotonic() + PATIENCE_S
        while quiet < QUIET_S and time.monotonic() < end:
            time.sleep(0.5)
            now = judge.waiting(self.messages(), device)
            quiet = quiet + 0.5 if now == (now[0], 0) and now == before else 0
            end = time.monotonic() + PATIENCE_S if now != before else end
            before = now
        return self.processes.stop(name)


def pending(moorwatch, spool):
    """How many events still wait; some, while the spool cannot be read."""
    done = subprocess.run([moorwatch, "spool", "--json", spool], capture_output=True, text=True)
    if done.returncode:
        return 1
    return sum(s["unacked_events"] + s["unsealed"] for s in json.loads(done.stdout)["spools"])
