"""OpenID Connect: a login by a link, an earlier login, and a client without a person; with a provider on loopback."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from urllib.parse import parse_qsl

import pytest
import servers

from drylands_openeo import jobs
from drylands_openeo.errors import DrylandsError

SECRET = "s3cret"


def jwt(claims):
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


def application(root, grants):
    """An openEO back-end that only knows logins, with its OpenID Connect provider beside it."""
    applications, responses = pytest.importorskip("starlette.applications"), pytest.importorskip("starlette.responses")

    async def capabilities(request):
        paths = ["/credentials/oidc", "/me"]
        endpoints = [{"path": path, "methods": ["GET"]} for path in paths]
        about = {"id": "x", "title": "x", "description": "x", "links": [], "backend_version": "1"}
        return responses.JSONResponse({"api_version": "1.2.0", "endpoints": endpoints, **about})

    async def providers(request):
        grant_types = ["urn:ietf:params:oauth:grant-type:device_code+pkce", "refresh_token"]
        client = {"id": "for-anyone", "grant_types": grant_types}
        provider = {"id": "own", "issuer": f"{root}/oidc", "title": "own", "scopes": ["openid"]}
        return responses.JSONResponse({"providers": [{**provider, "default_clients": [client]}]})

    async def configuration(request):
        places = {
            "token_endpoint": f"{root}/oidc/token",
            "device_authorization_endpoint": f"{root}/oidc/device",
            "authorization_endpoint": f"{root}/oidc/auth",
            "userinfo_endpoint": f"{root}/oidc/userinfo",
        }
        return responses.JSONResponse({"issuer": f"{root}/oidc", "scopes_supported": ["openid"], **places})

    async def device(request):
        link = {"verification_uri": f"{root}/link", "verification_uri_complete": f"{root}/link?code=AB"}
        return responses.JSONResponse({"device_code": "d", "user_code": "AB", "interval": 0.1, "expires_in": 9, **link})

    async def token(request):
        form = dict(parse_qsl((await request.body()).decode()))
        grants.append(form["grant_type"].rsplit(":", 1)[-1])
        if form["grant_type"] == "client_credentials" and form.get("client_secret") != SECRET:
            return responses.JSONResponse({"error": "invalid_client"}, 401)
        given = {"access_token": jwt({"sub": "me"}), "id_token": jwt({"sub": "me"}), "refresh_token": "again"}
        return responses.JSONResponse({**given, "token_type": "Bearer"})

    async def me(request):
        known = request.headers["authorization"].startswith("Bearer oidc/own/")
        return responses.JSONResponse({"user_id": "me" if known else "nobody"})

    app = applications.Starlette()
    for path, answer in (("/", capabilities), ("/credentials/oidc", providers), ("/me", me)):
        app.add_route(path, answer)
    app.add_route("/oidc/.well-known/openid-configuration", configuration)
    app.add_route("/oidc/device", device, methods=["POST"])
    app.add_route("/oidc/token", token, methods=["POST"])
    return app


@contextmanager
def running():
    uvicorn = pytest.importorskip("uvicorn")
    port, grants = servers.free_port(), []
    root = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(uvicorn.Config(application(root, grants), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        end = time.monotonic() + servers.PATIENCE
        while not server.started:
            assert time.monotonic() < end
            time.sleep(0.01)
        yield root, grants
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where the client keeps refresh tokens."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME", "OPENEO_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("OPENEO_AUTH_METHOD", "OPENEO_AUTH_CLIENT_ID", "OPENEO_AUTH_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


def test_a_person_logs_in_once_by_a_link(home):
    shown = []
    with running() as (url, grants):
        connection = jobs.connect(url, jobs.Login(show=shown.append))
        assert connection.describe_account()["user_id"] == "me"
        assert "/link?code=AB" in "".join(shown)
        shown.clear()
        assert jobs.connect(url, jobs.Login(show=shown.append)).describe_account()["user_id"] == "me"
        assert grants == ["device_code", "refresh_token"]
    assert "/link" not in "".join(shown)


def test_a_client_logs_in_without_a_person(home):
    with running() as (url, grants):
        login = jobs.Login(client_id="service", client_secret=SECRET)
        assert jobs.connect(url, login).describe_account()["user_id"] == "me"
        assert grants == ["client_credentials"]
        with pytest.raises(DrylandsError, match="invalid_client"):
            jobs.connect(url, jobs.Login(client_id="service", client_secret="wrong"))
        with pytest.raises(DrylandsError, match="without a client id"):
            jobs.connect(url, jobs.Login(client_secret=SECRET))
