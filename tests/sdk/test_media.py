"""Everything that is not chat through the SDK: embeddings, images, speech, transcription, and chats that need eyes."""

import base64
import io
import json
import math
import struct
import urllib.request
import wave

import openai

from stand import MODEL, TOKEN, WAIT_SECONDS, Scenario, running_url

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAD0lEQVR4nGNkYGBgYEAAAABbAAGpLPGlAAAAAElFTkSuQmCC"
)


class Embeddings(Scenario):
    def test_default_is_read_from_base64(self):
        answer = self.client.embeddings.create(model="qwen/text-embedding-v4", input="hello")
        self.assertEqual(len(answer.data[0].embedding), 1024)
        self.assertAlmostEqual(math.fsum(x * x for x in answer.data[0].embedding), 1.0, places=3)
        self.assertGreater(answer.usage.prompt_tokens, 0)

    def test_more_than_the_host_takes(self):
        texts = [f"text {number}" for number in range(23)]
        ask = {"model": "text-embedding-v4", "dimensions": 64}
        answer = self.client.embeddings.create(input=texts, encoding_format="float", **ask)
        self.assertEqual([row.index for row in answer.data], list(range(23)))
        alone = self.client.embeddings.create(input=texts[22], encoding_format="float", **ask)
        self.assertEqual(answer.data[22].embedding, alone.data[0].embedding)
        self.assertEqual(answer.usage.total_tokens, sum(-(-len(text) // 4) for text in texts))

    def test_both_encodings_are_the_same(self):
        ask = {"model": "text-embedding-v4", "input": ["a", "b"], "dimensions": 256}
        plain = self.client.embeddings.create(encoding_format="float", **ask).data[1].embedding
        packed = self.client.embeddings.create(encoding_format="base64", **ask).data[1].embedding
        floats = struct.unpack("<256f", base64.b64decode(packed))
        self.assertEqual([struct.unpack("<f", struct.pack("<f", x))[0] for x in plain], list(floats))

    def test_wrong_dimensions_and_models_are_named(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.embeddings.create(model="text-embedding-v4", input="a", dimensions=100)
        self.assertEqual(caught.exception.param, "dimensions")
        self.assertIn("128", str(caught.exception))
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.embeddings.create(model=MODEL, input="a")
        self.assertEqual(caught.exception.code, "wrong_model_kind")


class Rerank(Scenario):
    def post(self, body: dict) -> dict:
        request = urllib.request.Request(f"{running_url()}/rerank", json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {TOKEN}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return json.load(answer)

    def test_both_forms_of_the_service(self):
        documents = ["tax law", {"text": "cats and dogs"}, "weather"]
        for model in ["qwen3-rerank", "gte-rerank-v2"]:
            body = {"model": model, "query": "dogs", "documents": documents, "top_n": 1, "return_documents": True}
            answer = self.post(body)
            self.assertEqual([row["index"] for row in answer["results"]], [1])
            self.assertEqual(answer["results"][0]["document"], {"text": "cats and dogs"})


class Images(Scenario):
    def test_links(self):
        answer = self.client.images.generate(model="qwen-image-2.0", prompt="a fox", n=2, size="1024x1024")
        self.assertEqual(len(answer.data), 2)
        self.assertTrue(all(image.url.startswith("https://") for image in answer.data))

    def test_bytes_at_once_and_by_job(self):
        for model in ["qwen-image-max", "wan2.5-t2i-preview"]:
            answer = self.client.images.generate(model=model, prompt="a fox", response_format="b64_json")
            self.assertTrue(base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG\r\n\x1a\n"))

    def test_edit(self):
        answer = self.client.images.edit(model="qwen-image-edit", image=[("a.png", PNG)], prompt="make it blue")
        self.assertTrue(answer.data[0].url)

    def test_limits_are_said_before_anything_is_sent(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.images.generate(model="qwen-image-max", prompt="a", size="1024x1024")
        self.assertEqual(caught.exception.param, "size")
        self.assertIn("1328x1328", str(caught.exception))


class Sound(Scenario):
    def test_what_is_said_is_heard(self):
        said = self.client.audio.speech.create(model="qwen3-tts-flash", voice="alloy", input="open the claw").read()
        with wave.open(io.BytesIO(said)) as sound:
            self.assertEqual((sound.getframerate(), sound.getnchannels()), (24000, 1))
            self.assertGreater(sound.getnframes(), 0)
        heard = self.client.audio.transcriptions.create(model="qwen3-asr-flash", file=("a.wav", said))
        self.assertEqual(heard.text, "open the claw")
        text = self.client.audio.transcriptions.create(model="qwen3-asr-flash", file=("a.wav", said), response_format="text")
        self.assertEqual(text.strip(), "open the claw")

    def test_long_texts_are_joined(self):
        sentence = "This is a sentence that is said. "
        said = self.client.audio.speech.create(model="qwen3-tts-flash", voice="Ethan", input=sentence * 30).read()
        with wave.open(io.BytesIO(said)) as sound:
            self.assertGreater(sound.getnframes() / sound.getframerate(), 10)

    def test_unknown_voices_and_formats_are_named(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.audio.speech.create(model="qwen3-tts-flash", voice="nobody", input="a")
        self.assertEqual(caught.exception.param, "voice")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.audio.speech.create(model="qwen3-tts-flash", voice="alloy", input="a", response_format="mp3")
        self.assertEqual(caught.exception.param, "response_format")


class Sight(Scenario):
    def look(self, part: dict, model: str):
        content = [part, {"type": "text", "text": "what is this?"}]
        return self.client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])

    def test_a_blind_model_lets_another_look(self):
        url = "data:image/png;base64," + base64.b64encode(PNG).decode()
        answer = self.look({"type": "image_url", "image_url": {"url": url}}, MODEL)
        self.assertEqual(answer.model, "qwen-vl-max-latest")
        self.assertIn("png 2x3", answer.choices[0].message.content)

    def test_a_model_that_sees_looks_itself(self):
        part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
        self.assertEqual(self.look(part, "qwen/qwen3.5-plus").model, "qwen3.5-plus")

    def test_video_needs_a_model_that_takes_it(self):
        part = {"type": "video", "video": ["https://example.com/1.png", "https://example.com/2.png"], "fps": 2}
        self.assertEqual(self.look(part, "qwen/qwen3.5-plus").model, "qwen-vl-max-latest")
