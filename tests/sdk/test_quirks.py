"""Whatever way a host writes its answers, the SDK accumulates the same out of them."""

import json

import openai

from stand import CHAT_ONLY_MODEL, MODEL, Scenario
from test_chat import text_of
from test_tools import BOTH, TOOLS

CALLS = [("weather", {"city": "Paris"}), ("clock", {"city": "Rome"})]
# Ways to write tool calls, and what the log calls their repair.
TOOL_QUIRKS = {
    "zero_index": "tool_call_index",
    "no_index": "tool_call_index",
    "no_call_id": "tool_call_id",
    "restated_calls": None,
    "split_entries": "tool_calls_merged",
    "arguments_object": "tool_arguments",
    "arguments_python": "tool_arguments",
    "arguments_twice": "tool_arguments",
    "finish_stop": "finish_reason",
    "no_finish": "finish_reason",
}
REASONING = "The user wrote 3 characters to qwen3.5-plus. I will answer in the simplest way."


class Quirks(Scenario):
    def check_calls(self, message, reason: str) -> None:
        found = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]
        self.assertEqual(found, CALLS)
        ids = {call.id for call in message.tool_calls}
        self.assertEqual(len(ids), 2)
        self.assertTrue(all(id.startswith("call_") and id.count("call_") == 1 for id in ids), ids)
        self.assertEqual(reason, "tool_calls")

    def accumulated(self, **options: object):
        """Streams with the SDK's own accumulator, in pieces of a few bytes."""
        messages = [{"role": "user", "content": BOTH}]
        options = {"model": MODEL, "messages": messages, "tools": TOOLS, "parallel_tool_calls": True} | options
        with self.client.chat.completions.stream(**options) as stream:
            for _ in stream:
                pass
            return stream.get_final_completion()

    def test_tool_calls(self):
        for quirk, repair in TOOL_QUIRKS.items():
            for chunk_bytes in [7, 100_000]:
                with self.subTest(quirk, chunk_bytes=chunk_bytes):
                    self.script(quirks=[quirk], chunk_bytes=chunk_bytes)
                    [choice] = self.accumulated().choices
                    self.check_calls(choice.message, choice.finish_reason)
                    if repair:
                        self.expect_repair(repair)

    def test_whole_tool_calls(self):
        for quirk in ["zero_index", "no_call_id", "arguments_object", "arguments_python", "arguments_twice", "finish_stop"]:
            with self.subTest(quirk):
                self.script(quirks=[quirk])
                answer = self.ask(BOTH, tools=TOOLS, parallel_tool_calls=True)
                self.check_calls(answer.choices[0].message, answer.choices[0].finish_reason)

    def test_new_ids_with_every_piece(self):
        self.script(quirks=["new_call_ids"])
        [choice] = self.accumulated().choices
        self.check_calls(choice.message, choice.finish_reason)

    def test_arguments_nobody_can_repair(self):
        self.script(quirks=["arguments_cut"])
        for stream in [True, False]:
            with self.subTest(stream=stream):
                options = {"tools": TOOLS, "stream": stream}
                if stream:
                    chunks = [chunk for chunk in self.ask('weather {"city": "Paris"}', **options) if chunk.choices]
                    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
                    text = "".join(part.function.arguments or "" for part in parts)
                else:
                    answer = self.ask('weather {"city": "Paris"}', **options)
                    text = answer.choices[0].message.tool_calls[0].function.arguments
                self.assertEqual(text, '{"city": "Paris"')
                self.expect_repair("tool_arguments_invalid")

    def test_reasoning_in_the_text(self):
        thinking = {"model": CHAT_ONLY_MODEL, "extra_body": {"enable_thinking": True}}
        for chunk_bytes in [1, 100_000]:
            self.script(quirks=["think_tags"], chunk_bytes=chunk_bytes)
            chunks = list(self.ask("why", stream=True, **thinking))
            deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
            reasoning = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
            self.assertEqual((reasoning, text_of(chunks)), (REASONING, "You said: why"))
        message = self.ask("why", **thinking).choices[0].message
        self.assertEqual((message.reasoning_content, message.content), (REASONING, "You said: why"))

    def test_whole_although_a_stream_was_asked_for(self):
        self.script(quirks=["whole_for_stream"])
        final = self.accumulated(stream_options={"include_usage": True})
        self.check_calls(final.choices[0].message, final.choices[0].finish_reason)
        self.assertGreater(final.usage.prompt_tokens, 0)
        self.expect_repair("streamed")
        chunks = list(self.ask("hello", stream=True))
        self.assertEqual(text_of(chunks), "You said: hello")
        self.assertTrue(all(chunk.choices for chunk in chunks), "nobody asked for usage")

    def test_stream_although_the_whole_was_asked_for(self):
        for quirk in ["stream_for_whole", "stream_only"]:
            with self.subTest(quirk):
                self.script(quirks=[quirk])
                answer = self.ask(BOTH, tools=TOOLS, parallel_tool_calls=True)
                self.assertEqual(answer.object, "chat.completion")
                self.check_calls(answer.choices[0].message, answer.choices[0].finish_reason)
                self.assertGreater(answer.usage.prompt_tokens, 0)
                self.expect_repair("gathered")
        # The model is known to answer streams only now: one call, not two.
        self.script(quirks=["stream_only"])
        before = len(self.upstream())
        self.assertEqual(self.ask("again").choices[0].message.content, "You said: again")
        self.assertEqual(len(self.upstream()), before + 1)

    def test_stream_under_another_name(self):
        self.script(quirks=["plain_content_type"], trickle_delay_ms=2)
        self.assertEqual(text_of(self.ask("hello", stream=True)), "You said: hello")

    def test_models_that_answer_streams_only(self):
        for model in ["qwen/qwq-plus", "qwen/qwen3-32b"]:
            with self.subTest(model):
                answer = self.ask("why", model=model)
                message = answer.choices[0].message
                self.assertEqual(message.content, "You said: why")
                self.assertIn("The user wrote 3 characters", message.reasoning_content)
                self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 0)
        self.assertEqual([seen["body"]["stream"] for seen in self.upstream()], [True, True])

    def test_gathered_answers_may_fail_with_a_status(self):
        self.script(stream_error_after_events=3, code="data_inspection_failed", message="inappropriate content")
        with self.assertRaises(openai.BadRequestError):
            self.ask("why", model="qwen/qwq-plus")
        self.script(cut_after_events=3)
        with self.assertRaises(openai.InternalServerError) as caught:
            self.ask("why", model="qwen/qwq-plus")
        self.assertEqual(caught.exception.code, "stream_error")

    def test_several_answers_cut_after_the_first(self):
        whole = list(self.ask("one two", stream=True, n=2))
        first_end = next(at for at, chunk in enumerate(whole) if chunk.choices[0].finish_reason)
        self.script(cut_after_events=first_end + 1, trickle_delay_ms=20)
        with self.assertRaises(openai.APIError) as caught:
            list(self.ask("one two", stream=True, n=2))
        self.assertIn("before the answer was finished", caught.exception.message)
