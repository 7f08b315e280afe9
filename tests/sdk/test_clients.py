"""Requests as real clients sent them, byte for byte their bodies, are answered on every kind of host.

The files of `clients/` were captured from the programs they name, with invented keys; `claude-code.json` is put together
in the shape of one. Only the model's provider is changed, so that each goes to a host that speaks the client's format
and to one that speaks chat completions only.
"""

import json
import pathlib
import urllib.error
import urllib.request

from stand import TOKEN, WAIT_SECONDS, Scenario, running_url

FOLDER = pathlib.Path(__file__).parent / "clients"
# The last event of a complete stream, by path.
ENDS = {
    "/v1/chat/completions": "data: [DONE]",
    "/v1/responses": '"type":"response.completed"',
    "/v1/messages": '"type":"message_stop"',
}


class Clients(Scenario):
    def send(self, capture: dict, provider: str) -> str:
        body = capture["body"] | {"model": f"{provider}/{capture['body']['model']}"}
        url = running_url().removesuffix("/v1") + capture["path"]
        request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
        for name, value in capture["headers"]:
            if name.lower() != "accept-encoding":
                request.add_header(name, value)
        request.add_header("Authorization", f"Bearer {TOKEN}")
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return answer.read().decode()

    def check(self, name: str, provider: str) -> None:
        capture = json.loads((FOLDER / f"{name}.json").read_text())
        text = self.send(capture, provider)
        if capture["body"].get("stream"):
            end = ENDS[capture["path"].split("?")[0]]
            last = [line for line in text.splitlines() if line.startswith("data:")][-1]
            self.assertIn(end, last)
        else:
            self.assertEqual(json.loads(text)["status"], "completed")
        # What the emulator says, or a call of a tool that the prompt names.
        answered = any(word in text for word in [" said", " see", "tool_calls"])
        self.assertTrue(answered, text[:2000])

    def test_every_client_on_both_kinds_of_hosts(self):
        names = sorted(path.stem for path in FOLDER.glob("*.json"))
        self.assertGreater(len(names), 8)
        for name in names:
            for provider in ["qwen", "chat-only"]:
                # It asks for a search, which only the host itself can do.
                if (name, provider) == ("openai-responses", "chat-only"):
                    continue
                with self.subTest(name, provider=provider):
                    self.check(name, provider)

    def test_what_a_plain_host_cannot_do_is_named(self):
        capture = json.loads((FOLDER / "openai-responses.json").read_text())
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.send(capture, "chat-only")
        self.assertEqual(caught.exception.code, 400)
        self.assertEqual(json.load(caught.exception)["error"]["param"], "tools[0].type")
        caught.exception.close()
