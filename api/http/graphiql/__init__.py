"""The GraphiQL page, with all its scripts and styles in this package: browsers load nothing from other hosts."""

from importlib.resources import files

from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

ASSETS = files("api.http.graphiql") / "assets"

_HTML = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Muster GraphiQL</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="graphiql/graphiql.css">
    <script src="graphiql/graphiql.js" defer></script>
  </head>
  <body><div id="root"></div></body>
</html>
"""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}

page = HTMLResponse(_HTML, headers=_HEADERS)


def assets(path: str = "/graphiql") -> BaseRoute:
    """Return the route of the scripts and styles, beside the page's own path."""
    return Mount(path, StaticFiles(directory=str(ASSETS)))
