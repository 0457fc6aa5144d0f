"""Wake-ups, bytes and energy of the real daemons, state by state: tools/bench power.

Counted: voluntary context switches of every thread (a wake-up each), CPU time (schedstat), bytes
through a proxy in front of the broker, TLS and all.  The collector is real: what nobody acknowledges
is sent again and would count twice.  Computed from power.ini: what a radar, a modem and a board of
the field take.  Nothing is asserted.
"""
import configparser
import pathlib
import select
import socket
import subprocess
import threading
import time

import configs
from processes import wait_until

MODEL = pathlib.Path(__file__).parent / "power.ini"
DAY_S = 86400
HEARTBEATS = 8


class Proxy:
    """Hands on to the broker and counts; `open` False: nobody answers."""

    def __init__(self, port):
        self.to, self.open, self.bytes, self.segments, self.connects = port, True, 0, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = {}
        self.poller = select.poll()
        self.poller.register(self.listener, select.POLLIN)
        threading.Thread(target=self.work, daemon=True).start()

    def accept(self):
        client, _ = self.listener.accept()
        if not self.open:
            client.close()
            return
        self.connects += 1
        server = socket.create_connection(("127.0.0.1", self.to))
        for one, other in ((client, server), (server, client)):
            self.pairs[one.fileno()] = (one, other)
            self.poller.register(one, select.POLLIN)

    def part(self, fd):
        for end in self.pairs[fd]:
            self.pairs.pop(end.fileno(), None)
            self.poller.unregister(end)
            end.close()

    def hand_on(self, fd):
        one, other = self.pairs[fd]
        try:
            data = one.recv(65536)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self.part(fd)
            return
        self.bytes += len(data)
        self.segments += 1 + len(data) // 1400

    def work(self):
        while True:
            for fd, _ in self.poller.poll(500):
                if fd == self.listener.fileno():
                    self.accept()
                elif fd in self.pairs:
                    self.hand_on(fd)

    def cut(self):
        self.open = False
        for fd in list(self.pairs):
            if fd in self.pairs:
                self.part(fd)


def wakes(pid):
    """(wake-ups, nanoseconds of CPU) by thread."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text().splitlines()
        count = next(int(x.split()[1]) for x in status if x.startswith("voluntary_ctxt_switches"))
        found[task.name] = (count, int((task / "schedstat").read_text().split()[0]),
                            status[0].split()[1])
    return found


def resident_mb(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("VmRSS:")) / 1024


class Rig:
    def __init__(self, world, seconds):
        self.world, self.seconds = world, seconds
        self.hub, self.kit = world.fleet.hubs[0], world.fleet.kits[0]
        self.proxy = Proxy(world.broker_port)
        self.rows = {}

    # ---- daemons ----

    def configure(self, device, kit, own, heartbeat="15 min", spool=""):
        """As they are shipped, but for where things are and how soon a batch closes."""
        world = self.world
        path = world.state / "conf" / f"{device.name}-power.conf"
        path.write_text(f"""[unit]
