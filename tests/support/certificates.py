"""
Certificates of a test run: an authority, and what it vouches for on the loopback address.

Written as PEM files, which librdkafka and Kafka both read: a private key that
Kafka takes is PKCS #8, and stands with its certificate in one file.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of a certificate and its key, and one that holds both."""

    chain: Path
    key: Path
    both: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """Who vouches for certificates; `file` is its own, which makes a client trust them."""

    folder: Path
    name: str
    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        """A new one, with its file in `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(name), _named(name), key, is_authority=True)
        certificate = builder.sign(key, hashes.SHA256())
        file = folder / f"{name}.pem"
        file.write_bytes(_pem(certificate))
        return cls(folder, name, file, certificate, key)

    def issue(self, name: str) -> Certificate:
        """A certificate for the loopback address."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(name), self.certificate.subject, key, is_authority=False)
        loopback = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        signed = builder.add_extension(x509.SubjectAlternativeName(loopback), critical=False).sign(
            self.key, hashes.SHA256()
        )
        files = Certificate(*(self.folder / f"{self.name}-{name}.{kind}" for kind in ("crt", "key", "pem")))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        files.chain.write_bytes(_pem(signed))
        files.key.write_bytes(secret)
        files.both.write_bytes(secret + _pem(signed))
        return files


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
