"""The API on one page of plain HTML: no script, nothing from elsewhere, works without internet."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from offerhub import __version__
from web.call import BASE_PATH, Route
from web.openapi import codes_of
from web.statuses import STATUS

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font:.9em ui-monospace,monospace}details{border-bottom:1px solid #8884;padding:.4rem 0}"
    "summary{cursor:pointer}b{display:inline-block;min-width:4.5rem}"
    "td,th{text-align:left;padding:.1rem 1rem .1rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}"
)


def page(routes: Sequence[Route]) -> bytes:
    """The whole page."""
    return "".join(_lines(routes)).encode()


def _lines(routes: Sequence[Route]) -> Iterator[str]:
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>OFFER-HUB Orchestrator API</title><style>{_STYLE}</style></head><body>"
        f"<h1>OFFER-HUB Orchestrator {escape(__version__)}</h1>"
        f'<p>Also available as OpenAPI 3.1: <a href="{BASE_PATH}/openapi.json">openapi.json</a>.</p>'
    )
    for tag in dict.fromkeys(route.tag for route in routes):
        yield f"<h2>{escape(tag)}</h2>"
        for route in routes:
            if route.tag == tag:
                yield from _endpoint(route)
    yield "</body></html>\n"


def _endpoint(route: Route) -> Iterator[str]:
    scope = "no key" if route.public else route.scope.value if route.scope else "any key"
    path = (BASE_PATH if route.base else "") + route.path
    yield (
        f"<details><summary><b>{route.method}</b> <code>{escape(path)}</code> "
        f"{escape(route.summary)}</summary><p>Scope: <code>{escape(scope)}</code>. "
        f"Success: {route.status}{', 202 while it runs on the chain' if route.long else ''}.</p>"
    )
    for title, schema in (("Body", route.body), ("Query", route.query)):
        if schema is not None and schema.fields:
            yield f"<table><tr><th>{title}</th><th></th><th></th></tr>"
            for field in schema.fields:
                kind = escape(str(field.kind.document().get("type", "")))
                yield (
                    f"<tr><td><code>{escape(field.shown)}</code></td><td>{kind}</td>"
                    f"<td>{'required' if field.required else ''}</td></tr>"
                )
            yield "</table>"
    codes = ", ".join(f"<code>{code.value}</code> {STATUS[code]}" for code in codes_of(route))
    yield f"<p>Errors: {codes}</p></details>"
