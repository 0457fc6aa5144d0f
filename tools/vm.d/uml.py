"""User-mode Linux: a kernel that is a program of this machine, whose clock may run ahead of ours.

    kernel = uml.prepare(cache)                       # built once: four minutes on four cores
    lines = uml.run(kernel, initrd, "/day.sh", log, seconds=600, share=folder)

With time travel the guest's clock jumps to the next deadline whenever the guest has nothing to do,
and stands still while it computes: a day of sleeping daemons takes about a minute.  Debian's own
user-mode-linux has no GPIO, and kernels before 7 end at once on processors with AMX: the source is
the newest that trixie-backports has.  `share` is seen by the guest through hostfs.
"""
import os
import pathlib
import re
import shutil
import subprocess
import time

from debian import Apt, Failed, once, run

SUITE = "trixie-backports"
HOST = pathlib.Path("/")
OPTIONS = """
64BIT BINFMT_ELF BINFMT_SCRIPT PRINTK BUG MULTIUSER FILE_LOCKING BLOCK BLK_DEV BLK_DEV_UBD EXT4_FS
DEVTMPFS TMPFS PROC_FS SYSFS HOSTFS CONFIGFS_FS BLK_DEV_INITRD RD_GZIP GPIOLIB GPIO_CDEV
GPIO_CDEV_V1 GPIO_SIM TTY UNIX98_PTYS STDERR_CONSOLE STDIO_CONSOLE NULL_CHAN FD_CHAN SSL NET INET
UNIX FUTEX EPOLL SIGNALFD TIMERFD EVENTFD POSIX_TIMERS AIO SHMEM MEMBARRIER ADVISE_SYSCALLS
INOTIFY_USER HIGH_RES_TIMERS UML_TIME_TRAVEL_SUPPORT
""".split()
NEEDED = ("GPIO_SIM", "UML_TIME_TRAVEL_SUPPORT", "HOSTFS", "EXT4_FS")


def newest_source(apt):
    apt.update()
    names = run("apt-cache", *apt.options()[1:], "search", "--names-only",
                r"^linux-source-[0-9.]+$").split("\n")
    names = [name.split()[0] for name in names if name]
    if not names:
        raise Failed(f"{SUITE} has no linux-source")
    return max(names, key=lambda n: [int(x) for x in re.findall(r"\d+", n)])


def unpack(deb, package, folder):
    """The tree of the source: an archive within an archive."""
    chain = [["dpkg-deb", "--fsys-tarfile", deb],
             ["tar", "-xO", f"./usr/src/{package}.tar.xz"], ["xz", "-dcT0"]]
    before = None
    for argv in chain:
        child = subprocess.Popen(argv, stdin=before, stdout=subprocess.PIPE)
        before = child.stdout
    run("tar", "-C", folder, "--strip-components=1", "-x", stdin=before)


def build(source, folder, jobs):
    def make(*words):
        run("make", "-C", source, f"O={folder}", "ARCH=um", *words,
            env={**os.environ, "MAKEFLAGS": ""})
    folder.mkdir()
    wanted = folder / "wanted"
    wanted.write_text("".join(f"CONFIG_{o}=y\n" for o in OPTIONS))
    make(f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig")
    config = (folder / ".config").read_text().split("\n")
    for option in NEEDED:
        if f"CONFIG_{option}=y" not in config:
            raise Failed(f"this kernel cannot be built with {option}")
    make(f"-j{jobs}", "linux")


def prepare(cache, say=print):
    """The kernel, a program; cached."""
    def make(scratch):
        apt = Apt(cache, "amd64", SUITE)
        package = newest_source(apt)
        say(f"user-mode Linux: {package} is fetched and built, once: about 4 minutes")
        deb, = apt.download(package)
        source = scratch / "source"
        source.mkdir()
        unpack(deb, package, source)
        deb.unlink()
        build(source, scratch / "kernel", os.cpu_count())
        run("strip", "-o", scratch / "linux", scratch / "kernel/linux")
        shutil.rmtree(source)
        shutil.rmtree(scratch / "kernel")
    return once(cache / "uml", make) / "linux"


def command(kernel, initrd, script, share=None, memory=128, travel=True, words="",
            now=None):
    argv = [kernel, f"mem={memory}M", f"initrd={initrd}", "rdinit=/init", "con=null",
            "con0=null,fd:1", "ssl=null", "quiet", "panic=-1", "seccomp=auto",
            f"now={now or int(time.time())}",
            f"script={script}", *words.split()]
    argv += ["time-travel=inf-cpu"] if travel else []
    argv += [f"hostfs={share}"] if share else []
    return [str(a) for a in argv]


def run_guest(kernel, initrd, script, log, seconds, **more):
    """Runs it to its end; the lines of its console."""
    with open(log, "w") as out:
        child = subprocess.Popen(command(kernel, initrd, script, **more), stdout=out,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"still running after {seconds} s ({log})") from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, 9)  # a session of its own: the guest's processes are ours too
                child.wait()
    return open(log, errors="replace").read().splitlines()
