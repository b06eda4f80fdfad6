"""A provider of OpenID Connect in a process of its own, made of Authlib's server side.

`python provider.py` prints its address. It knows one client, whose addresses a POST to /register
adds, and two people; it checks PKCE and gives each code once. A POST to /misbehave makes its next
ID token a wrong one.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import time
import warnings
from dataclasses import dataclass

CLIENT, SECRET = "footnote", "only the two know this"
PEOPLE = {
    "ann-1": {"name": "Ann", "email": "ann@corp", "groups": ["hr", "staff"]},
    "bob-2": {"name": "Bob", "email": "bob@corp", "groups": ["staff"]},
}


@dataclass
class Person:
    sub: str

    def get_user_id(self) -> str:
        return self.sub


def signed_by_hand(header: dict, claims: dict, secret: bytes) -> str:
    """Sign as no library of good manners would."""
    parts = [b64(json.dumps(part).encode()) for part in (header, claims)]
    parts.append(b64(hmac.digest(secret, b".".join(parts), "sha256")))
    return b".".join(parts).decode()


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def build_app():
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    warnings.simplefilter("ignore")
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
    from authlib.oauth2.rfc7636 import CodeChallenge
    from authlib.oidc.core import UserInfo
    from authlib.oidc.core.grants import OpenIDCode
    from flask import Flask, Response, jsonify, redirect, request
    from joserfc import jwk, jwt

    app = Flask("provider")
    key, stranger = jwk.RSAKey.generate_key(2048), jwk.RSAKey.generate_key(2048)
    codes: dict[str, Code] = {}
    tokens: dict[str, str] = {}
    next_wrong: list[str] = []
    seen: list[dict] = []
    addresses: list[str] = []

    @dataclass
    class Code(AuthorizationCodeMixin):
        code: str
        redirect_uri: str
        scope: str
        sub: str
        nonce: str
        code_challenge: str
        code_challenge_method: str

        def get_redirect_uri(self):
            return self.redirect_uri

        def get_scope(self):
            return self.scope

        def get_nonce(self):
            return self.nonce

        def get_auth_time(self):
            return int(time.time())

        def get_acr(self):
            return None

        def get_amr(self):
            return None

    class Client(ClientMixin):
        client_id = CLIENT

        def get_client_id(self):
            return CLIENT

        def get_default_redirect_uri(self):
            return ""

        def get_allowed_scope(self, scope):
            return scope

        def check_redirect_uri(self, given):
            return given in addresses

        def check_client_secret(self, given):
            return given == SECRET

        def check_endpoint_auth_method(self, method, endpoint):
            return method == "client_secret_basic"

        def check_response_type(self, kind):
            return kind == "code"

        def check_grant_type(self, kind):
            return kind == "authorization_code"

    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code, asked):
            data = asked.payload.data
            codes[code] = Code(
                code, data["redirect_uri"], data["scope"], asked.user.sub, data["nonce"],
                data["code_challenge"], data["code_challenge_method"],
            )  # fmt: skip

        def query_authorization_code(self, code, client):
            return codes.get(code)

        def delete_authorization_code(self, found):
            del codes[found.code]

        def authenticate_user(self, found):
            return Person(found.sub)

    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce, asked):
            return False

        def get_jwt_config(self, grant, client):
            issuer = request.host_url.rstrip("/")
            return {"key": key, "alg": "RS256", "iss": issuer, "exp": 300}

        def generate_user_info(self, user, scope):
            info = {"sub": user.sub, **PEOPLE[user.sub]}
            if next_wrong == ["groups elsewhere"]:
                info.pop("groups")
            return UserInfo(info)

    def save_token(token, asked):
        tokens[token["access_token"]] = asked.user.sub

    server = AuthorizationServer(app, query_client=lambda _: Client(), save_token=save_token)
    server.register_grant(CodeGrant, [IdToken(require_nonce=True), CodeChallenge(required=True)])

    def tampered(text: str, how: str) -> str:
        """Make an ID token wrong in one respect."""
        claims = dict(jwt.decode(text, key).claims)
        now = int(time.time())
        changed = {
            "nonce": {"nonce": "another"},
            "no nonce": {"nonce": None},
            "audience": {"aud": "another"},
            "two audiences": {"aud": [CLIENT, "another"]},
            "issuer": {"iss": "https://evil.example"},
            "expired": {"iat": now - 900, "exp": now - 600},
            "not yet": {"iat": now + 900, "exp": now + 1200},
            "no expiry": {"exp": None},
            "no name": {"sub": ""},
            "a name that cannot be printed": {"sub": "ann\u202e\n"},
            "groups of another form": {"groups": {"hr": True}},
            "access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        }.get(how, {})
        claims = {n: v for n, v in {**claims, **changed}.items() if v is not None}
        header = {"alg": "RS256", "kid": key.thumbprint()}
        if how == "other key":
            return jwt.encode(header, claims, stranger)
        if how == "key in the header":
            header = {"alg": "RS256", "jwk": stranger.as_dict(private=False)}
            return jwt.encode(header, claims, stranger)
        if how == "secret as key":  # the provider's public key, taken for an HMAC secret
            return signed_by_hand({"alg": "HS256"}, claims, key.as_pem(private=False))
        if how == "client secret as key":
            return signed_by_hand({"alg": "HS256"}, claims, SECRET.encode())
        if how == "no algorithm":
            return signed_by_hand({"alg": "none"}, claims, b"").rpartition(".")[0] + "."
        if how == "signature":
            return text[:-6] + ("AAAAAA" if text[-6:] != "AAAAAA" else "BBBBBB")
        return jwt.encode(header, claims, key)

    @app.get("/.well-known/openid-configuration")
    def discovery():
        here = request.host_url.rstrip("/")
        return jsonify(
            issuer=here,
            authorization_endpoint=here + "/authorize",
            token_endpoint=here + "/token",
            jwks_uri=here + "/keys",
            userinfo_endpoint=here + "/userinfo",
            end_session_endpoint=here + "/end",
            response_types_supported=["code"],
            id_token_signing_alg_values_supported=["RS256", "HS256", "none"],
        )

    @app.get("/keys")
    def keys():
        public = key.as_dict(private=False)
        return jsonify(keys=[{**public, "kid": key.thumbprint(), "use": "sig"}])

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize():
        seen.append(request.args.to_dict())
        if request.method == "GET":
            page = "<!doctype html><title>Provider</title><link rel=icon href=data:,>"
            page += "<form method=post>"
            names = "".join(f"<button name=who value={sub}>{sub}</button>" for sub in PEOPLE)
            return Response(page + names + "<button name=who value=''>Cancel</button></form>")
        who = request.form["who"]
        if not who:
            state = request.args["state"]
            return redirect(f"{request.args['redirect_uri']}?error=access_denied&state={state}")
        grant = server.get_consent_grant(end_user=Person(who))
        return server.create_authorization_response(grant_user=Person(who), grant=grant)

    @app.post("/token")
    def token():
        response = server.create_token_response()
        said = response.get_json()
        if next_wrong and "id_token" in said:
            said["id_token"] = tampered(said["id_token"], next_wrong.pop())
            response = jsonify(said)
        return response

    @app.get("/userinfo")
    def userinfo():
        sub = tokens[request.headers["authorization"].removeprefix("Bearer ")]
        return jsonify(sub=sub, **PEOPLE[sub])

    @app.post("/misbehave")
    def misbehave():
        next_wrong[:] = [request.get_json()["how"]]
        return jsonify({})

    @app.post("/register")
    def register():
        addresses.append(request.get_json()["redirect_uri"])
        return jsonify({})

    @app.get("/seen")
    def asked():
        return jsonify(seen)

    return app


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, build_app(), threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
