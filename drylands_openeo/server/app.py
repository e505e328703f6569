"""The web application: every endpoint in one table, and what stands around each of them."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from drylands_openeo.server import assets, capabilities, collections, jobs, processes, results, validation
from drylands_openeo.server.auth import check_bearer, check_signed
from drylands_openeo.server.backend import Backend
from drylands_openeo.server.calls import Answer, Call, Endpoint
from drylands_openeo.server.failures import ApiError, failure_of

LOG = logging.getLogger(__name__)

CROSS_ORIGIN = Middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allow_headers=["Authorization", "Content-Type", "Range"],
    expose_headers=["Location", "OpenEO-Identifier", "OpenEO-Costs", "Link", "Content-Range"],
    allow_private_network=True,
)
"""The openEO Web Editor is a page from elsewhere. It holds the token; a page that does not can read what is public."""

PAGE = files(__package__) / "page"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'"


def create_app(backend: Backend) -> Starlette:
    """The application on an open back-end, which it closes when it ends."""
    routes = [
        Route(endpoint.path, partial(_respond, backend, endpoint), methods=[endpoint.method])
        for endpoint in endpoints()
    ]
    page = Mount("/page", StaticFiles(directory=str(PAGE)))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(backend.close)

    return Starlette(
        routes=[*routes, page],
        middleware=[CROSS_ORIGIN],
        exception_handlers={HTTPException: _unknown},
        lifespan=lifespan,
    )


def endpoints() -> list[Endpoint]:
    """What the server offers, and who may use it."""
    return [
        Endpoint("GET", "/", _front, "public"),
        Endpoint("GET", "/.well-known/openeo", capabilities.well_known, "public", listed=False),
        Endpoint("GET", "/conformance", capabilities.conformance, "public"),
        Endpoint("GET", "/file_formats", capabilities.file_formats, "public"),
        Endpoint("GET", "/udf_runtimes", capabilities.udf_runtimes, "public"),
        Endpoint("GET", "/collections", collections.listed, "public"),
        Endpoint("GET", "/collections/{collection_id}", collections.described, "public"),
        Endpoint("GET", "/processes", processes.listed, "public"),
        Endpoint("GET", "/credentials/basic", capabilities.credentials_basic, "public"),
        Endpoint("GET", "/me", capabilities.me),
        Endpoint("POST", "/validation", validation.validate),
        Endpoint("POST", "/result", results.compute),
        Endpoint("GET", "/jobs", jobs.listed),
        Endpoint("POST", "/jobs", jobs.create),
        Endpoint("GET", "/jobs/{job_id}", jobs.described),
        Endpoint("PATCH", "/jobs/{job_id}", jobs.edit),
        Endpoint("DELETE", "/jobs/{job_id}", jobs.delete),
        Endpoint("GET", "/jobs/{job_id}/logs", jobs.logs),
        Endpoint("GET", "/jobs/{job_id}/results", assets.described, "link"),
        Endpoint("POST", "/jobs/{job_id}/results", jobs.start),
        Endpoint("DELETE", "/jobs/{job_id}/results", jobs.stop),
        Endpoint("GET", "/jobs/{job_id}/results/{file}", assets.download, "link", listed=False),
        Endpoint("GET", "/process_graphs", processes.list_saved),
        Endpoint("GET", "/process_graphs/{process_graph_id}", processes.read_saved),
        Endpoint("PUT", "/process_graphs/{process_graph_id}", processes.save),
        Endpoint("DELETE", "/process_graphs/{process_graph_id}", processes.delete_saved),
    ]


def _front(call: Call) -> Answer:
    """GET /: the capabilities, or a page for whoever looks with a browser."""
    if call.headers.get("accept", "").startswith("text/html"):
        text = (PAGE / "index.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY, "Vary": "Accept"})
    answer = capabilities.capabilities(call, endpoints())
    answer.headers["Vary"] = "Accept"
    return answer


async def _respond(backend: Backend, endpoint: Endpoint, request: Request) -> Response:
    """The handler's answer, or the failure's; what nobody foresaw is logged here and told without its traceback."""
    try:
        _admit(backend, endpoint, request)
        body = await _body(request, backend.settings.max_body)
        call = Call(
            backend,
            dict(request.path_params),
            dict(request.query_params),
            request.headers,
            body,
            str(request.base_url).rstrip("/"),
        )
        return await run_in_threadpool(endpoint.handler, call)
    except Exception as error:
        failure = failure_of(error)
        if failure.http == 500:
            LOG.exception("failure %s", failure.id)
        return JSONResponse(failure.json, failure.http)


def _admit(backend: Backend, endpoint: Endpoint, request: Request) -> None:
    """Raise an ApiError for whoever may not use the endpoint."""
    if endpoint.access == "public":
        return
    given, signature = request.headers.get("authorization"), request.query_params.get("signature")
    if endpoint.access == "link" and signature is not None and given is None:
        expires = request.query_params.get("expires", "")
        check_signed(backend.store.secret, request.url.path, expires, signature)
    else:
        check_bearer(given, backend.token)


async def _body(request: Request, limit: int) -> Any:
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > limit:
            raise ApiError("ContentTooLarge", f"the request is larger than {limit} bytes")
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ApiError("ContentTypeInvalid", f"the request's body is not JSON: {error}") from error


async def _unknown(request: Request, error: Exception) -> Response:
    """A path or a method that is not offered."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405:
        failure = ApiError("FeatureUnsupported", f"{request.method} {request.url.path} is not offered")
    else:
        failure = ApiError("NotFound", f"there is nothing at {request.url.path}", status)
    return JSONResponse(failure.json, failure.http)
