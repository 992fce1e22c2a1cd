"""The bare route of the same stack: Quart-Trio on our Hypercorn, and nothing else.

`python -m tests.bench.bare` prints its port and serves until it is terminated.
"""

import signal
import sys

import trio
from quart import Response
from quart_trio import QuartTrio

from web.server import serve_app

_BODY = (
    b'{"success":true,"data":{},"meta":{"requestId":"req","timestamp":"2026-11-22T00:00:00.000Z"}}'
)


def bare_app() -> QuartTrio:
    """One route that answers the same bytes."""
    app = QuartTrio(__name__)

    async def bare() -> Response:
        return Response(_BODY, content_type="application/json")

    app.add_url_rule("/bare", view_func=bare, methods=["GET", "POST"])
    return app


async def main() -> None:
    """Serve until SIGTERM."""
    shutdown = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def serve(*, task_status: trio.TaskStatus[int]) -> None:
                await serve_app(
                    bare_app(),
                    host="127.0.0.1",
                    port=0,
                    shutdown=shutdown,
                    task_status=task_status,
                )

            port = await nursery.start(serve)
            sys.stdout.write(f"{port}\n")
            sys.stdout.flush()
            async for _ in signals:
                shutdown.set()
                break


if __name__ == "__main__":
    trio.run(main)
