"""Chat completions, whole and streamed, through the SDK."""

import asyncio

import openai

from stand import MODEL, THINKING_MODEL, TOKEN, WAIT_SECONDS, Scenario, running_url


def text_of(chunks) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


class Chat(Scenario):
    def test_whole(self):
        answer = self.ask("hello there")
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertEqual(answer.choices[0].message.content, "You said: hello there")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertGreater(answer.usage.prompt_tokens, 0)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self.assertTrue(answer._request_id.startswith("req-"))
        [seen] = self.upstream()
        self.assertEqual(seen["body"]["model"], "qwen3-max-2026-01-23")
        self.assertEqual(seen["host"], "dashscope-intl.aliyuncs.com")
        self.assertEqual(seen["via"], "tunnel")

    def test_every_name_of_a_model(self):
        for name in [MODEL, "qwen3-max-2026-01-23", "fast", "openclaw", "openclaw/main"]:
            with self.subTest(name):
                self.assertEqual(self.ask("hi", model=name).choices[0].message.content, "You said: hi")
        self.assertEqual({seen["body"]["model"] for seen in self.upstream()}, {"qwen3-max-2026-01-23"})

    def test_conversation_and_unknown_fields(self):
        answer = self.client.chat.completions.create(
            model=MODEL,
            messages=[
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "one"},
                {"role": "assistant", "content": "two"},
                {"role": "user", "content": [{"type": "text", "text": "three"}]},
            ],
            temperature=0.5,
            max_tokens=50,
            extra_body={"top_k": 5, "x_unknown": {"deep": [1, None]}},
            extra_headers={"X-DashScope-Session": "s-1"},
        )
        self.assertEqual(answer.choices[0].message.content, "You said: three")
        [seen] = self.upstream()
        self.assertEqual(seen["body"]["x_unknown"], {"deep": [1, None]})
        self.assertEqual(seen["body"]["top_k"], 5)
        self.assertEqual(len(seen["body"]["messages"]), 4)
        self.assertEqual(seen["headers"]["x-dashscope-session"], "s-1")
        self.assertNotIn("x-stainless-lang", seen["headers"])

    def test_stream_without_usage(self):
        chunks = list(self.ask("count to three please", stream=True))
        self.assertGreater(len(chunks), 3)
        self.assertEqual(text_of(chunks), "You said: count to three please")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
        self.assertTrue(all(chunk.choices and chunk.usage is None for chunk in chunks))
        [seen] = self.upstream()
        self.assertEqual(seen["body"]["stream_options"], {"include_usage": True})

    def test_stream_with_usage(self):
        chunks = list(self.ask("count", stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))
        self.assertEqual(text_of(chunks), "You said: count")

    def test_stream_helper(self):
        messages = [{"role": "user", "content": "hello"}]
        with self.client.chat.completions.stream(model=MODEL, messages=messages) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_completion()
        self.assertIn("content.delta", kinds)
        self.assertEqual(final.choices[0].message.content, "You said: hello")

    def test_reasoning(self):
        chunks = list(self.ask("why", model=THINKING_MODEL, stream=True, extra_body={"enable_thinking": True}))
        deltas = [chunk.choices[0].delta for chunk in chunks]
        reasoning = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
        self.assertIn("The user wrote 3 characters", reasoning)
        self.assertEqual(text_of(chunks), "You said: why")
        first_text = next(at for at, delta in enumerate(deltas) if delta.content)
        self.assertTrue(all(not getattr(delta, "reasoning_content", None) for delta in deltas[first_text:]))

    def test_whole_reasoning(self):
        answer = self.ask("why", model=THINKING_MODEL, extra_body={"enable_thinking": True})
        self.assertIn("The user wrote", answer.choices[0].message.reasoning_content)
        self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 0)

    def test_length(self):
        answer = self.ask("a long text that will not fit", max_tokens=2)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_slow_stream(self):
        self.script(chunks=20, trickle_delay_ms=5, chunk_bytes=17)
        chunks = list(self.ask("go", stream=True))
        self.assertEqual(text_of(chunks), "word " * 20)

    def test_async_streams_at_once(self):
        async def one(client: openai.AsyncOpenAI, number: int) -> str:
            messages = [{"role": "user", "content": f"number {number}"}]
            stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            return text_of([chunk async for chunk in stream])

        async def all_of_them() -> list[str]:
            options = {"api_key": TOKEN, "max_retries": 0, "timeout": WAIT_SECONDS}
            async with openai.AsyncOpenAI(base_url=running_url(), **options) as client:
                return await asyncio.gather(*(one(client, number) for number in range(20)))

        self.assertEqual(asyncio.run(all_of_them()), [f"You said: number {number}" for number in range(20)])
