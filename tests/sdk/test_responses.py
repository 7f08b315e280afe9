"""OpenAI Responses through the official SDK: text, reasoning, tools and usage, whole and streamed."""

import json

import openai

from stand import CHAT_ONLY_MODEL, THINKING_MODEL, Scenario

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "name": name, "parameters": PARAMETERS} for name in ["weather", "clock"]]
BOTH = 'use weather {"city": "Paris"} and clock {"city": "Rome"}'


def reasoning_of(response) -> str:
    items = [item for item in response.output if item.type == "reasoning"]
    parts = [part.text for item in items for part in [*item.summary, *(item.content or [])]]
    return "".join(parts)


def calls_of(response) -> list:
    return [item for item in response.output if item.type == "function_call"]


class Formats:
    """What holds on every host; the classes below say on which."""

    model: str
    throttled_code = "limit_requests"

    def create(self, **options: object):
        return self.client.responses.create(**({"model": self.model} | options))

    def test_whole(self):
        response = self.create(input="hello there", instructions="Be short.")
        self.assertEqual((response.object, response.status), ("response", "completed"))
        self.assertEqual(response.output_text, "You said: hello there")
        self.assertGreater(response.usage.input_tokens, 0)
        self.assertEqual(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens)
        self.assertTrue(response._request_id.startswith("req-"))

    def test_streamed(self):
        with self.client.responses.stream(model=self.model, input="count to three please") as stream:
            events = list(stream)
            final = stream.get_final_response()
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        names = [event.type for event in events]
        self.assertEqual(names[:2], ["response.created", "response.in_progress"])
        self.assertEqual(names[-1], "response.completed")
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        self.assertGreater(len(deltas), 1)
        self.assertEqual("".join(deltas), "You said: count to three please")
        self.assertEqual(final.output_text, "You said: count to three please")
        self.assertGreater(final.usage.output_tokens, 0)

    def test_reasoning(self):
        whole = self.create(input="why", extra_body={"enable_thinking": True})
        self.assertIn("The user wrote 3 characters", reasoning_of(whole))
        self.assertEqual(whole.output_text, "You said: why")
        self.assertGreater(whole.usage.output_tokens_details.reasoning_tokens, 0)
        events = list(self.create(input="why", stream=True, extra_body={"enable_thinking": True}))
        kinds = {"response.reasoning_summary_text.delta", "response.reasoning_text.delta"}
        deltas = [event.delta for event in events if event.type in kinds]
        self.assertEqual("".join(deltas), reasoning_of(whole))
        self.assertEqual(reasoning_of(events[-1].response), reasoning_of(whole))
        self.assertGreater(events[-1].response.usage.output_tokens_details.reasoning_tokens, 0)

    def test_parallel_calls_and_their_results(self):
        response = self.create(input=BOTH, tools=TOOLS, parallel_tool_calls=True)
        calls = calls_of(response)
        self.assertEqual([call.name for call in calls], ["weather", "clock"])
        self.assertEqual([json.loads(call.arguments)["city"] for call in calls], ["Paris", "Rome"])
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": "fine"} for call in calls]
        again = [{"role": "user", "content": BOTH}, *response.output, *results]
        final = self.create(input=again, tools=TOOLS)
        self.assertEqual(final.output_text, "The tool said: fine | fine")

    def test_streamed_calls(self):
        options = {"input": BOTH, "tools": TOOLS, "parallel_tool_calls": True}
        with self.client.responses.stream(model=self.model, **options) as stream:
            events = list(stream)
            final = stream.get_final_response()
        done = [event for event in events if event.type == "response.function_call_arguments.done"]
        self.assertEqual([json.loads(event.arguments)["city"] for event in done], ["Paris", "Rome"])
        self.assertEqual([call.name for call in calls_of(final)], ["weather", "clock"])
        self.assertEqual(len({call.call_id for call in calls_of(final)}), 2)

    def test_length(self):
        response = self.create(input="a long text that will not fit in so few tokens, " * 4, max_output_tokens=16)
        self.assertEqual((response.status, response.incomplete_details.reason), ("incomplete", "max_output_tokens"))

    def test_structured(self):
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        named = {"type": "json_schema", "name": "place", "schema": schema, "strict": True}
        response = self.create(input="Where, as JSON?", text={"format": named})
        self.assertIsInstance(json.loads(response.output_text)["city"], str)

    def test_failures(self):
        self.script(status=429, times=2)
        for stream in [False, True]:
            with self.assertRaises(openai.RateLimitError) as caught:
                self.create(input="hello", stream=stream)
            self.assertEqual(caught.exception.code, self.throttled_code)

    def test_a_stream_that_breaks_off(self):
        self.script(chunks=20, cut_after_events=6)
        events = list(self.create(input="go", stream=True))
        self.assertEqual(events[-1].type, "response.failed")
        self.assertTrue(events[-1].response.error.message)


