"""Child processes: started, watched, killed on purpose and stopped for certain.

Every child dies with this process, however it ends: the kernel sends SIGTERM (PR_SET_PDEATHSIG), and
stop_all waits, then kills, by pid and only what was started here.
"""
import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    os.setpgid(0, 0)  # Ctrl-C at the terminal is ours to handle, in order
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Failed(Exception):
    """Something did not start, or ended by itself; the text says what to look at."""


class Processes:
    def __init__(self, logs):
        self.logs = logs
        self.commands = {}
        self.running = {}
        self.order = []

    def start(self, name, argv):
        self.commands[name] = [str(a) for a in argv]
        if name not in self.order:
            self.order.append(name)
        with open(self.logs / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(self.commands[name], stdin=subprocess.DEVNULL,
                                                  stdout=log, stderr=log,
                                                  preexec_fn=_die_with_parent)

    def restart(self, name):
        self.start(name, self.commands[name])

    def pid(self, name):
        return self.running[name].pid

    def kill9(self, name):
        child = self.running.pop(name)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def stop(self, name, seconds=20):
        """SIGTERM, and SIGKILL if that does not do; the exit code, or None if it had to be killed."""
        child = self.running.pop(name, None)
        if child is None:
            return 0
        child.send_signal(signal.SIGTERM)
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return None

    def signal(self, name, number):
        self.running[name].send_signal(number)

    def wait(self, name, seconds):
        child = self.running[name]
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        del self.running[name]
        return code

    def ended(self):
        """Names of those that ended by themselves."""
        return [n for n, c in self.running.items() if c.poll() is not None]

    def check(self):
        for name in self.ended():
            code = self.running[name].returncode
            raise Failed(f"{name} ended by itself (code {code}):\n{self.tail(name)}")

    def tail(self, name, lines=15):
        text = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in text[-lines:]) + f"\n  in {self.logs}/{name}.log"

    def stop_all(self):
        """Users before those they use: the reverse of the order in which they were started."""
        for name in reversed(self.order):
            if name in self.running:
                self.running[name].send_signal(signal.SIGTERM)
                time.sleep(0.02)
        for name in reversed(self.order):
            self.stop(name, 10)


def wait_until(true, seconds, what, processes=None):
    """Polls true() until it is; Failed after so many seconds, or when a child ends by itself."""
    end = time.monotonic() + seconds
    while not true():
        if processes is not None:
            processes.check()
        if time.monotonic() > end:
            raise Failed(f"{what} did not happen within {seconds} seconds")
        time.sleep(0.1)
