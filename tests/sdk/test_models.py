"""The model list through the SDK."""

import openai

from stand import MODEL, Scenario


class Models(Scenario):
    def test_list(self):
        models = list(self.client.models.list())
        ids = [model.id for model in models]
        self.assertIn(MODEL, ids)
        self.assertIn("openclaw", ids)
        self.assertIn("openclaw/main", ids)
        self.assertEqual(len(ids), len(set(ids)))
        for model in models:
            self.assertEqual(model.object, "model")
            self.assertIsInstance(model.created, int)
            self.assertIn(model.owned_by, ("qwen", "chat-only", "openclaw"))

    def test_retrieve(self):
        self.assertEqual(self.client.models.retrieve(MODEL).id, MODEL)

    def test_retrieve_unknown(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.models.retrieve("qwen/qwen3-max-2026-01-2")
        self.assertEqual(caught.exception.code, "model_not_found")
        self.assertIn(MODEL, caught.exception.body["hint"])
