"""Certificates and keys as files, made by openssl(1)."""

import subprocess
from pathlib import Path


def openssl(*arguments, text=None):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True, input=text).stdout


class Authority:
    """Signs for others. Its files and theirs are NAME.pem and NAME.key in `folder`, readable by all."""

    def __init__(self, folder, name="ca"):
        self.folder = Path(folder)
        self.name = name
        self.make(name, "-x509", "-days", 3, "-addext", "basicConstraints=critical,CA:TRUE")

    @property
    def pem(self):
        return self.folder / f"{self.name}.pem"

    def make(self, name, *how):
        pem, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", pem, *how)
        for file in (pem, key):
            file.chmod(0o644)
        return pem, key

    def issue(self, name, names="IP:127.0.0.1,DNS:localhost", days=3):
        """A certificate of these alternative names. Negative days: it has expired."""
        pem, key = self.make(f"{name}.request")
        text = f"subjectAltName={names}\n"
        extensions = self.folder / f"{name}.extensions"
        extensions.write_text(text)
        out = openssl("x509", "-req", "-in", pem, "-CA", self.pem, "-CAkey", self.folder / f"{self.name}.key", "-days", days, "-extfile", extensions)
        # Renamed over what is there, as renewals are.
        pem.write_text(out)
        return pem.rename(self.folder / f"{name}.pem"), key.rename(self.folder / f"{name}.key")
