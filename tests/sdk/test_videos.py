"""Videos through the SDK: created, waited for, listed, fetched, deleted."""

import hashlib

import openai

import stand
from stand import Scenario

# Tasks take no time worth waiting for.
QUICK = {"pending_ms": 50, "running_ms": 150}


class Videos(Scenario):
    def setUp(self) -> None:
        super().setUp()
        stand.running.control("POST", "tasks", QUICK)

    def test_made_and_fetched(self):
        video = self.client.videos.create_and_poll(
            prompt="a cat", model="qwen/wan2.6-t2v", seconds="4", size="1280x720", poll_interval_ms=50
        )
        self.assertEqual((video.status, video.progress, video.seconds, video.size), ("completed", 100, "4", "1280x720"))
        content = self.client.videos.download_content(video.id).read()
        [task] = stand.running.control("GET", "tasks")["tasks"]
        self.assertEqual(hashlib.sha256(content).hexdigest(), task["sha256"])
        self.assertIn(video.id, [listed.id for listed in self.client.videos.list(limit=5)])
        self.assertTrue(self.client.videos.delete(video.id).deleted)
        with self.assertRaises(openai.NotFoundError):
            self.client.videos.retrieve(video.id)

    def test_a_picture_is_uploaded(self):
        picture = ("a.png", b"\x89PNG\r\n\x1a\nthe rest", "image/png")
        video = self.client.videos.create(prompt="it yawns", model="qwen/wan2.6-i2v", input_reference=picture)
        self.assertEqual(video.status, "queued")
        grants = [seen for seen in stand.running.control("GET", "requests") if "/uploads?" in seen["path"]]
        self.assertEqual(len(grants), 1)

    def test_limits(self):
        with self.assertRaises(openai.BadRequestError) as refused:
            self.client.videos.create(prompt="a", model="qwen/wan2.6-t2v", seconds="40")
        self.assertEqual(refused.exception.param, "duration")
        self.assertIn("15", refused.exception.body["hint"])
