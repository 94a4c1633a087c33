"""Certificates for tests of TLS, made when they are needed by the openssl command."""
import os
import subprocess


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)


class Authority:
    """Signs certificates; all files lie in its directory."""
    CONFIG = """
[ca]
default_ca = ours
[ours]
database = {d}/index.txt
new_certs_dir = {d}
serial = {d}/serial
private_key = {d}/ca.key
certificate = {d}/ca.pem
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
organizationName = optional
[server]
subjectAltName = IP:127.0.0.1, DNS:localhost
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
"""

    def __init__(self, directory, name):
        self.directory = directory
        os.mkdir(directory)
        self.path("config", self.CONFIG.format(d=directory))
        self.path("index.txt", "")
        self.path("serial", "01")
        self.certificate = os.path.join(directory, "ca.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", os.path.join(directory, "ca.key"),
                "-out", self.certificate, "-subj", f"/CN={name}", "-days", "30")

    def path(self, name, text=None):
        path = os.path.join(self.directory, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def revoke(self, certificate, path):
        """Writes the list of what it has revoked so far, `certificate` among it, to path. None: of nothing more."""
        if certificate is not None:
            openssl("ca", "-config", self.path("config"), "-revoke", certificate)
        openssl("ca", "-config", self.path("config"), "-gencrl", "-crldays", "30", "-out", path)
        return path

    def issue(self, name, subject, kind="client", expired=False):
        """-> a PEM file with certificate and key."""
        key, request, certificate = self.path(name + ".key"), self.path(name + ".csr"), self.path(name + ".crt")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", request, "-utf8", "-subj", subject)
        dates = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z") if expired else ("-days", "30")
        openssl("ca", "-batch", "-config", self.path("config"), "-extensions", kind, "-notext", "-preserveDN", "-in", request, "-out", certificate, *dates)
        with open(certificate, encoding="ascii") as one, open(key, encoding="ascii") as other:
            return self.path(name + ".pem", one.read() + other.read())

    def pkcs12(self, pem, password):
        path = pem.replace(".pem", ".p12")
        openssl("pkcs12", "-export", "-in", pem, "-certfile", self.certificate, "-out", path, "-passout", "pass:" + password)
        return path
