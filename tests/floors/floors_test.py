#!/usr/bin/env python3
"""An include of a floor that is not below does not compile.

Takes the compile command of a real source of each floor from the build's compile_commands.json,
puts a probe in the source's place, and asks the compiler: every header of a floor it may use must be
found, every header of a floor it may not use must not.  The table below is ARCHITECTURE.md's, kept
apart from the USES lists in the CMake files so that the two check each other.
"""
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# floor: the floors it may see (its own folder included by construction).
MAY_SEE = {
    "firmware/base": [],
    "firmware/wire": ["firmware/base"],
    "firmware/core": ["firmware/base", "firmware/wire"],
    "firmware/port": ["firmware/base", "firmware/wire", "firmware/core"],
}
FIELD_SIDE = ["firmware/core", "firmware/port", "firmware/speedwatch", "firmware/padlock"]


def headers(floor):
    return sorted((ROOT / floor).glob("*.h"))


def collector_floors():
    return sorted({str(h.parent.relative_to(ROOT)) for h in (ROOT / "collector").rglob("*.h")})


def commands(build):
    """One compile command (as a list) per folder, of the library's own sources only."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if not source.is_relative_to(ROOT) or source.is_relative_to(build):
            continue
        folder = str(source.parent.relative_to(ROOT))
        found.setdefault(folder, (shlex.split(entry["command"]), entry["directory"], source))
    return found


def finds(command, header, scratch):
    """True if a source compiled by this command can include the header by its bare name."""
    argv, cwd, source = command
    probe = pathlib.Path(scratch) / "probe.c"
    probe.write_text(f"#if !__has_include(\"{header}\")\n#error not seen\n#endif\nint probe;\n")
    argv = [str(probe) if pathlib.Path(cwd, a) == source else a for a in argv]
    out = argv.index("-o")
    argv[out:out + 2] = []
    done = subprocess.run(argv + ["-fsyntax-only"], cwd=cwd, text=True,
                          capture_output=True)
    if done.returncode and "not seen" not in done.stderr:
        raise SystemExit(f"the probe failed for another reason:\n{done.stderr}")
    return done.returncode == 0


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    by_folder = commands(build)
    every = list(MAY_SEE) + ["firmware/speedwatch", "firmware/padlock"] + collector_floors()
    wrong, asked = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for floor, command in sorted(by_folder.items()):
            if floor in MAY_SEE:
                allowed = MAY_SEE[floor]
                forbidden = [f for f in every if f not in allowed and f != floor]
            elif floor.startswith("collector"):
                allowed, forbidden = [], FIELD_SIDE
            else:
                continue
            own = {h.name for f in allowed + [floor] for h in headers(f)}
            for target, want in [(f, True) for f in allowed] + [(f, False) for f in forbidden]:
                for header in headers(target):
                    if not want and header.name in own:
                        continue
                    asked += 1
                    if finds(command, header.name, scratch) != want:
                        wrong.append(f"{floor} {'cannot' if want else 'can'} include "
                                     f"{target}/{header.name}")
    print(f"{asked} includes tried from {len(by_folder)} folders, {len(wrong)} wrong")
    for line in wrong:
        print("  " + line)
    if asked < 10:
        print("  too few were tried: is this the right build folder?")
    return 1 if wrong or asked < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
