//! An emulator, and homes whose runs reach every Model Studio host through it.

use std::collections::BTreeSet;

use emulator::{Emulator, Options};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::home::{Home, Ran};

/// One auth choice and what belongs to it.
pub(crate) struct Place {
    /// Its id.
    pub(crate) choice: &'static str,
    /// Its key flag.
    pub(crate) flag: &'static str,
    /// The emulator's key for it.
    pub(crate) key: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    /// Provider, plan, region, base URL and default model.
    pub(crate) facts: [&'static str; 5],
}

/// The places that the emulator has keys for.
pub(crate) const PLACES: [Place; 6] = [
    Place {
        choice: "qwen-standard-api-key",
        flag: "--modelstudio-standard-api-key",
        key: "sk-emulator-standard-intl",
        name: "Standard (Global)",
        facts: [
            "qwen",
            "standard",
            "intl",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "qwen/qwen3.5-plus",
        ],
    },
    Place {
        choice: "qwen-standard-api-key-cn",
        flag: "--modelstudio-standard-api-key-cn",
        key: "sk-emulator-standard-cn",
        name: "Standard (China)",
        facts: [
            "qwen",
            "standard",
            "cn",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "qwen/qwen3.5-plus",
        ],
    },
    Place {
        choice: "qwen-api-key",
        flag: "--modelstudio-api-key",
        key: "sk-sp-emulator-coding-intl",
        name: "Coding Plan (Global)",
        facts: [
            "qwen",
            "coding",
            "intl",
            "https://coding-intl.dashscope.aliyuncs.com/v1",
            "qwen/qwen3.5-plus",
        ],
    },
    Place {
        choice: "qwen-api-key-cn",
        flag: "--modelstudio-api-key-cn",
        key: "sk-sp-emulator-coding-cn",
        name: "Coding Plan (China)",
        facts: [
            "qwen",
            "coding",
            "cn",
            "https://coding.dashscope.aliyuncs.com/v1",
            "qwen/qwen3.5-plus",
        ],
    },
    Place {
        choice: "qwen-token-plan",
        flag: "--qwen-token-plan-api-key",
        key: "sk-sp-emulator-token-intl",
        name: "Token Plan (Global)",
        facts: [
            "qwen-token-plan",
            "token",
            "intl",
            "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
            "qwen-token-plan/qwen3.7-plus",
        ],
    },
    Place {
        choice: "qwen-token-plan-cn",
        flag: "--qwen-token-plan-api-key-cn",
        key: "sk-sp-emulator-token-cn",
        name: "Token Plan (China)",
        facts: [
            "qwen-token-plan",
            "token",
            "cn",
            "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
            "qwen-token-plan/qwen3.7-plus",
        ],
    },
];

/// A running emulator.
pub(crate) struct Studio {
    pub(crate) emulator: Emulator,
    folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Studio {
    /// Starts an emulator on a free port.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let emulator = runtime
            .block_on(Emulator::start(Options::default()))
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), emulator.ca_pem()).unwrap();
        Self {
            emulator,
            folder,
            _runtime: runtime,
        }
    }

    /// Creates an empty home whose runs reach the emulator.
    pub(crate) fn home(&self) -> Home {
        self.reached_by(Home::new())
    }

    /// Makes the runs of a home reach the emulator.
    pub(crate) fn reached_by(&self, home: Home) -> Home {
        self.emulator
            .environment(&self.folder.path().join("ca.pem"))
            .into_iter()
            .fold(home, |home, (name, value)| home.variable(&name, &value))
    }

    /// Returns the hosts that were asked, and with which key.
    pub(crate) fn asked(&self) -> BTreeSet<(String, String)> {
        let text = |request: &Value, name: &str| request[name].as_str().unwrap_or("").to_owned();
        self.emulator
            .requests()
            .iter()
            .map(|request| (text(request, "host"), text(request, "key")))
            .collect()
    }
}

/// Onboards without questions, with further arguments in one line.
pub(crate) fn onboard(home: &Home, line: &str) -> Ran {
    let words = ["onboard", "--non-interactive"].into_iter();
    home.run(&words.chain(line.split_whitespace()).collect::<Vec<_>>())
}

/// Returns the config of a home.
pub(crate) fn config(home: &Home) -> Value {
    serde_json::from_str(&home.read(".openclaw/openclaw.json")).unwrap()
}

/// Returns the stored profiles of a home.
pub(crate) fn profiles(home: &Home) -> Value {
    let text = home.read(".openclaw/agents/main/agent/auth-profiles.json");
    serde_json::from_str::<Value>(&text).unwrap()["profiles"].take()
}

/// Checks that nothing at all was written.
#[track_caller]
pub(crate) fn assert_untouched(home: &Home) {
    let entries: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(entries.is_empty(), "{entries:?}");
}
