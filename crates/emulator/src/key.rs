//! The only keys the emulator takes.

use crate::host::{Plan, Region};

/// One emulator key and what it was "bought" for.
#[derive(Clone, Copy, Debug)]
pub struct KeyInfo {
    /// The key itself, obviously not a real one.
    pub key: &'static str,
    /// The plan it belongs to.
    pub plan: Plan,
    /// The region it belongs to.
    pub region: Region,
    /// A host that takes it.
    pub host: &'static str,
}

/// Every key the emulator accepts; any other is refused as the real service does.
pub const KEYS: &[KeyInfo] = &[
    KeyInfo {
        key: "sk-emulator-standard-intl",
        plan: Plan::Standard,
        region: Region::Singapore,
        host: "dashscope-intl.aliyuncs.com",
    },
    KeyInfo {
        key: "sk-emulator-standard-cn",
        plan: Plan::Standard,
        region: Region::Beijing,
        host: "dashscope.aliyuncs.com",
    },
    KeyInfo {
        key: "sk-sp-emulator-coding-intl",
        plan: Plan::Coding,
        region: Region::Singapore,
        host: "coding-intl.dashscope.aliyuncs.com",
    },
    KeyInfo {
        key: "sk-sp-emulator-coding-cn",
        plan: Plan::Coding,
        region: Region::Beijing,
        host: "coding.dashscope.aliyuncs.com",
    },
    KeyInfo {
        key: "sk-sp-emulator-token-intl",
        plan: Plan::Token,
        region: Region::Singapore,
        host: "token-plan.ap-southeast-1.maas.aliyuncs.com",
    },
    KeyInfo {
        key: "sk-sp-emulator-token-cn",
        plan: Plan::Token,
        region: Region::Beijing,
        host: "token-plan.cn-beijing.maas.aliyuncs.com",
    },
];

/// Returns the emulator key that `written` is, if it is one.
pub(crate) fn find(written: &str) -> Option<&'static KeyInfo> {
    KEYS.iter().find(|known| known.key == written)
}
