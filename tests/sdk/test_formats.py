"""JSON answers and image input through the SDK."""

import base64
import json
import struct
import zlib

import openai
import pydantic

from stand import THINKING_MODEL, Scenario


class Weather(pydantic.BaseModel):
    city: str
    degrees: int
    sunny: bool


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


def png(width: int, height: int) -> str:
    """Returns a grey picture as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * width) * height))
    picture = b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def seeing(url: str) -> list[dict]:
    picture = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": [picture, {"type": "text", "text": "what is it"}]}]


class Formats(Scenario):
    def test_json_object(self):
        answer = self.ask("answer in JSON", response_format={"type": "json_object"})
        self.assertEqual(json.loads(answer.choices[0].message.content), {"you_said": "answer in JSON"})

    def test_json_schema(self):
        form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA, "strict": True}}
        for stream in [False, True]:
            with self.subTest(stream=stream):
                answer = self.ask("the weather in JSON", response_format=form, stream=stream)
                if stream:
                    text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
                else:
                    text = answer.choices[0].message.content
                value = json.loads(text)
                self.assertEqual(set(value), {"city", "degrees"})
                self.assertIsInstance(value["degrees"], int)
        self.assertEqual(self.upstream()[0]["body"]["response_format"], form)

    def test_parse(self):
        messages = [{"role": "user", "content": "the weather in JSON"}]
        answer = self.client.chat.completions.parse(
            model="openclaw", messages=messages, response_format=Weather
        )
        self.assertIsInstance(answer.choices[0].message.parsed, Weather)

    def test_image(self):
        answer = self.client.chat.completions.create(model=THINKING_MODEL, messages=seeing(png(3, 2)))
        self.assertEqual(answer.choices[0].message.content, "I see 1 image. image 1: png 3x2. You said: what is it")
        self.assertGreater(answer.usage.prompt_tokens_details.image_tokens, 0)

    def test_image_of_a_few_megabytes(self):
        url = "data:image/png;base64," + base64.b64encode(base64.b64decode(png(2, 2)[22:]) + bytes(5_000_000)).decode()
        stream = self.client.chat.completions.create(model=THINKING_MODEL, messages=seeing(url), stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        self.assertIn("png 2x2", text)

    def test_broken_image(self):
        with self.assertRaises(openai.BadRequestError):
            messages = seeing("data:image/png;base64,AAAA")
            self.client.chat.completions.create(model=THINKING_MODEL, messages=messages)
