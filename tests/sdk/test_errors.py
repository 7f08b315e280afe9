"""Failures raise the SDK's own exceptions, with code, message and request id."""

import openai

from stand import MODEL, Scenario


class Errors(Scenario):
    def raised(self, kind: type[openai.APIStatusError], **options: object) -> openai.APIStatusError:
        """Checks that both a whole and a streamed request raise exactly `kind` before any content."""
        for stream in [True, False]:
            with self.subTest(stream=stream), self.assertRaises(openai.APIStatusError) as caught:
                self.ask("hello", stream=stream, **options)
            error = caught.exception
            self.assertIs(type(error), kind)
            self.assertTrue(error.request_id.startswith("req-"))
            self.assertTrue(error.body["message"])
        return error

    def test_wrong_gateway_token(self):
        self.client = self.client_with("wrong")
        error = self.raised(openai.AuthenticationError)
        self.assertEqual(error.code, "invalid_gateway_token")
        with self.assertRaises(openai.AuthenticationError):
            self.client.models.list()
        self.assertEqual(self.upstream(), [])

    def test_unknown_model(self):
        error = self.raised(openai.NotFoundError, model="no-such-model")
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))
        self.assertEqual(self.upstream(), [])

    def test_unknown_model_upstream(self):
        error = self.raised(openai.NotFoundError, model="qwen/qwen-that-never-was")
        self.assertEqual(error.code, "model_not_found")

    def test_bad_request(self):
        error = self.raised(openai.BadRequestError, temperature=3)
        self.assertIn("temperature", error.message)
        self.assertTrue(error.response.headers["x-upstream-request-id"])

    def test_refused_key(self):
        self.script(status=401, times=2)
        error = self.raised(openai.AuthenticationError)
        self.assertEqual(error.code, "invalid_api_key")

    def test_rate_limit(self):
        self.script(status=429, headers={"Retry-After": "7"})
        error = self.raised(openai.RateLimitError)
        self.assertEqual(error.code, "limit_requests")
        self.assertEqual(error.response.headers["retry-after"], "7")

    def test_rate_limit_is_retried_by_the_sdk(self):
        self.script(status=429, headers={"Retry-After": "0"}, times=1)
        answer = self.client.with_options(max_retries=1).chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "again"}]
        )
        self.assertEqual(answer.choices[0].message.content, "You said: again")
        self.assertEqual(len(self.upstream()), 2)

    def test_server_errors(self):
        for status, expected in [(500, 502), (503, 503)]:
            self.script(status=status)
            self.assertEqual(self.raised(openai.InternalServerError).status_code, expected)

    def test_connection_lost_before_the_answer(self):
        self.script(hang_up=True)
        self.assertEqual(self.raised(openai.InternalServerError).code, "network")

    def test_garbage(self):
        self.script(garbage=True)
        self.assertEqual(self.raised(openai.InternalServerError).code, "stream_error")

    def test_content_inspection(self):
        self.script(status=400, code="data_inspection_failed", message="inappropriate content")
        self.assertEqual(self.raised(openai.BadRequestError).code, "data_inspection_failed")

    def test_error_as_first_event(self):
        self.script(stream_error_after_events=0, status=429)
        with self.assertRaises(openai.RateLimitError):
            self.ask("hello", stream=True)

    def test_error_event_in_the_middle(self):
        # The pause lets the first event out before the error comes.
        self.script(stream_error_after_events=2, status=500, message="sorry", trickle_delay_ms=50)
        self.check_broken_stream("sorry")

    def test_cut_in_the_middle(self):
        self.script(cut_after_events=2, trickle_delay_ms=50)
        self.check_broken_stream("before the answer was finished")

    def check_broken_stream(self, message: str) -> None:
        stream = self.ask("one two three four", stream=True)
        received = []
        with self.assertRaises(openai.APIError) as caught:
            for chunk in stream:
                received.append(chunk)
        self.assertTrue(received)
        self.assertIn(message, caught.exception.message)

    def test_body_over_the_limit(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            self.ask("x" * (33 * 1024 * 1024))
        self.assertEqual(caught.exception.status_code, 413)
        self.assertEqual(caught.exception.code, "request_too_large")
