"""What kit_drive is to find: every board with every kit, by a reading of the files that shares no
code with firmware/port/board.c.  tests/vm/kit_drive.c says what the lines mean.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards"


def sections(path):
    """[(heading, {key: value})] of an INI file."""
    found = []
    for line in path.read_text().splitlines():
        line = line.split(" ;")[0].strip()
        if heading := re.fullmatch(r"\[(.+)\]", line):
            found.append((heading[1], {}))
        elif found and "=" in line and not line.startswith(";"):
            key, _, value = line.partition("=")
            found[-1][1][key.strip()] = value.strip()
    return found


class Board:
    def __init__(self, path):
        self.name, self.chips, self.pins = path.stem, {}, {}
        for heading, keys in sections(path):
            kind, _, name = heading.partition(" ")
            if kind == "chip":
                self.chips[name] = (keys["label"], int(keys["min_lines"]))
            elif kind == "connector":
                pins = {k: v for k, v in keys.items() if k.isdigit()}
                self.pins.setdefault(keys["type"], {}).update(pins)

    def place(self, connector, pin):
        """(label, offset) of a pin."""
        chip, _, offset = self.pins[connector][pin].split()[0].partition(":")
        return self.chips[chip][0], int(offset)

    def text(self):
        """The board, its chips and their named lines."""
        lines = [f"board {self.name}"] + [f"chip {label} {n}" for label, n in self.chips.values()]
        names = {(*self.place(c, p), what.split()[1].split("|")[0])
                 for c, pins in self.pins.items() for p, what in pins.items() if " " in what}
        return lines + [f"name {label} {offset} {name}" for label, offset, name in sorted(names)]


def kit_text(board, path):
    """The kit's wires on a board, or nothing if it does not go there."""
    parts = sections(path)
    connector = next(k["connector"] for h, k in parts if h == "kit")
    if not board.pins.get(connector):
        return []
    lines = [f"kit {path.stem}"]
    for heading, keys in parts:
        kind, _, role = heading.partition(" ")
        if kind not in ("in", "out"):
            continue
        label, offset = board.place(connector, keys["pin"])
        rest = keys.get("rest" if kind == "in" else "safe", "off")
        lines.append(f"{kind} {role} {label} {offset} {keys.get('active', 'high')} {rest}")
    return lines


def make():
    """The plan of all boards that have chips."""
    kits, lines = sorted((BOARDS / "kits").glob("*.ini")), []
    for path in sorted(BOARDS.glob("*.ini")):
        board = Board(path)
        if board.name == "host":
            continue
        wires = [line for kit in kits for line in kit_text(board, kit)]
        lines += [*board.text(), *wires, "end"] if wires else []
    return "\n".join(lines) + "\n"
