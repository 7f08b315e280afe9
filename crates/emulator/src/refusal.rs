//! The errors the service gives, in each of its envelopes.

use http::StatusCode;
use serde_json::{Value, json};

/// Which family of paths a request used; decides the error envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// `/compatible-mode/...` and the Coding Plan's `/v1/...`.
    OpenAi,
    /// `/api/v1/...`, the provider's own protocol.
    Native,
    /// `/apps/anthropic/...`.
    Anthropic,
    /// `/compatible-mode/v1/responses`.
    Responses,
    /// The identity server.
    Oauth,
    /// Everything else.
    Other,
}

/// How the error is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelope {
    /// `{"error":{message,type,param,code},"request_id"}`.
    OpenAi,
    /// `{"error":{code,message,param,type},"request_id"}`, as the plan hosts order it.
    Plan,
    /// `{"code","message","request_id"}`.
    Native,
    /// `{"type":"error","error":{type,message},"request_id"}`.
    Anthropic,
    /// A response that failed, with status 200.
    FailedResponse,
    /// `{"error":"code","error_description":"text"}` (RFC 6749, section 5.2).
    Oauth,
    /// `{"error":"text"}`.
    Bare,
    /// No body at all.
    Empty,
}

/// One refused request.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    code: Option<String>,
    kind: String,
    message: String,
    envelope: Envelope,
}

impl Refusal {
    /// What models that answer streams only say to other requests.
    pub(crate) fn stream_only() -> Self {
        Self::invalid(
            "This model only support stream mode, please enable the stream parameter to access the model.",
        )
    }

    /// A 400 about the request itself, `invalid_parameter_error`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::open_ai(
            StatusCode::BAD_REQUEST,
            Some("invalid_parameter_error"),
            message,
        )
    }

    /// An error in the `OpenAI` envelope; `type` follows from status and code.
    pub(crate) fn open_ai(
        status: StatusCode,
        code: Option<&str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind: error_type(status, code),
            code: code.map(str::to_owned),
            message: message.into(),
            envelope: Envelope::OpenAi,
        }
    }

    /// An error as the Coding Plan hosts and the portal order its fields.
    pub(crate) fn plan(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            envelope: Envelope::Plan,
            ..Self::open_ai(status, Some(code), message)
        }
    }

    /// An error of the provider's own protocol.
    pub(crate) fn native(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            envelope: Envelope::Native,
            ..Self::open_ai(status, Some(code), message)
        }
    }

    /// An error of the Anthropic format.
    pub(crate) fn anthropic(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            envelope: Envelope::Anthropic,
            ..Self::open_ai(status, None, message)
        }
    }

    /// An error of the Responses, which use the provider's own envelope. What comes too fast gets a response that
    /// failed instead, with status 200.
    pub(crate) fn responses(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self {
                envelope: Envelope::FailedResponse,
                ..Self::open_ai(StatusCode::OK, Some("server_error"), message)
            };
        }
        let code = match code {
            "invalid_parameter_error" => "InvalidParameter",
            "invalid_api_key" => "InvalidApiKey",
            "model_not_found" => "ModelNotFound",
            "internal_error" => "InternalError",
            other => other,
        };
        Self::native(status, code, message)
    }

    /// The same error as another surface says it.
    pub(crate) fn moved_to(self, surface: Surface) -> Self {
        let code = self.code.unwrap_or_default();
        Self::on(surface, self.status, &code, &self.message)
    }

    /// An error of the identity server.
    pub(crate) fn oauth(status: StatusCode, code: &str, description: impl Into<String>) -> Self {
        Self {
            envelope: Envelope::Oauth,
            ..Self::open_ai(status, Some(code), description)
        }
    }

    /// An error that is only a string.
    pub(crate) fn bare(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            envelope: Envelope::Bare,
            ..Self::open_ai(status, None, message)
        }
    }

    /// A 404 without a body, as wrong paths get.
    pub(crate) fn not_found() -> Self {
        Self {
            envelope: Envelope::Empty,
            ..Self::open_ai(StatusCode::NOT_FOUND, None, "")
        }
    }

    /// An error in the envelope that `surface` uses.
    pub(crate) fn on(surface: Surface, status: StatusCode, code: &str, message: &str) -> Self {
        match surface {
            Surface::Native => Self::native(status, code, message),
            Surface::Anthropic => Self::anthropic(status, message),
            Surface::Responses => Self::responses(status, code, message),
            Surface::Oauth => Self::oauth(status, code, message),
            Surface::OpenAi | Surface::Other => Self::open_ai(status, Some(code), message),
        }
    }

    /// Returns what went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the JSON body, or nothing when the service sends none.
    pub(crate) fn body(&self, request_id: &str) -> Option<Value> {
        let Self {
            code,
            kind,
            message,
            ..
        } = self;
        match self.envelope {
            Envelope::OpenAi => Some(json!({
                "error": {"message": message, "type": kind, "param": null, "code": code},
                "request_id": request_id,
            })),
            Envelope::Plan => Some(json!({
                "error": {"code": code, "message": message, "param": null, "type": kind},
                "request_id": request_id,
            })),
            Envelope::Native => {
                Some(json!({"code": code, "message": message, "request_id": request_id}))
            }
            Envelope::Anthropic => Some(json!({
                "type": "error",
                "error": {"type": anthropic_type(self.status), "message": message},
                "request_id": request_id,
            })),
            Envelope::FailedResponse => Some(json!({
                "created_at": 0, "error": {"code": code, "message": message}, "id": format!("resp_{request_id}"),
                "model": "", "object": "response", "output": [], "parallel_tool_calls": false,
                "status": "failed", "tool_choice": "auto", "tools": [],
            })),
            Envelope::Oauth => Some(json!({"error": code, "error_description": message})),
            Envelope::Bare => Some(json!({"error": message})),
            Envelope::Empty => None,
        }
    }
}

fn anthropic_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// Codes that the service repeats in `type`: billing and quota.
const CODES_USED_AS_TYPE: &[&str] = &[
    "Arrearage",
    "insufficient_quota",
    "AllocationQuota.FreeTierOnly",
    "limit_requests",
    "limit_burst_rate",
];

fn error_type(status: StatusCode, code: Option<&str>) -> String {
    let repeated = code.filter(|code| {
        CODES_USED_AS_TYPE.contains(code)
            || code.starts_with("Throttling")
            || status.is_server_error()
    });
    repeated.unwrap_or("invalid_request_error").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_as_each_surface_does() {
        let text = |refusal: Refusal| refusal.body("r").map(|body| body.to_string());
        let status = StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(
            text(Refusal::open_ai(status, Some("insufficient_quota"), "m")).unwrap(),
            r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"},"request_id":"r"}"#
        );
        assert_eq!(
            text(Refusal::plan(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "m"
            ))
            .unwrap(),
            r#"{"error":{"code":"invalid_api_key","message":"m","param":null,"type":"invalid_request_error"},"request_id":"r"}"#
        );
        assert_eq!(
            text(Refusal::native(status, "Throttling", "m")).unwrap(),
            r#"{"code":"Throttling","message":"m","request_id":"r"}"#
        );
        assert_eq!(
            text(Refusal::bare(status, "m")).unwrap(),
            r#"{"error":"m"}"#
        );
        assert_eq!(
            text(Refusal::oauth(status, "slow_down", "m")).unwrap(),
            r#"{"error":"slow_down","error_description":"m"}"#
        );
        assert_eq!(text(Refusal::not_found()), None);
    }
}
