"""A machine's disk: an ext4 file system in a file, read without mounting it (no root needed)."""
import shutil
import subprocess

from debian import Failed, run

MIB = 32
TAIL = MIB << 20  # behind the file system, for those who want a block of their own


def make(path, tail=False):
    with open(path, "wb") as f:
        f.truncate(TAIL + (65536 if tail else 0))
    run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", path, f"{MIB}M")


def recover(path):
    """Replays the journal, as a mount would; a file system that is beyond repair fails."""
    done = subprocess.run(["e2fsck", "-fy", path], capture_output=True, text=True)
    if done.returncode > 2:  # 1 and 2: something was repaired
        raise Failed(f"e2fsck of {path}: {done.stdout.strip()[-500:]}")
    return done.returncode


def dump(path, name, folder):
    """Copies the directory `name` of the file system to `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run("debugfs", "-R", f"rdump /{name} {folder}", path)
    return folder / name
