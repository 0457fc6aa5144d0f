"""What the programs are told: their configuration files and command lines, and what they answer."""
import csv
import json
import pathlib
import subprocess
import time

from gauges import KINDS

ROOT = pathlib.Path(__file__).resolve().parents[2]

UNIT = """\
; Made by tools/run.
[unit]
device = {name}
state = {spool}
boards = {boards}
board = host
kit = {kit}

[gpio]
socket = {wires}
outputs = {outputs}

[broker]
host = 127.0.0.1
port = {port}
ca = {ca}
certificate = {cert}
key = {key}
collector_key = {collector}
resend = 5 s
backoff_max = 2 s
window = 8

[spool]
batch_age = 4 s
telemetry_age = 4 s

[health]
heartbeat = {heartbeat}
battery_file = {battery}
temperature_file = {temperature}
signal_file = {signal}
"""


def device_conf(world, device, kit, own):
    text = UNIT.format(
        name=device.name, spool=world.spool(device), boards=ROOT / "boards", kit=kit,
        wires=world.wires(device), outputs=world.outputs(device), port=world.broker_port,
        ca=world.keys.cert("ca"), cert=world.keys.cert(device.name),
        key=world.keys.key(device.name), collector=world.keys.cert("collector"),
        # A page that is looked at wants fresh figures; a check wants the queues to run empty.
        heartbeat="5 min" if world.args.check else "60 s",
        **{kind: world.gauges.path(device.name, kind) for kind in KINDS})
    path = world.state / "conf" / f"{device.name}.conf"
    path.write_text(text + own)
    return path


SPEEDWATCH = """
[site]
id = {site}
limit = {limit}

[radar]
device = {radar}
"""

# Faster than in a field, so that a minute's look shows a whole alarm.
PADLOCK = """
[lock]
arm_delay = 3 s
siren_burst = 10 s
quiet = 10 s
repeat = 30 s
"""

COLLECTOR = """\
; Made by tools/run.
[store]
path = {db}

[broker]
host = 127.0.0.1
port = {port}
ca = {ca}
certificate = {cert}
key = {key}

[ingest]
signing_key = {key}
late = 10 min

[http]
address = 127.0.0.1
port = {http}
web = {web}
"""


def hub_kit(world, hub):
    """The hub's kit with as many locks as it guards, so that no wire hangs in the air."""
    kit, keep = [], True
    for line in (ROOT / "boards/kits/padlock-hub.ini").read_text().splitlines():
        if line.startswith("["):
            number = line.rstrip("]").rpartition("-")[2]
            keep = not number.isdigit() or int(number) <= len(hub.locks)
        kit += [line] if keep else []
    path = world.state / "conf" / f"{hub.name}-kit.ini"
    path.write_text("\n".join(kit) + "\n")
    return path


def collector_conf(world):
    path = world.state / "conf/collector.conf"
    path.write_text(COLLECTOR.format(
        db=world.db, port=world.broker_port, ca=world.keys.cert("ca"),
        cert=world.keys.cert("collector"), key=world.keys.key("collector"), http=world.port,
        web=ROOT / "collector/web"))
    return path


def write_all(world):
    collector_conf(world)
    for kit in world.fleet.kits:
        device_conf(world, kit, "speedwatch-usb", SPEEDWATCH.format(
            site=kit.site["id"], limit=kit.site["limit_mph"], radar=world.radar(kit)))
    for hub in world.fleet.hubs:
        device_conf(world, hub, hub_kit(world, hub), PADLOCK)


def section(heading, **keys):
    return f"[{heading}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) + "\n"


def register(world):
    """The register of all sites, devices and locks; the path of the file."""
    text = ""
    for s in world.data.sites:
        text += section(f"site {s['id']}", name=s["name"], road=s["road"], lpa=s["lpa"],
                        limit=s["limit_mph"], easting=s["easting"], northing=s["northing"])
    for device in world.fleet.devices:
        locks = getattr(device, "locks", None)
        place = device.place if locks else device.site
        text += section(f"device {device.name}", kind="padlock" if locks else "speedwatch",
                        name=device.title, lpa=device.lpa, key=world.keys.cert(device.name),
                        easting=place["easting"], northing=place["northing"])
        for n, lock in enumerate(locks or []):
            text += section(f"lock {device.name} {n}", plot=lock["plot"],
                            allotment=device.place["name"], easting=lock["easting"],
                            northing=lock["northing"])
    path = world.state / "conf/register.ini"
    path.write_text(text)
    return path


def collector_command(world):
    return [world.program("moorwatch-collector"), "--config", world.state / "conf/collector.conf"]


def device_command(world, device):
    program = "padlock" if hasattr(device, "locks") else "speedwatch"
    return [world.program(program), "--config", world.state / "conf" / f"{device.name}.conf"]


def report_date(unit, number):
    """Our own reports count days back from today; the months of the real ones are moved so that the
    last of them is this month: what they are used for is where, and how lately."""
    if unit == "day":
        return time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400 * number))
    now = time.gmtime()
    months = now.tm_year * 12 + now.tm_mon - 1 - (11 - number)
    return f"{months // 12:04}-{months % 12 + 1:02}"


def import_reports(world):
    path = world.state / "conf/reports.csv"
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["id", "date", "easting", "northing", "kind"])
        for n, (unit, number, easting, northing, kind) in enumerate(world.data.reports()):
            out.writerow([n + 1, report_date(unit, number), round(easting), round(northing), kind])
    source = "police" if world.data.shared else "public"
    world.moorwatch("import", "reports", "--db", world.db, path, "--source", source)
    if world.data.wards():
        world.moorwatch("import", "wards", "--db", world.db, world.data.wards())


def verify(world, spools=True):
    """What `moorwatch verify` says of the store and the spools; {} if it cannot say yet."""
    argv = [world.program("moorwatch"), "verify", "--db", world.db, "--json"]
    for device in world.fleet.devices if spools else []:
        argv += ["--spool", world.spool(device)]
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    try:
        return dict(json.loads(done.stdout), words=done.stderr.strip())
    except ValueError:
        return {"words": done.stderr.strip()}


def lists(api):
    """How much each of the page's lists shows."""
    hotspots = sum(len(api.get(f"/api/1/hotspots?layer={layer}")["features"])
                   for layer in ("sensors", "reports"))
    return {
        "alerts": len(api.get("/api/1/alerts?state=all&limit=200")["alerts"]),
        "sites": sum(1 for s in api.get("/api/1/sites")["sites"] if s["n"] > 0),
        "hotspots": hotspots,
        "taskings": len(api.get("/api/1/tasking")["sessions"]),
    }
