"""Function tools through the SDK: one call, several at once, streamed, and the way back."""

import json

from stand import MODEL, Scenario


def tool(name: str) -> dict:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


TOOLS = [tool("weather"), tool("clock")]
BOTH = 'use weather {"city": "Paris"} and clock {"city": "Rome"}'


def collect(chunks) -> list[dict]:
    """Puts streamed fragments together; later fragments carry an empty id."""
    calls: dict[int, dict] = {}
    for chunk in chunks:
        for part in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
            call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
            call["id"] = part.id or call["id"]
            call["name"] = part.function.name or call["name"]
            call["arguments"] += part.function.arguments or ""
    return [calls[index] for index in sorted(calls)]


class Tools(Scenario):
    def test_one_call_and_its_result(self):
        answer = self.ask('weather {"city": "Paris"}', tools=TOOLS)
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        [call] = answer.choices[0].message.tool_calls
        self.assertTrue(call.id)
        self.assertEqual((call.type, call.function.name), ("function", "weather"))
        self.assertEqual(json.loads(call.function.arguments), {"city": "Paris"})
        messages = [
            {"role": "user", "content": 'weather {"city": "Paris"}'},
            answer.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ]
        final = self.client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
        self.assertEqual(final.choices[0].message.content, "The tool said: sunny")

    def test_parallel_calls(self):
        answer = self.ask(BOTH, tools=TOOLS, parallel_tool_calls=True)
        calls = answer.choices[0].message.tool_calls
        self.assertEqual([call.function.name for call in calls], ["weather", "clock"])
        self.assertEqual(len({call.id for call in calls}), 2)

    def test_streamed_call(self):
        chunks = list(self.ask('weather {"city": "Paris"}', tools=TOOLS, stream=True))
        [call] = collect(chunks)
        self.assertTrue(call["id"])
        self.assertEqual(call["name"], "weather")
        self.assertEqual(json.loads(call["arguments"]), {"city": "Paris"})
        self.assertEqual(chunks[-1].choices[0].finish_reason, "tool_calls")

    def test_streamed_parallel_calls(self):
        calls = collect(self.ask(BOTH, tools=TOOLS, parallel_tool_calls=True, stream=True))
        self.assertEqual([call["name"] for call in calls], ["weather", "clock"])
        self.assertEqual([json.loads(call["arguments"])["city"] for call in calls], ["Paris", "Rome"])

    def test_forced_and_forbidden(self):
        forced = {"type": "function", "function": {"name": "clock"}}
        [call] = self.ask("hello", tools=TOOLS, tool_choice=forced).choices[0].message.tool_calls
        self.assertEqual(call.function.name, "clock")
        answer = self.ask("weather", tools=TOOLS, tool_choice="none")
        self.assertIsNone(answer.choices[0].message.tool_calls)
