"""Keys and certificates for one run, made on the spot: a CA, the broker, the collector, the devices.

All keys are ECDSA P-256; a device's key is also the one that signs its batches.
"""
import os
import subprocess


def openssl(*argv):
    done = subprocess.run(["openssl", *map(str, argv)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"tools/run: openssl {argv[0]} failed: {done.stderr.strip()}")


class Keys:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, 0o700)

    def key(self, name):
        return self.folder / f"{name}.key"

    def cert(self, name):
        return self.folder / f"{name}.pem"

    def make_key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                self.key(name))
        os.chmod(self.key(name), 0o600)

    def make_ca(self):
        if self.cert("ca").exists():
            return
        self.make_key("ca")
        openssl("req", "-x509", "-new", "-key", self.key("ca"), "-out", self.cert("ca"), "-days",
                365, "-subj", "/CN=Moorwatch tools-run CA",
                "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def make(self, name, usage):
        """A certificate for `name`; usage: clientAuth or serverAuth."""
        if self.cert(name).exists():
            return
        self.make_key(name)
        extra = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"] \
            if usage == "serverAuth" else []
        openssl("req", "-x509", "-new", "-key", self.key(name), "-CA", self.cert("ca"), "-CAkey",
                self.key("ca"), "-out", self.cert(name), "-days", 365, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", f"extendedKeyUsage={usage}", *extra)
