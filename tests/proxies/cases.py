"""Where the page may lie: every case is one row of the table in docs/architecture.md."""

from __future__ import annotations

from dataclasses import dataclass

TOP = "location / { proxy_pass http://{upstream}; }"
STRIPPED = "location /class/ { proxy_pass http://{upstream}/; }"
STRIPPED_BY_REWRITE = "location /class { rewrite ^/class/?(.*)$ /$1 break; proxy_pass http://{upstream}; }"
NOT_STRIPPED = "location /class { proxy_pass http://{upstream}; }"

BASE = ("--server.baseUrlPath=class",)
OPEN = ("--server.enableCORS=false", "--server.enableXsrfProtection=false")
NAMED = ("--browser.serverAddress=school.example",)
ALLOWED = ("--server.corsAllowedOrigins=http://school.example",)

STEPS = ("page", "drawing", "upload", "curve", "steering after a reload")
NOTHING_WORKS = dict.fromkeys(STEPS, "fails")


@dataclass(frozen=True)
class Case:
    """A way to the page, and what does not work on it.

    options: of Streamlit. host: what the page's server gets as Host. site: the name in the browser's address.
    is_framed: it lies in a frame of another site's page. exceptions: the steps that do not work, with "fails", or with
    "says why" where the page has a sentence for it.
    """

    name: str
    locations: str = TOP
    path: str = "/"
    options: tuple[str, ...] = ()
    host: str = "$http_host"
    site: str = "school.example"
    is_framed: bool = False
    is_https: bool = False
    exceptions: tuple[tuple[str, str], ...] = ()

    @property
    def expected(self) -> dict[str, str]:
        """What each step should say."""
        return dict.fromkeys(STEPS, "works") | dict(self.exceptions)


def unreachable(name: str, **values: object) -> Case:
    """A case in which the page itself does not work."""
    return Case(name, exceptions=tuple(NOTHING_WORKS.items()), **values)  # type: ignore[arg-type]


CASES = (
    Case("top of the address, Host kept"),
    Case("top, Host rewritten, opened as localhost", host="$proxy_host", site="localhost"),
    unreachable("top, Host rewritten, opened under its public name", host="$proxy_host"),
    Case("sub-path stripped, opened with slash", STRIPPED, "/class/"),
    Case("sub-path stripped, opened without slash", STRIPPED, "/class"),
    Case("sub-path stripped by rewrite, with slash", STRIPPED_BY_REWRITE, "/class/"),
    unreachable("sub-path stripped by rewrite, without slash", locations=STRIPPED_BY_REWRITE, path="/class"),
    unreachable("sub-path not stripped, no baseUrlPath", locations=NOT_STRIPPED, path="/class/"),
    Case("sub-path not stripped, baseUrlPath, with slash", NOT_STRIPPED, "/class/", BASE),
    Case("sub-path not stripped, baseUrlPath, without slash", NOT_STRIPPED, "/class", BASE),
    unreachable("sub-path stripped and baseUrlPath", locations=STRIPPED, path="/class/", options=BASE),
    Case("Host rewritten, CORS and XSRF protection off", options=OPEN, host="$proxy_host"),
    Case("the same, sub-path stripped", STRIPPED, "/class/", OPEN, host="$proxy_host"),
    Case("Host rewritten, browser.serverAddress", options=NAMED, host="$proxy_host"),
    Case("Host rewritten, in corsAllowedOrigins", options=ALLOWED, host="$proxy_host"),
    unreachable("Host rewritten, not in it", options=ALLOWED, host="$proxy_host", site="other.example"),
    Case("framed by another site, https", is_framed=True, is_https=True),
    Case("framed by another site, http", is_framed=True, exceptions=(("steering after a reload", "says why"),)),
)
