"""Connections to back-ends: the address behind a name, and the login that a back-end asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field

import openeo
import requests
from openeo.rest import OpenEoApiError, OpenEoClientException

from drylands_openeo.errors import DrylandsError, SourceError
from drylands_openeo.profiles import PROFILES, Profile, get_profile

SECONDS = 60
"""Until a request that is not answered is given up."""

RETRY = {"total": 3, "backoff_factor": 0.3}
"""A second or two for a back-end that is just coming up; longer silences are for whoever waits for a job."""

OWN = "drylands-openeo"
"""What `drylands serve` calls itself."""


@dataclass(frozen=True)
class Login:
    """Who asks. Without any of it: OpenID Connect, by an earlier login or by a link that is shown.

    ``user``, ``password``: basic authentication. ``client_id``, ``client_secret``: an OpenID Connect client that works
    without a person; ``client_id`` alone: the client that the person's login goes through. ``provider``: whose login,
    where a back-end has several. ``show`` tells the person where to go.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    provider: str | None = None
    show: Callable[[str], None] = field(default=lambda text: None, repr=False, compare=False)


def address_of(backend: str) -> str:
    """The address of a back-end given by its address or by a profile's name.

    >>> address_of("cdse"), address_of("http://127.0.0.1:8080/")
    ('https://openeo.dataspace.copernicus.eu', 'http://127.0.0.1:8080')
    """
    if backend.startswith(("http://", "https://")):
        return backend.rstrip("/")
    url = get_profile(backend).url
    if url is None:
        raise DrylandsError(f"back-end {backend!r} has no address of its own; give the address of one")
    return url


def connect(backend: str, login: Login, *, patient: bool = True) -> openeo.Connection:
    """A connection that is logged in; ``patient``: with a back-end that is just coming up.

    Raises SourceError where nobody answers, DrylandsError where the login fails.
    """
    url = address_of(backend)
    try:
        # Graphs are checked here before they are sent; the client's own validation would be a second, silent one.
        retry = dict(RETRY) if patient else False
        connection = openeo.connect(url, default_timeout=SECONDS, auto_validate=False, retry=retry)
        _log_in(connection, login)
    except requests.RequestException as error:
        raise SourceError(f"back-end {url} does not answer: {error}") from error
    except OpenEoApiError as error:
        raise DrylandsError(f"back-end {url} refuses the login: {error}") from error
    except OpenEoClientException as error:
        raise DrylandsError(f"back-end {url}: {error}") from error
    return connection


def profile_at(backend: str, connection: openeo.Connection) -> Profile:
    """The profile of a back-end: by its name, by its address, or because it says that it is one of ours."""
    if backend in PROFILES:
        return get_profile(backend)
    known = {profile.url: profile for profile in PROFILES.values() if profile.url}
    if address_of(backend) in known:
        return known[address_of(backend)]
    if connection.capabilities().get("id") == OWN:
        return get_profile("local")
    raise DrylandsError(f"what {backend} has is not known; say whose collections and rules it has by --profile")


def _log_in(connection: openeo.Connection, login: Login) -> None:
    if login.user is not None:
        if not login.password:
            raise DrylandsError(f"user {login.user!r} has no password; set DRYLANDS_PASSWORD")
        connection.authenticate_basic(login.user, login.password)
    elif login.client_secret is not None:
        if not login.client_id:
            raise DrylandsError("a client secret was given without a client id; set OPENEO_AUTH_CLIENT_ID")
        connection.authenticate_oidc_client_credentials(login.client_id, login.client_secret, login.provider)
    elif not connection.capabilities().supports_endpoint("/credentials/oidc"):
        raise DrylandsError(
            f"back-end {connection.root_url} knows no OpenID Connect; give --user and set DRYLANDS_PASSWORD"
        )
    else:
        connection.authenticate_oidc(
            provider_id=login.provider, client_id=login.client_id, display=login.show, store_refresh_token=True
        )
