"""Initial RAM disks: busybox, programs with the libraries they need, modules, and a script to run.

    image = Image(kernel, busybox, libraries=[folder, ...])
    image.program(path, "bin/padlock")          # and every library that it needs
    image.file("etc/moorwatch/hub.conf", "text or bytes or a path", mode=0o644)
    image.modules("virtio_blk", "crc32c_generic", "ext4")   # loaded by /init in this order
    initrd = image.write(path)

/init (guest/init) mounts what is usual, loads the modules, sets the clock from the command line and
runs the script that the command line names (script=/tests.sh), then switches the machine off.
"""
import gzip
import os
import pathlib
import re
import stat

from debian import Failed, run

GUEST = pathlib.Path(__file__).resolve().parent / "guest"
FOLDERS = ("bin", "dev", "proc", "sys", "tmp", "run", "etc", "lib", "mods", "var", "mnt", "root")
TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu",
            "armhf": "arm-linux-gnueabihf"}


def library_folders(arch, root):
    """Where the libraries of an architecture lie below `root` (/ or a sysroot)."""
    t = TRIPLETS[arch]
    return [root / d for d in (f"lib/{t}", f"usr/lib/{t}", "lib", "usr/lib", "lib64", "usr/lib64")]


def elf_needs(path):
    """(the loader or None, the libraries) of a program or library."""
    text = run("readelf", "-ldW", path)
    loader = re.search(r"program interpreter: ([^\]]+)", text)
    return loader and loader[1], re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def newc(name, mode, data, number):
    """One entry of a cpio archive as the kernel unpacks it."""
    raw = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


class Image:
    def __init__(self, kernel, busybox, libraries=()):
        self.kernel, self.libraries = kernel, list(libraries)
        self.entries, self.loads = {}, []
        self.file("bin/busybox", busybox, 0o755)
        self.file("init", GUEST / "init", 0o755)
        self.file("lib.sh", GUEST / "lib.sh")

    def file(self, name, what, mode=0o644):
        data = what if isinstance(what, bytes) else what.encode() if isinstance(what, str) \
            else pathlib.Path(what).read_bytes()
        self.entries[name] = (stat.S_IFREG | mode, data)

    def tree(self, name, folder):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.file(f"{name}/{path.relative_to(folder)}", path)

    def program(self, path, name):
        self.file(name, pathlib.Path(path), 0o755)
        self.needs(path)

    def needs(self, path):
        loader, names = elf_needs(path)
        for library in names + ([pathlib.Path(loader).name] if loader else []):
            where = loader.lstrip("/") if loader and loader.endswith("/" + library) \
                else f"lib/{library}"
            if where not in self.entries:
                found = self.find(library)
                self.file(where, found, 0o755)
                self.needs(found)

    def find(self, library):
        for folder in self.libraries:
            if (folder / library).exists():
                return (folder / library).resolve()
        raise Failed(f"no {library} below {', '.join(str(f) for f in self.libraries[:2])}")

    def modules(self, *names):
        for path in self.kernel.modules(*names):
            if path.name not in (load.split()[0] for load in self.loads):
                self.loads.append(path.name)
                self.file(f"mods/{path.name}", path)

    def module(self, name, parameters):
        """One module with parameters."""
        self.modules(name)
        self.loads[-1] += f" {parameters}"

    def write(self, path):
        """The archive, gzip'd; returns its path."""
        self.file("mods/list", "".join(f"{name}\n" for name in self.loads))
        folders = set(FOLDERS)
        for name in self.entries:
            folders.update(str(p) for p in pathlib.PurePath(name).parents if str(p) != ".")
        out = [newc(f, stat.S_IFDIR | 0o755, b"", n) for n, f in enumerate(sorted(folders), 1)]
        out += [newc(name, mode, data, n) for n, (name, (mode, data))
                in enumerate(sorted(self.entries.items()), len(out) + 1)]
        out.append(newc("TRAILER!!!", 0, b"", 0))
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + f".{os.getpid()}")
        with gzip.GzipFile(scratch, "wb", compresslevel=1, mtime=0) as f:
            f.writelines(out)
        scratch.rename(path)
        return path
