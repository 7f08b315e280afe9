"""Anthropic Messages through the official SDK: text, thinking, tools and usage, whole and streamed."""

import json

import anthropic

from stand import CHAT_ONLY_MODEL, THINKING_MODEL, Scenario

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": name, "description": name, "input_schema": SCHEMA} for name in ["weather", "clock"]]
BOTH = 'use weather {"city": "Paris"} and clock {"city": "Rome"}'


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def thinking_of(message) -> str:
    return "".join(block.thinking for block in message.content if block.type == "thinking")


class Formats:
    """What holds on every host; the classes below say on which."""

    model: str

    def setUp(self) -> None:
        super().setUp()
        self.messages = self.messages_client().messages

    def options(self, text: str, **options: object) -> dict:
        asked = [{"role": "user", "content": text}]
        return {"model": self.model, "max_tokens": 256, "messages": asked} | options

    def test_whole(self):
        message = self.messages.create(**self.options("hello there", system="Be short."))
        self.assertEqual((message.type, message.role), ("message", "assistant"))
        self.assertEqual(text_of(message), "You said: hello there")
        self.assertEqual(message.stop_reason, "end_turn")
        self.assertGreater(message.usage.input_tokens, 0)
        self.assertGreater(message.usage.output_tokens, 0)
        self.assertTrue(message._request_id.startswith("req-"))

    def test_streamed(self):
        with self.messages.stream(**self.options("count to three please")) as stream:
            names = [event.type for event in stream]
            final = stream.get_final_message()
        self.assertEqual(names[0], "message_start")
        self.assertEqual(names[-1], "message_stop")
        self.assertEqual(text_of(final), "You said: count to three please")
        self.assertEqual(final.stop_reason, "end_turn")
        self.assertGreater(final.usage.output_tokens, 0)

    def test_events(self):
        names = [event.type for event in self.messages.create(**self.options("hi", stream=True))]
        middle = [name for name in names if name not in ("ping", "content_block_delta")]
        expected = ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]
        self.assertEqual(middle, expected)

    def test_thinking(self):
        asked = self.options("why", extra_body={"enable_thinking": True})
        whole = self.messages.create(**asked)
        self.assertIn("The user wrote 3 characters", thinking_of(whole))
        self.assertEqual(text_of(whole), "You said: why")
        with self.messages.stream(**asked) as stream:
            final = stream.get_final_message()
        self.assertEqual(thinking_of(final), thinking_of(whole))
        self.assertEqual(text_of(final), "You said: why")

    def test_calls_and_their_results(self):
        whole = self.messages.create(**self.options(BOTH, tools=TOOLS))
        with self.messages.stream(**self.options(BOTH, tools=TOOLS)) as stream:
            streamed = stream.get_final_message()
        for message in [whole, streamed]:
            self.assertEqual(message.stop_reason, "tool_use")
            calls = [block for block in message.content if block.type == "tool_use"]
            self.assertEqual([call.name for call in calls], ["weather", "clock"])
            self.assertEqual([call.input for call in calls], [{"city": "Paris"}, {"city": "Rome"}])
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls]
            conversation = [
                {"role": "user", "content": BOTH},
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": results},
            ]
            final = self.messages.create(**self.options("", messages=conversation, tools=TOOLS))
            self.assertEqual(text_of(final), "The tool said: fine | fine")

    def test_forced(self):
        message = self.messages.create(**self.options("hi", tools=TOOLS, tool_choice={"type": "tool", "name": "clock"}))
        self.assertEqual([block.name for block in message.content if block.type == "tool_use"], ["clock"])

    def test_limits(self):
        short = self.messages.create(**self.options("a long text that will not fit", max_tokens=2))
        self.assertEqual(short.stop_reason, "max_tokens")
        stopped = self.messages.create(**self.options("one STOP two", stop_sequences=["STOP"]))
        self.assertEqual(text_of(stopped), "You said: one ")

    def test_failures(self):
        self.script(status=429, times=2)
        for stream in [False, True]:
            with self.assertRaises(anthropic.RateLimitError) as caught:
                self.messages.create(**self.options("hello", stream=stream))
            self.assertEqual(caught.exception.body["error"]["type"], "rate_limit_error")
            self.assertEqual(caught.exception.body["type"], "error")

    def test_a_stream_that_breaks_off(self):
        self.script(chunks=20, cut_after_events=6)
        with self.assertRaises(anthropic.APIStatusError):
            list(self.messages.create(**self.options("go", stream=True)))

    def test_count(self):
        asked = [{"role": "user", "content": "word " * 100}]
        counted = self.messages.count_tokens(model=self.model, messages=asked, tools=TOOLS)
        self.assertGreater(counted.input_tokens, 100)

    def test_wrong_token(self):
        client = anthropic.Anthropic(base_url=self.messages._client.base_url, api_key="wrong", max_retries=0)
        self.addCleanup(client.close)
        with self.assertRaises(anthropic.AuthenticationError) as caught:
            client.messages.create(**self.options("hello"))
        self.assertEqual(caught.exception.body["error"]["type"], "authentication_error")


class OnChatOnlyHost(Formats, Scenario):
    model = CHAT_ONLY_MODEL

    def test_what_cannot_be_said(self):
        document = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
        asked = [{"role": "user", "content": [document]}]
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.messages.create(**self.options("", messages=asked))
        error = caught.exception.body["error"]
        self.assertEqual((error["type"], error["param"]), ("invalid_request_error", "messages[0].content[0].source.type"))
        self.assertEqual(self.upstream(), [])


class OnItsOwnHost(Formats, Scenario):
    """The host speaks Messages itself."""

    model = THINKING_MODEL

    def test_the_request_goes_on_as_it_is(self):
        thinking = {"type": "enabled", "budget_tokens": 2048}
        message = self.messages.create(**self.options("why", thinking=thinking, metadata={"user_id": "u"}))
        self.assertIn("The user wrote 3 characters", thinking_of(message))
        [seen] = self.upstream("/apps/anthropic/v1/messages")
        expected = self.options("why", thinking=thinking, metadata={"user_id": "u"}, model="qwen3.5-plus")
        self.assertEqual(seen["body"], expected)
        self.assertIn("anthropic-version", seen["headers"])
        self.assertNotIn("x-api-key", seen["headers"])

    def test_streamed_thinking(self):
        thinking = {"type": "enabled", "budget_tokens": 2048}
        with self.messages.stream(**self.options("why", thinking=thinking)) as stream:
            final = stream.get_final_message()
        self.assertIn("The user wrote 3 characters", thinking_of(final))
        self.assertEqual(len(self.upstream("/messages")), 1)

    def test_what_the_host_ignores_is_said_as_a_chat(self):
        self.messages.create(**self.options("hello", extra_body={"enable_thinking": False}))
        self.assertEqual((len(self.upstream()), self.upstream("/messages")), (1, []))
