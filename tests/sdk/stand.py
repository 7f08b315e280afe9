"""The emulator and the gateway in a temporary home, and what every scenario needs of them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import threading
import time
import unittest
import urllib.request

import anthropic
import openai

KEY = "sk-emulator-standard-intl"
TOKEN = "canary-of-the-gateway-81d3"
MODEL = "qwen/qwen3-max-2026-01-23"
# A model that thinks when asked to, and one that sees.
THINKING_MODEL = "qwen/qwen3.5-plus"
# A model that takes an effort of thinking.
EFFORT_MODEL = "qwen/qwen3.8-flash"
# The same on a host of which nothing is known but that it answers chat completions.
CHAT_ONLY_MODEL = "chat-only/qwen3.5-plus"
CHAT_ONLY_EFFORT_MODEL = "chat-only/qwen3.8-flash"
# Longest wait for a server or an answer; a crash must not hang the run.
WAIT_SECONDS = 20

CONFIG = {
    "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
    "models": {
        "providers": {
            "qwen": {
                "baseUrl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
                "apiKey": KEY,
                "api": "openai-completions",
                "models": [],
            }
        }
    },
    # One scenario's failures are none of the next one's business.
    "routing": {"withoutBreakers": ["qwen", "chat-only"]},
    "agents": {"defaults": {"model": {"primary": MODEL}, "models": {MODEL: {"alias": "fast"}}}},
}

# Set by the runner before any test begins.
running: "Stand"
# Folder of the Vercel AI SDK and its script, if it could be installed.
ai_sdk: pathlib.Path | None = None


class Server:
    """A process of the binary; its output is collected and watched for the line that says it is ready."""

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: pathlib.Path):
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            arguments,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append("")
            self._changed.notify_all()

    def wait_for(self, text: str) -> str:
        """Returns the first line that holds `text`."""

        def found() -> str | None:
            ended = self.lines[-1:] == [""]
            return next((line for line in self.lines if text in line), "ended" if ended else None)

        with self._changed:
            line = self._changed.wait_for(found, timeout=WAIT_SECONDS)
        if not line or text not in line:
            raise RuntimeError(f"no line with {text!r}: {self.lines}")
        return line

    def stop(self) -> int:
        """Asks the process to end and returns its exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(timeout=WAIT_SECONDS)
        self.process.stdout.close()
        return code


class Stand:
    """Emulator and gateway, started together and stopped together."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path):
        self.binary = binary
        self.home = folder
        self._found: list[str] = []

    def __enter__(self) -> "Stand":
        plain = {"HOME": str(self.home), "PATH": os.environ.get("PATH", ""), "NO_COLOR": "1"}
        command = [str(self.binary), "emulator", "--listen", "127.0.0.1:0", "--json"]
        command += ["--ca-out", str(self.home / "authority.pem")]
        self.emulator = Server(command, plain, self.home)
        described = json.loads(self.emulator.wait_for('"address"'))
        self.emulator_url = f"http://{described['address']}"
        config = self.home / ".openclaw" / "openclaw.json"
        config.parent.mkdir()
        CONFIG["models"]["providers"]["chat-only"] = {
            "baseUrl": f"{self.emulator_url}/dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "apiKey": KEY,
            "api": "openai-completions",
            "models": [{"id": id, "name": id} for id in ["qwen3.5-plus", "qwen3.7-plus", "qwen3.8-max", "qwen3.8-flash"]],
        }
        config.write_text(json.dumps(CONFIG))
        command = [str(self.binary), "gateway", "run", "--port", "0"]
        self.gateway = Server(command, plain | described["env"], self.home)
        self.base_url = self.gateway.wait_for("listening on http://").split("listening on ")[1]
        return self

    def __exit__(self, *_: object) -> None:
        for name, server in [("gateway", self.gateway), ("emulator", self.emulator)]:
            code = server.stop()
            if code != 0:
                self._found.append(f"the {name} ended with {code}: {server.lines}")
        log = (self.home / ".openclaw/logs/openclaw.log").read_text()
        printed = "\n".join(self.gateway.lines)
        for place, text in [("the log", log), ("the gateway's output", printed)]:
            for secret in [KEY, TOKEN]:
                if secret in text:
                    self._found.append(f"{secret} is in {place}")
        requests = [json.loads(line) for line in log.splitlines()]
        answered = [line for line in requests if line.get("outcome") == "complete"]
        if not all(line.get("usage") for line in answered):
            self._found.append("the log holds complete requests without usage")

    def problems(self) -> list[str]:
        """Returns what was wrong besides failed tests; known once the servers have ended."""
        return self._found

    def control(self, method: str, path: str, body: object = None) -> object:
        """Calls a control path of the emulator."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.emulator_url}/_emulator/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return json.load(answer)


def running_url() -> str:
    """Returns the base URL of the running gateway."""
    return running.base_url


def running_log() -> list[dict]:
    """Returns the gateway's records of requests so far."""
    log = running.home / ".openclaw/logs/openclaw.log"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    records = [json.loads(line) for line in lines if line.endswith("\n")]
    return [record for record in records if record.get("outcome")]


class Scenario(unittest.TestCase):
    """A test with a client of the gateway and a fresh emulator."""

    def setUp(self) -> None:
        running.control("POST", "reset")
        self.n_records = len(running_log())
        self.client = self.client_with(TOKEN)

    def client_with(self, token: str) -> openai.OpenAI:
        """Returns a client with this token that never retries by itself."""
        client = openai.OpenAI(base_url=running.base_url, api_key=token, max_retries=0, timeout=WAIT_SECONDS)
        self.addCleanup(client.close)
        return client

    def messages_client(self) -> anthropic.Anthropic:
        """Returns a client of the Messages format that never retries by itself."""
        base_url = running.base_url.removesuffix("/v1")
        client = anthropic.Anthropic(base_url=base_url, api_key=TOKEN, max_retries=0, timeout=WAIT_SECONDS)
        self.addCleanup(client.close)
        return client

    def script(self, **rule: object) -> None:
        """Makes the emulator fail as the rule says."""
        running.control("POST", "script", {"rules": [rule]})

    def expect_repair(self, name: str) -> None:
        """Waits for a record of this test's requests that names a repair."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            records = running_log()
            if any(name in record.get("repairs", []) for record in records[self.n_records :]):
                self.n_records = len(records)
                return
            time.sleep(0.005)
        self.fail(f"no record names {name}")

    def upstream(self, path: str = "/chat/completions") -> list[dict]:
        """Returns the requests for `path` that reached the emulator."""
        seen = running.control("GET", "requests")
        return [request for request in seen if request["path"].endswith(path)]

    def ask(self, text: str, **options: object):
        """Sends one user message."""
        options = {"model": MODEL} | options
        return self.client.chat.completions.create(messages=[{"role": "user", "content": text}], **options)
