"""Who asks: basic authentication, bearer tokens, and links that carry their own permission."""

import base64
import binascii
import hashlib
import hmac
import time

from drylands_openeo.server.failures import ApiError

LINK_SECONDS = 7 * 24 * 3600
"""How long a signed link holds."""


def token(secret: bytes, user: str, password: str) -> str:
    """The access token of a user: the same as long as data folder and password stay the same."""
    return _mark(secret, f"token\n{user}\n{password}")


def check_basic(header: str | None, user: str, password: str) -> None:
    """Raise an ApiError unless the header ``Authorization: Basic ...`` names the user and the password."""
    scheme, _, coded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise ApiError("AuthenticationRequired", "give user name and password by HTTP basic authentication")
    try:
        given = base64.b64decode(coded, validate=True)
    except binascii.Error:
        raise ApiError("CredentialsInvalid", "the basic authentication header cannot be decoded") from None
    if not hmac.compare_digest(given, f"{user}:{password}".encode()):
        raise ApiError("CredentialsInvalid", "user name or password is not right")


def check_bearer(header: str | None, expected: str) -> None:
    """Raise an ApiError unless the header is ``Authorization: Bearer basic//TOKEN``."""
    if not header:
        raise ApiError("AuthenticationRequired", "log in first: authenticate_basic(user, password)")
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "bearer":
        raise ApiError("AuthenticationSchemeInvalid", f"authentication scheme {scheme!r} is not offered; use Bearer")
    if not hmac.compare_digest(given.encode(), f"basic//{expected}".encode()):
        raise ApiError("TokenInvalid", "the token is not valid here; log in again")


def signed(secret: bytes, path: str) -> str:
    """The path with a query that allows anyone to read it for a week."""
    expires = int(time.time()) + LINK_SECONDS
    return f"{path}?expires={expires}&signature={_link_mark(secret, path, str(expires))}"


def check_signed(secret: bytes, path: str, expires: str, signature: str) -> None:
    """Raise an ApiError unless the query is one that :func:`signed` made for this path, and still holds."""
    if not hmac.compare_digest(signature.encode(), _link_mark(secret, path, expires).encode()):
        raise ApiError("TokenInvalid", "the link's signature is not right")
    if int(expires) < time.time():
        raise ApiError("ResultLinkExpired", "the link has expired; request the results again")


def _link_mark(secret: bytes, path: str, expires: str) -> str:
    return _mark(secret, f"link\n{path}\n{expires}")


def _mark(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
