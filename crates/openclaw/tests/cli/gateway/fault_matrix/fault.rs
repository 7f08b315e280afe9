//! An example of a row of the atlas, as a host would send it.

use catalog::{
    Catalog, EndpointFamily, ErrorClass, ErrorRow, FailureFacts, FailureKind, KeyFamily,
};
use serde_json::{Value, json};

use super::bench::FAULTY;

/// How a failure is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A response to a whole request.
    Whole,
    /// A response to a request for a stream.
    Stream,
    /// The first event of a stream that began with 200.
    Event,
}

/// A fault and the host that has it.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) form: Form,
    pub(super) host: String,
    pub(super) base_path: &'static str,
    pub(super) key: &'static str,
    pub(super) kind: FailureKind,
    pub(super) family: EndpointFamily,
    pub(super) code: Option<String>,
    pub(super) message: String,
    pub(super) status: u16,
}

impl Fault {
    /// Makes the example of a row in a form; none when the row is not about failures of that form.
    pub(super) fn of(catalog: &Catalog, row: &ErrorRow, form: Form) -> Option<Self> {
        let kind = row.kinds.first().copied().unwrap_or(FailureKind::Response);
        if form == Form::Event && (kind != FailureKind::Response || has_status(row)) {
            return None;
        }
        let family = row
            .families
            .first()
            .copied()
            .unwrap_or(EndpointFamily::OpenaiStandard);
        let (host, base_path) = place(family);
        let code = row.codes.first().map(|code| code.replace('*', "Anything"));
        let message = match row.messages.first() {
            Some(message) => message.clone(),
            None if row.empty_message => String::new(),
            None => "x".to_owned(),
        };
        let key = match row.keys.first() {
            Some(KeyFamily::Plan) => "sk-sp-0123456789abcdef",
            Some(KeyFamily::PayAsYouGo) => "sk-0123456789abcdef0123456789ab3f2a",
            _ => "canary-of-no-known-form",
        };
        let fault = Self {
            form,
            host: host.to_owned(),
            base_path,
            key,
            kind: if form == Form::Event {
                FailureKind::StreamEvent
            } else {
                kind
            },
            family,
            code,
            message,
            status: status(row, family),
        };
        let is_shown = fault.rule(catalog) == row.id;
        // Inside a stream there is no status, and a row that is asked earlier may know better.
        assert!(
            is_shown || form == Form::Event,
            "{} is hidden by {}: {fault:?}",
            row.id,
            fault.rule(catalog)
        );
        is_shown.then_some(fault)
    }

    fn rule(&self, catalog: &Catalog) -> String {
        let key = match self.key.get(..6) {
            Some("sk-sp-") => KeyFamily::Plan,
            Some("sk-012") => KeyFamily::PayAsYouGo,
            _ => KeyFamily::Unknown,
        };
        let facts = FailureFacts {
            family: self.family,
            status: self.status_seen(),
            code: self.code.as_deref(),
            message: &self.message,
            kind: self.kind,
            key,
        };
        catalog.classify(&facts).rule.to_owned()
    }

    /// Returns the HTTP status that the gateway sees.
    pub(super) fn status_seen(&self) -> Option<u16> {
        match self.kind {
            FailureKind::Response => Some(self.status),
            FailureKind::StreamEvent => Some(200),
            FailureKind::Network
            | FailureKind::LocalTimeout
            | FailureKind::StreamCut
            | FailureKind::StreamGarbage => None,
        }
    }

    /// Returns the emulator's rule that sends it.
    pub(super) fn script(&self) -> Value {
        let is_stream = self.form != Form::Whole;
        let mut rule = match self.kind {
            FailureKind::Network => json!({"hang_up": true}),
            FailureKind::LocalTimeout => json!({"delay_ms": 60_000}),
            FailureKind::StreamCut if is_stream => played(""),
            FailureKind::StreamCut => {
                json!({"status": 200, "body": self.body(), "cut_after_bytes": 5})
            }
            FailureKind::StreamGarbage => json!({"garbage": true}),
            FailureKind::StreamEvent if is_stream => played(&format!("data: {}\n\n", self.body())),
            FailureKind::StreamEvent => json!({"status": 200, "body": self.body()}),
            FailureKind::Response if self.message.is_empty() => {
                json!({"status": self.status, "body": ""})
            }
            FailureKind::Response => json!({"status": self.status, "body": self.body()}),
        };
        rule["match"] = json!({"host": self.host});
        rule
    }

    fn body(&self) -> Value {
        json!({"error": {"message": self.message, "code": self.code, "param": null}, "request_id": "r"})
    }
}

/// Sends a stream as it is, before anybody looks at the key.
fn played(events: &str) -> Value {
    json!({"status": 200, "body": events, "headers": {"content-type": "text/event-stream"}})
}

fn has_status(row: &ErrorRow) -> bool {
    !row.statuses.is_empty() || row.status_range.is_some()
}

fn status(row: &ErrorRow, family: EndpointFamily) -> u16 {
    let named = row
        .statuses
        .first()
        .copied()
        .or(row.status_range.map(|(first, _)| first));
    let usual = match row.class {
        ErrorClass::Throttled | ErrorClass::QuotaWindow => 429,
        ErrorClass::InvalidKey | ErrorClass::WrongPlan | ErrorClass::WrongRegion
            if family != EndpointFamily::Portal =>
        {
            401
        }
        ErrorClass::NotEntitled => 403,
        ErrorClass::ModelNotFound => 404,
        ErrorClass::UpstreamFault => 500,
        _ => 400,
    };
    named.unwrap_or(usual)
}

fn place(family: EndpointFamily) -> (&'static str, &'static str) {
    match family {
        EndpointFamily::OpenaiCoding => ("coding.dashscope.aliyuncs.com", "/v1"),
        EndpointFamily::OpenaiToken => (
            "token-plan.cn-beijing.maas.aliyuncs.com",
            "/compatible-mode/v1",
        ),
        EndpointFamily::Portal => ("portal.qwen.ai", "/v1"),
        EndpointFamily::OpenaiStandard
        | EndpointFamily::Native
        | EndpointFamily::Anthropic
        | EndpointFamily::OpenaiCustom => (FAULTY, "/compatible-mode/v1"),
    }
}
