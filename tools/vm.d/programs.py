"""What runs in the machines, built here: the presets of CMakePresets.json, and Debian's libraries."""
import os
import pathlib
import subprocess

from debian import Failed, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUEST = ("padlock", "padlock_no_fdatasync", "wireplay", "diskmark")
HOST = ("moorwatch", "moorwatch-collector", "padlock")


def build(preset, *targets):
    """The folder build/PRESET with these targets up to date."""
    folder = ROOT / "build" / preset
    for argv in (["cmake", "--preset", preset],
                 ["cmake", "--build", "--preset", preset, "-j", os.cpu_count(), "--target",
                  *targets]):
        done = subprocess.run([str(a) for a in argv], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"the {preset} build failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return folder


def sysroot(preset):
    """The libraries of a cross preset: (its architecture, its folder); fetched once."""
    suite = "trixie" if preset.startswith("trixie-") else "bookworm"
    arch, folder = preset.removeprefix("trixie-"), ROOT / "build/sysroot" / preset
    if not folder.exists():
        run(ROOT / "boards/sysroot", "--suite", suite, arch, folder)
    return folder