device = {device.name}
state = {world.spool(device)}
boards = {configs.ROOT / 'boards'}
kit = {kit}
[gpio]
socket = {world.wires(device)}
outputs = {world.outputs(device)}
[broker]
host = 127.0.0.1
port = {self.proxy.port}
ca = {world.keys.cert('ca')}
certificate = {world.keys.cert(device.name)}
key = {world.keys.key(device.name)}
collector_key = {world.keys.cert('collector')}
[spool]
telemetry_age = 1 s
{spool}
[health]
heartbeat = {heartbeat}
{own}""")
        return path

    def start(self, device, program, conf):
        self.world.processes.start(device.name, [self.world.program(program), "-c", conf])
        wait_until(lambda: self.proxy.pairs, 20, "the connection", self.world.processes)
        return self.world.processes.pid(device.name)

    def wire(self, device, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(text.encode(), str(self.world.wires(device)))

    # ---- measuring ----

    def measure(self, state, pid, seconds, meanwhile=None):
        before, bytes_0, segments_0 = wakes(pid), self.proxy.bytes, self.proxy.segments
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            if meanwhile is not None:
                meanwhile(time.monotonic() - begin)
            time.sleep(min(0.5, max(0, seconds - (time.monotonic() - begin))))
        after, took = wakes(pid), (time.monotonic() - begin) / 60
        by_thread = {}
        for task, (count, _, name) in after.items():
            ours = "Paho" if name.startswith("MQTT") else "ours"
            by_thread[ours] = by_thread.get(ours, 0) + count - before.get(task, (0,))[0]
        cpu = sum(a[1] - before.get(t, (0, 0))[1] for t, a in after.items())
        self.rows[state] = {
            "wakes": sum(by_thread.values()) / took, "ours": by_thread.get("ours", 0) / took,
            "cpu_ms": cpu / 1e6 / took, "bytes": (self.proxy.bytes - bytes_0) / took,
            "segments": (self.proxy.segments - segments_0) / took, "mb": resident_mb(pid)}
        r = self.rows[state]
        print(f"{state:16} {r['wakes']:9.1f} {r['ours']:9.1f} {r['cpu_ms']:11.1f} "
              f"{r['bytes']:12.0f} {r['mb']:10.1f}", flush=True)

    def settle(self):
        """What starting has to say is said; a heartbeat is not due for a quarter of an hour."""
        time.sleep(6)

    def measure_hub(self):
        kit = configs.hub_kit(self.world, self.hub)
        lock = "[lock]\narm_delay = 1 s\n"
        pid = self.start(self.hub, "padlock", self.configure(self.hub, kit, lock))
        self.settle()
        self.measure("hub set", pid, self.seconds)
        self.stir = -1

        def alarm(at_s):
            if int(at_s / 10) != self.stir:  # a loop is cut, ten seconds later it is whole again
                self.stir = int(at_s / 10)
                self.wire(self.hub, f"loop-1 {self.stir % 2}")
        self.measure("hub with alarms", pid, self.seconds, alarm)
        self.wire(self.hub, "loop-1 1")
        time.sleep(1)
        self.proxy.cut()
        self.measure("hub, no link", pid, self.seconds)
        self.world.processes.stop(self.hub.name)
        self.proxy.open = True

    def measure_heartbeat(self):
        """Bytes of one heartbeat on its own, from the broker's acknowledgement to ours."""
        kit = configs.hub_kit(self.world, self.hub)
        conf = self.configure(self.hub, kit, "", heartbeat="3 s", spool="sync_age = 100 ms")
        self.start(self.hub, "padlock", conf)
        self.settle()
        bytes_0, segments_0 = self.proxy.bytes, self.proxy.segments
        time.sleep(3 * HEARTBEATS)
        each = {"bytes": (self.proxy.bytes - bytes_0) / HEARTBEATS,
                "segments": (self.proxy.segments - segments_0) / HEARTBEATS}
        self.world.processes.stop(self.hub.name)
        return each

    def measure_connect(self):
        bytes_0, segments_0 = self.proxy.bytes, self.proxy.segments
        kit = configs.hub_kit(self.world, self.hub)
        self.start(self.hub, "padlock", self.configure(self.hub, kit, ""))
        time.sleep(2)
        each = {"bytes": self.proxy.bytes - bytes_0, "segments": self.proxy.segments - segments_0}
        self.world.processes.stop(self.hub.name)
        return each

    def measure_kit(self):
        world, kit = self.world, self.kit
        argv = [world.program("kitsim"), "play", "--speeds", world.data.speeds, "--hours",
                world.data.hours, "--seed", 1, "--kit",
                f"name={kit.name},radar={world.radar(kit)},wires={world.wires(kit)},"
                f"per-day=3000,flow-scale={world.flow_scale(kit):.3f},session=7200,rest=5"]
        world.processes.start("kitsim", argv)
        wait_until(lambda: world.radar(kit).is_symlink(), 10, "the simulator", world.processes)
        own = (f"[site]\nid = {kit.site['id']}\nlimit = {kit.site['limit_mph']}\n"
               f"[radar]\ndevice = {world.radar(kit)}\n")
        conf = self.configure(kit, "speedwatch-usb", own, spool="batch_age = 30 s")
        pid = self.start(kit, "speedwatch", conf)
        log = world.state / "logs" / f"{kit.name}.log"
        wait_until(lambda: ": started" in log.read_text(), 60, "a session", world.processes)
        self.settle()
        self.measure("kit in session", pid, self.seconds)
        world.processes.signal("kitsim", 10)  # SIGUSR1: the traffic ends, the radar goes on
        wait_until(lambda: ": stopped" in log.read_text(), 120, "its end", world.processes)
        self.settle()
        self.measure("kit standby", pid, self.seconds)
        world.processes.stop(kit.name)
        world.processes.stop("kitsim")


