"""A small OpenID provider, which asks no one for a password.

Source: OpenID Connect Core 1.0, the authorization code flow, and Discovery 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["CLIENT", "SECRET", "Provider", "provider"]

CLIENT, SECRET = "haystack", "secret-of-the-client"
_KEY = "key-1"


class Provider(ThreadingHTTPServer):
    """``claims`` are those of the person that logs in next."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = f"http://127.0.0.1:{self.server_port}"
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, tuple[dict[str, Any], str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}

    def id_token(self, claims: dict[str, Any]) -> str:
        now = int(time.time())
        more = {"iss": self.root, "aud": CLIENT, "iat": now, "exp": now + 300}
        headers = {"kid": _KEY}
        return jwt.encode({**claims, **more}, self.key, "RS256", headers=headers)

    def jwks(self) -> dict[str, Any]:
        algorithm = jwt.algorithms.RSAAlgorithm
        key = json.loads(algorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**key, "kid": _KEY, "use": "sig", "alg": "RS256"}]}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        at = urlsplit(self.path)
        query = {name: words[0] for name, words in parse_qs(at.query).items()}
        root = self.server.root
        if at.path == "/.well-known/openid-configuration":
            self._json(
                {
                    "issuer": root,
                    "authorization_endpoint": f"{root}/authorize",
                    "token_endpoint": f"{root}/token",
                    "userinfo_endpoint": f"{root}/userinfo",
                    "jwks_uri": f"{root}/jwks",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }
            )
        elif at.path == "/authorize":
            code = secrets.token_hex(8)
            self.server.codes[code] = self.server.claims, query["code_challenge"]
            back = urlencode({"code": code, "state": query["state"]})
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif at.path == "/userinfo":
            token = self.headers["Authorization"].removeprefix("Bearer ")
            self._json(self.server.tokens[token])
        elif at.path == "/jwks":
            self._json(self.server.jwks())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: words[0] for name, words in parse_qs(body).items()}
        claims, challenge = self.server.codes.pop(given["code"])
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (given["client_secret"], proof) != (SECRET, challenge):
            self.send_error(400)
            return
        token = secrets.token_hex(8)
        self.server.tokens[token] = claims
        self._json(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": self.server.id_token(claims),
            }
        )

    def _json(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def provider() -> Iterator[Provider]:
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
