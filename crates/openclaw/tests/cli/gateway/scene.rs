//! A gateway in a home with one provider, and the stub behind it. At its end no secret may have been seen anywhere.

use serde_json::{Value, json};

use super::client::{Answer, Ask};
use super::process::{Ended, Gateway};
use super::stub::{Seen, Stub, Wire};
use crate::home::Home;

/// The provider's key: must never reach a client, the log, or the terminal.
pub(crate) const KEY: &str = "sk-canary-of-the-upstream-5f2c9e";
/// The gateway's token: must never reach the upstream, the log, or the terminal.
pub(crate) const TOKEN: &str = "canary-of-the-gateway-81d3";

/// The parts of a scenario.
pub(crate) struct Scene {
    /// The upstream.
    pub(crate) stub: Stub,
    /// The gateway.
    pub(crate) gateway: Gateway,
}

/// Returns the config of a gateway in front of an upstream, with a default model and an alias.
pub(crate) fn config(base_url: &str) -> Value {
    json!({
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
        "models": {"providers": {"stub": {
            "baseUrl": base_url,
            "apiKey": KEY,
            "api": "openai-completions",
            "models": [{"id": "m", "name": "m"}, {"id": "vendor/large", "name": "large"}],
        }}},
        // What a failure means for the next request is told in `breakers`.
        "routing": {"withoutBreakers": ["stub"]},
        "agents": {"defaults": {
            "model": {"primary": "stub/m"},
            "models": {"stub/vendor/large": {"alias": "big"}},
        }},
    })
}

/// Returns a chat request with the right token.
pub(crate) fn chat(body: &Value) -> Ask {
    chat_bytes(body.to_string().as_bytes())
}

/// Returns a chat request with the right token and any body.
pub(crate) fn chat_bytes(body: &[u8]) -> Ask {
    let ask = Ask::new("POST", "/v1/chat/completions").token(TOKEN);
    ask.header("Content-Type", "application/json").body(body)
}

/// Returns the body of a chat request.
pub(crate) fn asking(stream: bool) -> Value {
    json!({"model": "stub/m", "messages": [{"role": "user", "content": "hello"}], "stream": stream})
}

/// Returns a whole reply with usage.
pub(crate) fn completion() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
            "prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 3}},
    })
}

/// A content event.
pub(crate) const CONTENT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}],\"usage\":null}\n\n";
/// The event that finishes the answer.
pub(crate) const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
/// The event with usage only.
pub(crate) const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\
    \"prompt_tokens_details\":{\"cached_tokens\":5},\"completion_tokens_details\":{\"reasoning_tokens\":3}}}\n\n";
/// The end marker.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

impl Scene {
    /// Starts a gateway in front of an upstream that answers by `script`.
    #[track_caller]
    pub(crate) fn new(script: impl Fn(&Seen, &mut Wire) + Send + Sync + 'static) -> Self {
        let stub = Stub::start(script);
        let home = Home::with_config(&config(&stub.base_url()));
        let gateway = Gateway::start(home, &[]);
        Self { stub, gateway }
    }

    /// Starts a gateway in front of an upstream that streams when asked to, and answers whole otherwise.
    #[track_caller]
    pub(crate) fn answering() -> Self {
        Self::new(answer)
    }

    /// Sends a chat request and waits for the whole answer.
    #[track_caller]
    pub(crate) fn chat(&self, body: &Value) -> Answer {
        self.gateway.ask(&chat(body))
    }

    /// Returns the running totals.
    #[track_caller]
    pub(crate) fn totals(&self) -> Value {
        let ask = Ask::new("GET", "/openclaw/status").token(TOKEN);
        self.gateway.ask(&ask).json()["totals"].take()
    }

    /// Stops the gateway, checks that it ended well and that no secret was seen where it must not be.
    #[track_caller]
    pub(crate) fn finish(self) -> Ended {
        self.gateway.terminate();
        self.ended()
    }

    /// Waits for a gateway that was told to stop, and checks as [`Self::finish`].
    #[track_caller]
    pub(crate) fn ended(self) -> Ended {
        let ended = self.gateway.wait();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.printed);
        let received = String::from_utf8_lossy(&ended.received).into_owned();
        for (place, text) in [
            ("the log", &ended.log),
            ("the terminal", &ended.printed),
            ("an answer", &received),
        ] {
            for secret in [KEY, TOKEN] {
                assert!(!text.contains(secret), "`{secret}` is in {place}: {text}");
            }
        }
        for seen in self.stub.seen() {
            let raw = String::from_utf8_lossy(&seen.raw).into_owned();
            assert!(!raw.contains(TOKEN), "the token went upstream: {raw}");
            let key = format!("Bearer {KEY}");
            assert_eq!(seen.header("authorization"), Some(key.as_str()), "{raw}");
        }
        ended
    }
}

/// Answers a request: a stream when it asks for one.
pub(crate) fn answer(seen: &Seen, wire: &mut Wire) {
    if seen.json()["stream"] == true {
        wire.events(&[CONTENT, FINISH, USAGE, DONE].concat());
    } else {
        wire.json(200, &completion());
    }
}