# ---- what it takes in the field ------------------------------------------------------------------

class Model:
    def __init__(self, rows, heartbeat, connect):
        self.rows, self.heartbeat, self.connect = rows, heartbeat, connect
        self.conf = configparser.ConfigParser()
        self.conf.read(MODEL)

    def of(self, section, key):
        return self.conf.getfloat(section, key)

    def state_w(self, state):
        """(board and CPU, radar, modem) in watts, without heartbeats."""
        r = self.rows[state]
        cpu = r["cpu_ms"] / 60000 * self.of("board", "slower")
        board = self.of("board", "idle_w") + cpu * self.of("board", "busy_w") + \
            r["wakes"] / 60 * self.of("board", "wake_j")
        radar = self.of("radar", "on_w") if state.startswith("kit") else 0
        messages = r["segments"] / 2 / 60  # each is answered
        modem = self.of("modem", "idle_w") + messages * self.of("modem", "message_j")
        return board, radar, modem

    def wire(self, counts):
        return counts["bytes"] + counts["segments"] * self.of("modem", "segment_bytes")

    def day(self, name):
        """(hours awake, bytes, Wh) of a usual day."""
        section = f"day {name}"
        beats, connects = self.of(section, "heartbeats"), self.of("modem", "connects_a_day")
        total = beats * self.wire(self.heartbeat) + connects * self.wire(self.connect)
        joule = beats * self.of("modem", "message_j") + connects * self.of("modem", "connect_j")
        wh, awake = joule / 3600, 0
        for part in self.conf.get(section, "states").split(","):
            state, hours = part.rsplit(":", 1)
            hours = float(hours)
            awake += hours
            total += self.wire(self.rows[state.strip()]) * 60 * hours
            wh += sum(self.state_w(state.strip())) * hours
        return awake, total, wh + self.of("gnss", "on_w") * awake

    def report(self):
        print(f"\nas {self.conf['board']['name']}, {self.conf['radar']['name']}, "
              f"{self.conf['modem']['name']} (tools/bench.d/power.ini):")
        print(f"{'state':16} {'board W':>9} {'radar W':>9} {'modem W':>9} {'Wh a day':>10}")
        for state in self.rows:
            w = self.state_w(state)
            print(f"{state:16} {w[0]:9.3f} {w[1]:9.2f} {w[2]:9.3f} {24 * sum(w):10.1f}")
        print(f"\n{'a usual day':16} {'hours':>6} {'kB':>7} {'MB a month':>11} {'Wh':>6} "
              f"{'battery Wh':>11} {'panel W':>8}")
        for section in self.conf.sections():
            if section.startswith("day "):
                self.report_day(section[4:])
        print(f"battery: {self.of('battery', 'autonomy_days'):.0f} days without sun at -10 degrees;"
              f" panel: {self.of('panel', 'peak_sun_h')} peak-sun hours in December")

    def report_day(self, name):
        awake, total, wh = self.day(name)
        battery = wh * self.of("battery", "autonomy_days") / self.of("battery", "usable")
        panel = wh * self.of("panel", "refill") / self.of("panel", "peak_sun_h") / \
            self.of("panel", "gets_through")
        print(f"{name:16} {awake:6.1f} {total / 1000:7.1f} {total * 30 / 1e6:11.2f} {wh:6.1f} "
              f"{battery:11.0f} {panel:8.0f}")


def bench(scratch, seconds):
    with scratch as world:
        world.prepare(lambda what: None)
        world.start_centre()
        rig = Rig(world, seconds)
        print(f"each state for {seconds} s, a minute's share of it")
        print(f"{'state':16} {'wake-ups':>9} {'not Paho':>9} {'CPU ms':>11} {'bytes':>12} "
              f"{'MB resident':>10}")
        connect = rig.measure_connect()
        rig.measure_hub()
        heartbeat = rig.measure_heartbeat()
        rig.measure_kit()
        print(f"a connection {connect['bytes']} bytes, a heartbeat {heartbeat['bytes']:.0f} bytes "
              "(TLS, without IP and TCP headers)")
        Model(rig.rows, heartbeat, connect).report()
