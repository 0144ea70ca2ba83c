"""A page shown by a small server on this machine alone: loopback address, secret token."""

from __future__ import annotations

import asyncio
import json
import secrets
import webbrowser
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

LOOPBACK = "127.0.0.1"


class Guarded(RequestHandler):
    """Answers only who knows the token."""

    def prepare(self) -> None:
        """Refuse anybody else."""
        given = self.get_query_argument("token", "")
        if not secrets.compare_digest(given.encode(), self.settings["token"].encode()):
            self.send_error(403)

    def set_default_headers(self) -> None:
        """Nothing of the page may be kept, framed or sent elsewhere."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Frame-Options", "DENY")


class Page(Guarded):
    """One page, as text."""

    def initialize(self, text: str) -> None:
        """Keep the text."""
        self.text = text

    def get(self) -> None:
        """Send it."""
        self.finish(self.text)


class Ask(Guarded):
    """Answers a question in JSON."""

    def initialize(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Keep who answers."""
        self.answer = answer

    def post(self) -> None:
        """Answer."""
        self.finish(self.answer(json.loads(self.request.body)))


def serve(
    handlers: list[tuple[Any, ...]], tell: Callable[[str], None], *, browser: bool = True
) -> None:
    """Answer requests until interrupted (Ctrl-C).

    Args:
        handlers: tornado routes, their handlers derived from `Guarded`.
        tell: is given the address once the server listens.
        browser: open the address in the default browser.
    """
    asyncio.run(_listen(handlers, tell, browser))


async def _listen(
    handlers: list[tuple[Any, ...]], tell: Callable[[str], None], browser: bool
) -> None:
    token = secrets.token_urlsafe(24)
    application = Application(token=token)
    # only under these names: a foreign site that points its own name here gets nothing
    application.add_handlers(r"(127\.0\.0\.1|localhost)", handlers)
    sockets = bind_sockets(0, LOOPBACK)
    server = HTTPServer(application)
    server.add_sockets(sockets)
    address = f"http://{LOOPBACK}:{sockets[0].getsockname()[1]}/?token={token}"
    tell(address)
    if browser:
        webbrowser.open(address)
    await asyncio.Event().wait()


def serve_page(
    text: str,
    answer: Callable[[dict[str, Any]], dict[str, Any]],
    tell: Callable[[str], None],
    *,
    browser: bool = True,
) -> None:
    """Show one page and answer its questions; see `serve`."""
    handlers = [(r"/", Page, {"text": text}), (r"/ask", Ask, {"answer": answer})]
    serve(handlers, tell, browser=browser)
