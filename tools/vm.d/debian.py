"""Debian packages of any architecture, fetched and unpacked beside the machine, never installed.

apt works on a state of its own for each architecture; the mirror is the one that this machine's own
apt takes Debian from.  Names of packages are resolved anew whenever something is fetched: mirrors
drop old kernels.  What is unpacked once stays under the cache folder.
"""
import pathlib
import shutil
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Failed(Exception):
    """Something could not be prepared; the text says what to do."""


def run(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **more)
    if done.returncode:
        raise Failed(f"{pathlib.Path(str(argv[0])).name} failed: "
                     f"{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def mirror(suite):
    """Where this machine takes `suite` from; any Debian it knows has all the others."""
    lines = run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)",
                "Created-By: Packages").splitlines()
    sites = [line.split()[0] for line in lines if line.endswith(" " + suite)]
    if not sites:
        raise Failed(f"apt names no source of {suite}: run apt-get update first")
    return sites[0]


def codename():
    for line in open("/etc/os-release"):
        if line.startswith("VERSION_CODENAME="):
            return line.strip().partition("=")[2].strip('"')
    raise Failed("/etc/os-release names no VERSION_CODENAME")


class Apt:
    """One suite for one architecture: resolves, downloads, unpacks."""

    def __init__(self, cache, arch, suite="bookworm"):
        self.folder = cache / "apt" / f"{suite}-{arch}"
        self.arch, self.suite, self.fresh = arch, suite, False
        self.debs = cache / "debs"

    def options(self):
        f = self.folder
        return ["-qq", "-o", f"APT::Architecture={self.arch}",
                "-o", f"APT::Architectures={self.arch}",
                "-o", f"Dir::Etc::SourceList={f}/sources.list",
                "-o", f"Dir::Etc::SourceParts={f}/none", "-o", f"Dir::State::Lists={f}/lists",
                "-o", f"Dir::State::Status={f}/status", "-o", f"Dir::Cache={f}",
                "-o", f"Dir::Cache::Archives={f}/archives", "-o", "Debug::NoLocking=1",
                "-o", "APT::Install-Recommends=false", "-o", "Acquire::Retries=3",
                "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"]

    def update(self):
        """The list of packages, once a run."""
        if self.fresh:
            return
        for name in ("lists/partial", "archives/partial", "none"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("")
        (self.folder / "sources.list").write_text(
            f"deb [arch={self.arch} signed-by={KEYRING}] {mirror(codename())} {self.suite} main\n")
        run("apt-get", *self.options(), "update")
        self.fresh = True

    def depends(self, package):
        """The names of what `package` depends on."""
        self.update()
        out = run("apt-cache", *self.options()[1:], "depends", package)
        return [line.split()[1] for line in out.splitlines() if line.startswith("  Depends:")]

    def version(self, package):
        self.update()
        out = run("apt-cache", *self.options()[1:], "show", package)
        return next(line.split()[1] for line in out.splitlines() if line.startswith("Version:"))

    def download(self, *packages):
        """The .deb files of these, by themselves."""
        self.update()
        self.debs.mkdir(parents=True, exist_ok=True)
        found = []
        for package in packages:
            out = run("apt-get", *self.options(), "--print-uris", "download", package,
                      cwd=self.debs)
            deb = self.debs / out.split()[1]
            if not deb.exists():
                run("apt-get", *self.options(), "download", package, cwd=self.debs)
            found.append(deb)
        return found

    def unpack(self, folder, *packages):
        for deb in self.download(*packages):
            run("dpkg-deb", "-x", deb, folder)
            deb.unlink()


def once(folder, make):
    """Makes `folder` by make(scratch folder) unless it is there: whole or not at all."""
    if not folder.exists():
        scratch = folder.with_name(folder.name + ".new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        make(scratch)
        scratch.rename(folder)
    return folder
