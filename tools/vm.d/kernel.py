"""Kernels for the machines: Debian's own, with gpio-sim and i2c-stub compiled beside it.

Debian 12 builds GPIO in but neither gpio-sim nor its simulated interrupts, so those two files of
the same kernel's source are compiled out of tree into one gpio-sim.ko.  irq_to_desc is not exported
to modules; irq_get_irq_data is, and leads to the same descriptor.  i2c-stub, a bus whose chips are
registers in memory, is built with them: not every flavour has it.
"""
import dataclasses
import functools
import os
import pathlib
import re
import subprocess

from debian import Apt, Failed, once, run

CROSS = {"amd64": ("x86", ""), "arm64": ("arm64", "aarch64-linux-gnu-")}
SOURCES = ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c",
           "drivers/i2c/i2c-stub.c", "scripts/extract-vmlinux")
IRQ_SIM = """\
#include <linux/irq.h>
#include <linux/irqdesc.h>
static inline struct irq_desc *descriptor(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);
	return data ? irq_data_to_desc(data) : NULL;
}
#define irq_to_desc descriptor
#include "irq_sim.c"
"""
KBUILD = """\
ccflags-y += -DCONFIG_IRQ_SIM=1 -DCONFIG_GPIO_SIM_MODULE=1
obj-m := gpio-sim.o i2c-stub.o
gpio-sim-y := sim_main.o irq_main.o
"""


@dataclasses.dataclass(frozen=True)
class Kernel:
    arch: str
    folder: pathlib.Path

    @property
    def release(self):
        return next((self.folder / "lib/modules").iterdir()).name

    @property
    def image(self):
        return self.folder / "vmlinux"

    def modules(self, *names):
        """The files of these modules and of all that they need, in the order of loading."""
        found = []
        for name in names:
            ours = self.folder / "simulators" / f"{name}.ko"
            if ours.exists():
                found.append(ours)
                continue
            for path in needs(self.folder, self.release, name.replace("-", "_")):
                if path not in found:
                    found.append(path)
        return found


@functools.cache
def dependencies(folder, release):
    top = folder / "lib/modules" / release
    table = {}
    for line in (top / "modules.dep").read_text().splitlines():
        path, _, before = line.partition(":")
        name = pathlib.Path(path).name.partition(".")[0].replace("-", "_")
        table[name] = [top / p for p in reversed(before.split())] + [top / path]
    builtin = {pathlib.Path(line).name.partition(".")[0].replace("-", "_")
               for line in (top / "modules.builtin").read_text().splitlines()}
    return table, builtin


def needs(folder, release, name):
    table, builtin = dependencies(folder, release)
    if name in builtin:
        return []
    if name not in table:
        raise Failed(f"kernel {release} has no module {name}")
    return table[name]


def sources(cache, series, version):
    """Four files out of the kernel's source."""
    def make(scratch):
        apt = Apt(cache, "amd64")
        deb, = apt.download(f"linux-source-{series}={version}")
        wanted = [f"linux-source-{series}/{name}" for name in SOURCES]
        tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        inner = subprocess.Popen(["tar", "-xO", f"./usr/src/linux-source-{series}.tar.xz"],
                                 stdin=tar.stdout, stdout=subprocess.PIPE)
        plain = subprocess.Popen(["xz", "-dcT0"], stdin=inner.stdout, stdout=subprocess.PIPE)
        run("tar", "-C", scratch, "--strip-components=1", "-x", *wanted, stdin=plain.stdout)
        for child in (tar, inner, plain):
            child.stdout.close()
            child.wait()
        deb.unlink()
    return once(cache / f"source-{series}-{version}", make)


def build_simulators(arch, headers, release, source, folder):
    """gpio-sim.ko and i2c-stub.ko for this kernel, in `folder`."""
    folder.mkdir(parents=True)
    for name in SOURCES[:4]:
        (folder / pathlib.Path(name).name).write_text((source / name).read_text())
    (folder / "sim_main.c").write_text('#include "gpio-sim.c"\n')
    (folder / "irq_main.c").write_text(IRQ_SIM)
    (folder / "Kbuild").write_text(KBUILD)
    build = headers / "usr/src" / f"linux-headers-{release}"
    makefile = build / "Makefile"
    makefile.write_text(re.sub(r"^include /usr/src/", f"include {headers}/usr/src/",
                               makefile.read_text(), flags=re.M))
    machine, cross = CROSS[arch]
    run("make", "-C", build, f"M={folder}", f"ARCH={machine}", f"CROSS_COMPILE={cross}",
        f"CC={cross}gcc-12", "modules", env={**os.environ, "MAKEFLAGS": ""})
    run(f"{cross}strip", "-g", folder / "gpio-sim.ko", folder / "i2c-stub.ko")


def prepare(cache, arch):
    """The kernel of `arch`, ready to boot: downloaded, unpacked, gpio-sim built.  Cached."""
    def make(scratch):
        apt, tools = Apt(cache, arch), Apt(cache, "amd64")
        image = next(p for p in apt.depends(f"linux-image-{arch}") if p.startswith("linux-image-"))
        release, version = image.removeprefix("linux-image-"), apt.version(image)
        series = ".".join(release.split(".")[:2])
        apt.unpack(scratch, image)
        run("depmod", "-b", scratch, release)
        headers = scratch / "headers"
        headers.mkdir()
        apt.unpack(headers, f"linux-headers-{release}")
        common = release.removesuffix("-" + arch) + "-common"
        tools.unpack(headers, f"linux-headers-{common}={version}",
                     f"linux-kbuild-{series}={version}")
        source = sources(cache, series, version)
        build_simulators(arch, headers, release, source, scratch / "simulators")
        run("rm", "-rf", headers)
        boot = scratch / "boot" / f"vmlinuz-{release}"
        if arch == "amd64":  # the PVH entry of the bare kernel boots in half the time
            with open(scratch / "vmlinux", "wb") as out:
                subprocess.run(["sh", source / "scripts/extract-vmlinux", boot], stdout=out,
                               stderr=subprocess.DEVNULL, check=True)
        else:
            boot.rename(scratch / "vmlinux")
    return Kernel(arch, once(cache / f"kernel-{arch}", make))


def busybox(cache, arch):
    def make(scratch):
        Apt(cache, arch).unpack(scratch, "busybox-static")
    return once(cache / f"busybox-{arch}", make) / "bin/busybox"
