"""One reserve on a whole instance: which files of ours each task enters on the way.

    python -m tests.end_to_end.reserve_trace

prints a JSON object, task → files. A task is named as Trio names it; the database's asyncio tasks
run in one of them. The instance is a real one in a home of its own, with the sandbox and the
embedded servers, and the profiler is on for the length of one request.
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

import httpx
import trio

from offerhub import app
from offerhub.logs import configure_logging
from offerhub.settings import Settings, load_settings
from storage.embedded import discard_home
from tests.end_to_end.process import free_port

ROOT = Path(__file__).parents[2]
_FOLDERS = ("actors", "offerhub", "storage", "web")
_WAIT_S = 60.0


class Profile:
    """The files that each task enters while the profiler is on."""

    def __init__(self) -> None:
        self.entered: dict[str, dict[str, None]] = defaultdict(dict)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        del argument
        path = Path(frame.f_code.co_filename)
        if event != "call" or not path.is_relative_to(ROOT):
            return
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(_FOLDERS):
            self.entered[trio.lowlevel.current_task().name].setdefault(name)


class Client:
    """The public API, asked from a thread beside the instance."""

    def __init__(self, settings: Settings) -> None:
        key = (settings.home / "secrets" / "master_key").read_text().strip()
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{settings.http.port}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=_WAIT_S,
            trust_env=False,
        )
        self._sandbox = f"http://127.0.0.1:{settings.sandbox.port}"

    def get(self, path: str) -> dict[str, str]:
        return self._data(self._http.get(path))

    def post(self, path: str, body: object = None, key: str | None = None) -> dict[str, str]:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._data(self._http.post(path, json=body, headers=headers))

    def wait(self, path: str, field: str, value: str) -> None:
        deadline = time.monotonic() + _WAIT_S
        while self.get(path)[field] != value:
            if time.monotonic() > deadline:
                raise TimeoutError(path)
            time.sleep(0.1)

    def buyer_with_money(self) -> tuple[str, str]:
        """A buyer with 100 USDC, and a seller."""
        buyer = self.post("/users", {"externalUserId": "buyer"})["id"]
        seller = self.post("/users", {"externalUserId": "seller"})["id"]
        self.wait(f"/users/{buyer}/wallet", "status", "ACTIVE")
        address = self.get(f"/users/{buyer}/wallet/deposit")["address"]
        httpx.post(
            f"{self._sandbox}/faucet",
            json={"address": address, "amount": "100.00"},
            timeout=_WAIT_S,
            trust_env=False,
        ).raise_for_status()
        self.wait(f"/users/{buyer}/balance", "available", "100.00")
        return buyer, seller

    @staticmethod
    def _data(answer: httpx.Response) -> dict[str, str]:
        answer.raise_for_status()
        data: dict[str, str] = answer.json()["data"]
        return data


def _play(settings: Settings, token: trio.lowlevel.TrioToken, profile: Profile) -> None:
    try:
        client = Client(settings)
        buyer, seller = client.buyer_with_money()
        body = {"buyerId": buyer, "sellerId": seller, "amount": "10.00", "title": "A logo"}
        # The first reserve fills what is kept in memory; the second is the usual one.
        for traced in (False, True):
            order = client.post("/orders", body)["id"]
            if traced:
                time.sleep(0.5)
                trio.from_thread.run_sync(sys.setprofile, profile, trio_token=token)
            client.post(f"/orders/{order}/reserve", key=f"key-of-{order}")
        time.sleep(0.2)
        trio.from_thread.run_sync(sys.setprofile, None, trio_token=token)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the instance, trace one reserve, print what it entered."""
    home = Path(tempfile.mkdtemp(prefix="offerhub-trace-"))
    environment = {
        "PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
        "SANDBOX_LEDGER_SECONDS": "0.1",
        "OFFERHUB_HOME": str(home),
    }
    try:
        settings = load_settings(environment, home, os.urandom)
        configure_logging(level="error", log_format="json", secrets=settings.secret_values())
        profile = Profile()

        def announce(ready: app.Ready) -> None:
            del ready
            token = trio.lowlevel.current_trio_token()
            threading.Thread(target=_play, args=(settings, token, profile), daemon=True).start()

        app.run(settings, announce)
    finally:
        discard_home(home)
    print(json.dumps({task: list(files) for task, files in profile.entered.items()}, indent=1))


if __name__ == "__main__":
    main()
