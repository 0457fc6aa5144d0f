"""A padlock hub inside a machine: its board, kit, configuration and wires.

The kit is boards/kits/padlock-hub.ini on a Raspberry Pi 4B, without the pins' own pull-ups: gpio-sim
takes a pull-up that the daemon asks for as a wire that moved.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARD = "raspberrypi-4-b"
LABEL, LINES = "pinctrl-bcm2711", 58
LOCKS = 4
HIGH_AT_REST = ("tilt", "impact", "key")  # active low, not active; shackles and loops are closed

CONF = """\
[unit]
device = {device}
state = {state}
boards = /mw/boards
board = {board}
kit = /mw/kit.ini
[broker]
host = {host}
port = {port}
ca = /mw/ca.pem
certificate = /mw/device.pem
key = /mw/device.key
collector_key = /mw/collector.pem
"""


def kit(debounce=None):
    text = (ROOT / "boards/kits/padlock-hub.ini").read_text()
    text = re.sub(r"^bias = pull-up$", "bias = as-is", text, flags=re.M)
    return re.sub(r"^debounce = .*$", f"debounce = {debounce}", text, flags=re.M) if debounce \
        else text


def conf(device, state, host="127.0.0.1", port=8883, more=""):
    return CONF.format(device=device, state=state, board=BOARD, host=host, port=port) + more


def wires():
    """{role: line of the chip}: the kit's pins by the board's header."""
    pins = dict(re.findall(r"^(\d+) *= main:(\d+)\b", (ROOT / f"boards/{BOARD}.ini").read_text(),
                           re.M))
    roles = re.findall(r"^\[(?:in|out) (\S+)\]\npin = (\d+)$", kit(), re.M)
    return {role: int(pins[pin]) for role, pin in roles}


def rest(roles):
    """The lines that are pulled up while nobody touches anything; all others are low."""
    return [line for role, line in roles.items() if role.split("-")[0] in HIGH_AT_REST]


def shell(roles):
    """What a guest's script needs to make the chip: sourced."""
    names = " ".join(f"{n}=GPIO{n}" for n in range(LINES))
    ups = "".join(f"pull {line} up\n" for line in rest(roles))
    return f"make_chip board {LABEL} {LINES} {names}\n{ups}"


def furnish(image, padlock, keys, configuration, roles, debounce=None):
    """Everything that the daemon wants, into a machine's image; keys: {name: path}."""
    image.program(padlock, "bin/padlock")
    image.tree("mw/boards", ROOT / "boards")
    image.file("mw/kit.ini", kit(debounce))
    image.file("mw/padlock.conf", configuration)
    image.file("mw/chip.sh", shell(roles))
    for name, path in keys.items():
        image.file(f"mw/{name}", path, 0o600)