class OnChatOnlyHost(Formats, Scenario):
    model = CHAT_ONLY_MODEL

    def test_what_cannot_be_said(self):
        for field, options in [
            ("previous_response_id", {"previous_response_id": "resp_1"}),
            ("tools[0].type", {"tools": [{"type": "web_search"}]}),
            ("background", {"background": True}),
        ]:
            with self.subTest(field), self.assertRaises(openai.BadRequestError) as caught:
                self.create(input="hello", **options)
            self.assertEqual((caught.exception.param, caught.exception.code), (field, "untranslatable_request"))
        self.assertEqual(self.upstream(), [])


class OnItsOwnHost(Formats, Scenario):
    """The host speaks Responses itself; what it would ignore is said as a chat completion."""

    model = THINKING_MODEL
    # Too many requests are a response that failed, with status 200.
    throttled_code = "server_error"

    def test_the_request_goes_on_as_it_is(self):
        self.create(input="hello", metadata={"a": "b"}, extra_body={"ocr_options": {"deep": [1, None]}})
        [seen] = self.upstream("/compatible-mode/v1/responses")
        expected = {"input": "hello", "metadata": {"a": "b"}, "model": "qwen3.5-plus", "ocr_options": {"deep": [1, None]}}
        self.assertEqual(seen["body"], expected)

    def test_what_the_host_ignores_is_said_as_a_chat(self):
        for options in [
            {"parallel_tool_calls": True, "tools": TOOLS},
            {"text": {"format": {"type": "json_object"}}, "instructions": "JSON"},
            {"reasoning": {"effort": "none", "summary": "auto"}},
        ]:
            self.create(input="hello", **options)
        self.assertEqual(len(self.upstream()), 3)
        self.assertEqual(self.upstream("/responses"), [])

    def test_tools_and_memory_of_the_host(self):
        first = self.create(input="remember me", tools=[{"type": "web_search"}])
        self.assertEqual([item.type for item in first.output], ["web_search_call", "message"])
        second = self.create(input="go on", previous_response_id=first.id)
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens)
        events = list(self.create(input="again", tools=[{"type": "web_search"}], stream=True))
        self.assertIn("response.web_search_call.searching", [event.type for event in events])

    def test_what_neither_can_say(self):
        options = {"tools": [{"type": "web_search"}], "text": {"format": {"type": "json_object"}}}
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(input="JSON", **options)
        self.assertEqual(caught.exception.param, "tools[0].type")

    def test_a_streamed_call(self):
        events = list(self.create(input=BOTH, tools=TOOLS, stream=True))
        [call] = calls_of(events[-1].response)
        self.assertEqual((call.name, json.loads(call.arguments)), ("weather", {"city": "Paris"}))

    def test_a_model_that_only_chats(self):
        response = self.create(model="qwen/qwen3-coder-next", input="hello")
        self.assertEqual(response.output_text, "You said: hello")
        self.assertEqual(len(self.upstream()), 1)
