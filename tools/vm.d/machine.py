"""Small machines: QEMU without acceleration, one initial RAM disk, the console in a log file.

    with Machine(kernel, initrd, log, script="/tests.sh", memory=128, more=["-drive", ...]) as m:
        m.wait_for(r"READY", 30)     # a line of the console, as a match
        m.kill()                     # the power cut: SIGKILL, nothing is told to anybody
        m.finish(60)                 # until it has switched itself off
        m.answer(60, count=count)    # the same, and answers what the guest asks (lib.sh: ask)

Always `-accel tcg`: a kernel that can be accelerated on one machine cannot on the next, and the
figures would not compare.  The amd64 kernel is booted bare (PVH) on q35: microvm would be a second
quicker, but has no timer beside the TSC, whose calibration a busy host spoils.  Devices are
virtio-*-pci on both: load virtio_pci first.  `network=(port, ...)` gives the guest a card whose only way out leads
from 10.0.2.100:PORT to the host's 127.0.0.1:PORT, one small program per connection.
"""
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

from debian import Failed

HERE = pathlib.Path(__file__).resolve().parent
COMMON = ["-accel", "tcg", "-smp", "1", "-nodefaults", "-display", "none", "-serial", "stdio",
          "-monitor", "none", "-no-reboot"]
KINDS = {
    "amd64": (["qemu-system-x86_64", "-cpu", "qemu64", "-M", "q35"],
              "console=ttyS0 mitigations=off nopti nokaslr no_timer_check"),
    "arm64": (["qemu-system-aarch64", "-cpu", "cortex-a53", "-M", "virt"],
              "console=ttyAMA0 cma=0"),
}


class Machine:
    def __init__(self, kernel, initrd, log, script, memory=128, network=(), more=(), words="",
                 qtest=False):
        argv, append = KINDS[kernel.arch]
        argv = [*argv, *COMMON, "-m", str(memory), "-kernel", str(kernel.image),
                "-initrd", str(initrd), *more]
        if network:
            ways = "".join(
                f",guestfwd=tcp:10.0.2.100:{p}-cmd:{sys.executable} {HERE / 'pipe.py'} {p}"
                for p in network)
            argv += ["-netdev", f"user,id=n,restrict=on{ways}", "-device", "virtio-net-pci,netdev=n"]
        self.qtest = QTest() if qtest else None
        argv += self.qtest.argv if qtest else []
        argv += ["-append", f"{append} quiet panic=-1 rootfstype=ramfs now={int(time.time())} script={script} "
                            f"{words}".strip()]
        self.log = open(log, "w")
        self.log.write(" ".join(argv) + "\n")
        self.began, self.seen, self.at = time.monotonic(), [], 0
        self.news = threading.Condition()
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def read(self):
        for line in self.child.stdout:
            line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|[\r\x00]", "", line).rstrip("\n")
            self.log.write(f"{time.monotonic() - self.began:7.2f} {line}\n")
            self.log.flush()
            with self.news:
                self.seen.append(line)
                self.news.notify_all()
        with self.news:
            self.seen.append(None)  # the end
            self.news.notify_all()

    def wait_for(self, pattern, seconds):
        """The next line of the console that matches, as a match; lines before it are passed."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                while self.at < len(self.seen):
                    line = self.seen[self.at]
                    if line is None:
                        raise Failed(f"the machine ended before \"{pattern}\" ({self.log.name})")
                    self.at += 1
                    if match := re.search(pattern, line):
                        return match
                if not self.news.wait(max(0, end - time.monotonic())) and time.monotonic() >= end:
                    raise Failed(f"no \"{pattern}\" within {seconds} s ({self.log.name})")

    def tell(self, text):
        """A line to the guest's console."""
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()

    def answer(self, seconds, **answers):
        """Until it has switched itself off: every "ASK WORD ARGUMENTS..." of the guest is answered by
        answers[WORD](*arguments), a line of text."""
        end = time.monotonic() + seconds
        while True:
            try:
                ask = self.wait_for(r"^ASK (\S+) ?(.*)$|^OFF ", end - time.monotonic())
            except Failed:
                if self.child.poll() is None:
                    raise
                return self.finish(0)
            if ask[1] is None:
                return self.finish(max(1, end - time.monotonic()))
            self.tell(answers[ask[1]](*ask[2].split()))

    def lines(self):
        return [line for line in self.seen if line is not None]

    def finish(self, seconds):
        """Waits until the machine is off; returns its lines."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"still running after {seconds} s ({self.log.name})") from None
        self.reader.join()
        self.log.close()
        return self.lines()

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.reader.join()
        self.log.close()
        if self.qtest:
            self.qtest.close()


class QTest:
    """QEMU's own test sockets beside a running guest: wires moved and registers read from outside."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mw-vm-")
        test, qmp = f"{self.folder.name}/qtest", f"{self.folder.name}/qmp"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(test)
        self.listener.listen(1)
        self.qmp_path, self.stream = qmp, None
        self.argv = ["-qtest", f"unix:{test}", "-qtest-log", "none",
                     "-qmp", f"unix:{qmp},server=on,wait=off"]

    def command(self, text):
        if self.stream is None:
            self.listener.settimeout(20)
            self.stream = self.listener.accept()[0].makefile("rw")
        self.stream.write(text + "\n")
        self.stream.flush()
        while (answer := self.stream.readline().strip()).startswith("IRQ"):
            pass
        if not answer.startswith("OK"):
            raise Failed(f"qtest: {text}: {answer or 'no answer'}")
        return answer

    def find(self, kind):
        """The path of the first device of a kind."""
        with socket.socket(socket.AF_UNIX) as s:
            for _ in range(200):  # until QEMU listens
                if s.connect_ex(self.qmp_path) == 0:
                    break
                time.sleep(0.05)
            stream = s.makefile("rw")
            stream.readline()

            def ask(execute, **arguments):
                stream.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
                stream.flush()
                while True:
                    answer = json.loads(stream.readline())
                    if "return" in answer or "error" in answer:
                        return answer
            ask("qmp_capabilities")
            for parent in ("/machine/unattached", "/machine"):
                for child in ask("qom-list", path=parent).get("return", []):
                    if kind in child["type"]:
                        return f"{parent}/{child['name']}"
        raise Failed(f"this machine has no {kind}")

    def pin(self, device, line, level):
        self.command(f"set_irq_in {device} unnamed-gpio-in {line} {level}")

    def read32(self, address):
        return int(self.command(f"readl 0x{address:x}").split()[1], 0)

    def close(self):
        if self.stream is not None:
            self.stream.close()
        self.listener.close()
        self.folder.cleanup()
