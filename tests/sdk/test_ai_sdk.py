"""The Vercel AI SDK: its providers for chat completions, Responses and Messages accumulate the same answers."""

import json
import subprocess
import unittest

import stand
from stand import CHAT_ONLY_EFFORT_MODEL, EFFORT_MODEL, TOKEN, WAIT_SECONDS, Scenario


class Providers(Scenario):
    def results(self, model: str, form: str) -> dict:
        if stand.ai_sdk is None:
            raise unittest.SkipTest("the Vercel AI SDK is NOT tested: its packages are not installed")
        command = ["node", str(stand.ai_sdk / "scenario.mjs"), stand.running_url(), TOKEN, model, form]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=6 * WAIT_SECONDS, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return json.loads(ran.stdout)

    def check(self, model: str, form: str) -> None:
        results = self.results(model, form)
        for way in ["whole", "streamed"]:
            with self.subTest(form, way=way):
                plain = results["plain"][way]
                self.assertEqual(plain["text"], "You said: hello there", plain)
                self.assertEqual((plain["calls"], plain["finish"]), ([], "stop"))
                self.assertGreater(min(plain["usage"].values()), 0)
                calling = results["calling"][way]
                self.assertEqual(calling["calls"], [["weather", {"city": "Paris"}], ["clock", {"city": "Rome"}]])
                self.assertEqual(calling["finish"], "tool-calls")
                thinking = results["thinking"][way]
                self.assertIn("The user wrote 3 characters", thinking["reasoning"])
                self.assertEqual(thinking["text"], "You said: why")
                self.assertGreater(thinking["usage"]["output"], 0)

    def test_chat(self):
        self.check(EFFORT_MODEL, "chat")

    def test_responses(self):
        self.check(EFFORT_MODEL, "responses")

    def test_messages(self):
        self.check(EFFORT_MODEL, "messages")

    def test_responses_on_a_chat_only_host(self):
        self.check(CHAT_ONLY_EFFORT_MODEL, "responses")

    def test_messages_on_a_chat_only_host(self):
        self.check(CHAT_ONLY_EFFORT_MODEL, "messages")
