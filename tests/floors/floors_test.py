#!/usr/bin/env python3
"""An include of a floor that is not below does not compile.

Takes the compile commands of the real sources of each floor from the build's compile_commands.json,
puts a probe in the source's place, and asks the compiler which headers of the house it would find:
none of a floor that may not be used.  The table below is ARCHITECTURE.md's, kept apart from the USES
lists in the CMake files so that the two check each other.
"""
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# floor: the floors it may see (its own folder besides).
MAY_SEE = {
    "firmware/base": [],
    "firmware/wire": ["firmware/base"],
    "firmware/core": ["firmware/base", "firmware/wire"],
    "firmware/port": ["firmware/base", "firmware/wire", "firmware/core"],
}
# What the collector's side may never see: it knows the field by its wire alone.
FIELD_SIDE = ["firmware/core", "firmware/port", "firmware/speedwatch", "firmware/padlock"]


def headers(folder):
    return sorted(h.name for h in (ROOT / folder).glob("*.h"))


def floors():
    folders = {h.parent for side in ("firmware", "collector") for h in (ROOT / side).rglob("*.h")}
    return sorted(str(f.relative_to(ROOT)) for f in folders)


def commands(build):
    """The distinct compile commands of each folder: (argv, working directory, source)."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if not source.is_relative_to(ROOT) or source.is_relative_to(build):
            continue
        argv = shlex.split(entry["command"])
        seen = tuple(a for a in argv if a.startswith(("-I", "-isystem")))
        folder = str(source.parent.relative_to(ROOT))
        # Tests compile some sources once more, with bugs planted: these are not the floor.
        if not argv[argv.index("-o") + 1].startswith(folder + "/CMakeFiles/"):
            continue
        found.setdefault(folder, {}).setdefault(seen, (argv, entry["directory"], source))
    return {folder: list(each.values()) for folder, each in found.items()}


def sees(command, names, scratch):
    """Which of the headers a source compiled by this command finds by their bare names."""
    argv, cwd, source = command
    probe = pathlib.Path(scratch) / "probe.c"
    probe.write_text("".join(f'#if __has_include("{n}")\nSEES {n}\n#endif\n' for n in names))
    argv = [str(probe) if pathlib.Path(cwd, a) == source else a for a in argv]
    out = argv.index("-o")
    argv[out:out + 2] = []
    argv[argv.index("-c")] = "-E"
    done = subprocess.run(argv + ["-P"], cwd=cwd, text=True, capture_output=True, check=True)
    return {line.split()[1] for line in done.stdout.splitlines() if line.startswith("SEES ")}


def forbidden_for(folder, every):
    if folder in MAY_SEE:
        return [f for f in every if f != folder and f not in MAY_SEE[folder]]
    return FIELD_SIDE if folder.startswith("collector") else []


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    every, wrong, asked, base_seen = floors(), [], 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for folder, each in sorted(commands(build).items()):
            forbidden = forbidden_for(folder, every)
            own = set(headers(folder)) | {n for f in MAY_SEE.get(folder, []) for n in headers(f)}
            for command in each if forbidden else []:
                names = [(n, f) for f in forbidden for n in headers(f) if n not in own]
                seen = sees(command, [n for n, _ in names] + ["err.h"], scratch)
                base_seen += "err.h" in seen
                asked += len(names)
                wrong += [f"{folder} can include {f}/{n}" for n, f in names if n in seen]
    print(f"{asked} includes tried, {len(wrong)} of them would compile")
    for line in sorted(set(wrong)):
        print("  " + line)
    if asked < 10 or base_seen < 4:
        print("  the probe does not work: is this the right build folder?")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
