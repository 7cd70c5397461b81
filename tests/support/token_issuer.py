"""
Who issues tokens: an OAuth 2 token endpoint on the loopback address, for one client.

    POST url, client id and secret in the Authorization header   ->  an access token (JWT, RS256)

The keys with which a broker judges a token are a file (JWKS).
"""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT_ID = "capi-consumer"
KEY_ID = "of-the-tests"
# librdkafka fetches a new one when four fifths of its life are over.
TOKEN_S = 10


class _Server(ThreadingHTTPServer):
    """The server, with what its endpoint asks it for."""

    key: rsa.RSAPrivateKey
    issuer: TokenIssuer
    secret = ""
    issued = 0


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """The endpoint's address, the address of its keys, and what it checks."""

    url: str
    keys_url: str
    audience: str
    server: _Server

    @classmethod
    def start(cls, folder: Path) -> TokenIssuer:
        """Listening, with a new key."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        keys = folder / "keys.json"
        keys.write_text(json.dumps({"keys": [_public(key)]}))
        server = _Server(("127.0.0.1", 0), _Endpoint)
        server.daemon_threads = True
        issuer = cls(f"http://127.0.0.1:{server.server_port}/token", keys.as_uri(), "kafka", server)
        server.key, server.issuer = key, issuer
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return issuer

    def set_secret(self, secret: str) -> None:
        """The client's secret, from now on."""
        self.server.secret = secret

    @property
    def issued(self) -> int:
        """Tokens so far."""
        return self.server.issued

    def end(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()


class _Endpoint(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind, _, shown = self.headers.get("Authorization", "").partition(" ")
        client, _, secret = base64.b64decode(shown).decode().partition(":") if kind == "Basic" else ("",) * 3
        known = (CLIENT_ID, self.server.secret)
        if (urllib.parse.unquote(client), urllib.parse.unquote(secret)) != known:
            self._answer(401, {"error": "invalid_client"})
            return
        self.server.issued += 1
        now_s = int(time.time())
        claims = {
            "iss": self.server.issuer.url,
            "aud": self.server.issuer.audience,
            "sub": CLIENT_ID,
            "iat": now_s,
            "exp": now_s + TOKEN_S,
        }
        token = signed(self.server.key, claims)
        self._answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_S})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def signed(key: rsa.RSAPrivateKey, claims: dict[str, object]) -> str:
    """The claims as a JSON web token."""
    parts = [{"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, claims]
    text = ".".join(_text(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_text(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    n, e = (
        _text(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e)
    )
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": n, "e": e}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
