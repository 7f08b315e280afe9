//! The fixed words of an explanation, in each language.

use catalog::{EndpointFamily, ErrorScope, Language, RetryRule};

/// Labels and fixed sentences.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) cause: &'static str,
    pub(super) remedy: &'static str,
    pub(super) next: &'static str,
    pub(super) scope: &'static str,
    pub(super) retry: &'static str,
    pub(super) window: &'static str,
    pub(super) read: &'static str,
    pub(super) note: &'static str,
    pub(super) tokens: &'static str,
    pub(super) first_wait: &'static str,
    pub(super) asked_wait: &'static str,
    pub(super) guess: &'static str,
    pub(super) no_host: &'static str,
    pub(super) foreign_host: &'static str,
    pub(super) elsewhere: &'static str,
}

const ENGLISH: Words = Words {
    cause: "cause:  ",
    remedy: "to do:  ",
    next: "next:   ",
    scope: "scope:  ",
    retry: "retry:  ",
    window: "window: ",
    read: "read:   ",
    note: "note:   ",
    tokens: "tokens",
    first_wait: "first wait",
    asked_wait: "the host asked for",
    guess: "the atlas does not know this code or text; this is a guess by the HTTP status alone",
    no_host: "the text names no host; `--host` with a URL or a provider makes this exact",
    foreign_host: "this host is not one of Qwen Cloud; the usual meaning of OpenAI-compatible errors was taken",
    elsewhere: "or, from",
};

const CHINESE: Words = Words {
    cause: "原因：",
    remedy: "处理：",
    next: "下一步：",
    scope: "影响范围：",
    retry: "重试：",
    window: "上下文长度：",
    read: "识别到：",
    note: "提示：",
    tokens: "个 Token",
    first_wait: "首次等待",
    asked_wait: "主机要求等待",
    guess: "错误库中没有这个错误码或文本，以上仅按 HTTP 状态码推测",
    no_host: "文本中没有主机名；加上 `--host`（URL 或提供方）可得到准确结论",
    foreign_host: "该主机不属于千问云，按 OpenAI 兼容接口的通常含义解释",
    elsewhere: "如果来自",
};

/// Returns the words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    }
}

/// Says what a scope covers.
pub(super) fn scope(scope: ErrorScope, language: Language) -> &'static str {
    match (language, scope) {
        (Language::English, ErrorScope::Request) => "this request only",
        (Language::English, ErrorScope::Model) => {
            "this model with this key on this host; its other models still answer"
        }
        (Language::English, ErrorScope::Key) => "everything this key does on this host",
        (Language::English, ErrorScope::Host) => "everything on this host",
        (Language::English, ErrorScope::Account) => "everything of the account behind the key",
        (Language::Chinese, ErrorScope::Request) => "仅本次请求",
        (Language::Chinese, ErrorScope::Model) => "该密钥在该主机上的这个模型，其他模型不受影响",
        (Language::Chinese, ErrorScope::Key) => "该密钥在该主机上的所有调用",
        (Language::Chinese, ErrorScope::Host) => "该主机上的所有调用",
        (Language::Chinese, ErrorScope::Account) => "密钥所属账号的所有调用",
    }
}

/// Says what a retry rule does.
pub(super) fn retry(rule: RetryRule, language: Language) -> &'static str {
    match (language, rule) {
        (Language::English, RetryRule::Never) => "the same request fails everywhere; change it",
        (Language::English, RetryRule::NextCandidate) => "another candidate; not this one again",
        (Language::English, RetryRule::RetryOnce) => "once more at once, then another candidate",
        (Language::English, RetryRule::Backoff) => {
            "another candidate if one is free, else this one after a wait"
        }
        (Language::English, RetryRule::RefreshOnce) => {
            "once more with a renewed credential, then another candidate"
        }
        (Language::English, RetryRule::AfterReset) => {
            "another candidate; this one when its window reopens"
        }
        (Language::Chinese, RetryRule::Never) => "同样的请求在任何地方都会失败，请先修改",
        (Language::Chinese, RetryRule::NextCandidate) => "换下一个候选，不再重试当前的",
        (Language::Chinese, RetryRule::RetryOnce) => "立即重试一次，再换下一个候选",
        (Language::Chinese, RetryRule::Backoff) => "有空闲候选就换，否则等待后重试",
        (Language::Chinese, RetryRule::RefreshOnce) => "刷新凭证后重试一次，再换下一个候选",
        (Language::Chinese, RetryRule::AfterReset) => "换下一个候选，额度恢复后再用当前的",
    }
}

/// Names the hosts of a family.
pub(super) fn family(family: EndpointFamily, language: Language) -> &'static str {
    match (language, family) {
        (Language::English, EndpointFamily::OpenaiStandard) => "a Standard host",
        (Language::English, EndpointFamily::OpenaiCoding) => "a Coding Plan host",
        (Language::English, EndpointFamily::OpenaiToken) => "a Token Plan host",
        (Language::English, EndpointFamily::Portal) => "Qwen Portal",
        (Language::English, EndpointFamily::Native) => "the native API",
        (Language::English, EndpointFamily::Anthropic) => "the Anthropic API",
        (Language::English, EndpointFamily::OpenaiCustom) => "another vendor's host",
        (Language::Chinese, EndpointFamily::OpenaiStandard) => "按量付费主机",
        (Language::Chinese, EndpointFamily::OpenaiCoding) => "Coding Plan 主机",
        (Language::Chinese, EndpointFamily::OpenaiToken) => "Token Plan 主机",
        (Language::Chinese, EndpointFamily::Portal) => "Qwen Portal（已停用）",
        (Language::Chinese, EndpointFamily::Native) => "原生接口",
        (Language::Chinese, EndpointFamily::Anthropic) => "Anthropic 接口",
        (Language::Chinese, EndpointFamily::OpenaiCustom) => "其他厂商的主机",
    }
}
