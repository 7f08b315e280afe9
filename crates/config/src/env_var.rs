//! Every environment variable the product reads, named once.
//!
//! Code asks [`crate::Environment`] with one of these constants; nothing else spells a variable name.

/// Replaces the home folder that everything else is derived from.
pub const OPENCLAW_HOME: &str = "OPENCLAW_HOME";
/// Replaces the state folder (default `<home>/.openclaw`); a leading `~` is expanded.
pub const STATE_DIR: &str = "OPENCLAW_STATE_DIR";
/// Replaces the config file (default `<state>/openclaw.json`); a leading `~` is expanded.
pub const CONFIG_PATH: &str = "OPENCLAW_CONFIG_PATH";
/// Picks the language of explanations: `zh-CN` and `zh-TW` give Chinese, all else English.
pub const LOCALE: &str = "OPENCLAW_LOCALE";
/// Names a profile, like `--profile`: state lives in `~/.openclaw-<name>`.
pub const PROFILE: &str = "OPENCLAW_PROFILE";
/// Replaces the folder of the default agent (default `<state>/agents/main/agent`).
pub const AGENT_DIR: &str = "OPENCLAW_AGENT_DIR";
/// The older spelling of [`AGENT_DIR`], still honoured after it.
pub const PI_AGENT_DIR: &str = "PI_CODING_AGENT_DIR";
/// Replaces the workspace folder (default `<state>/workspace`).
pub const WORKSPACE_DIR: &str = "OPENCLAW_WORKSPACE_DIR";
/// The token that clients of the gateway present; wins over `gateway.auth.token`.
pub const GATEWAY_TOKEN: &str = "OPENCLAW_GATEWAY_TOKEN";
/// The password that clients of the gateway present; wins over `gateway.auth.password`.
pub const GATEWAY_PASSWORD: &str = "OPENCLAW_GATEWAY_PASSWORD";
/// The port the gateway listens on, 1 to 65535.
pub const GATEWAY_PORT: &str = "OPENCLAW_GATEWAY_PORT";
/// The gateway that client commands talk to.
pub const GATEWAY_URL: &str = "OPENCLAW_GATEWAY_URL";
/// The log level, `silent` to `trace`.
pub const LOG_LEVEL: &str = "OPENCLAW_LOG_LEVEL";
/// More folders that included files may lie in, separated as in `PATH`.
pub const INCLUDE_ROOTS: &str = "OPENCLAW_INCLUDE_ROOTS";
/// `1` asks the login shell for variables that are missing, like `env.shellEnv.enabled`.
pub const LOAD_SHELL_ENV: &str = "OPENCLAW_LOAD_SHELL_ENV";
/// How long the login shell may take, in milliseconds.
pub const SHELL_ENV_TIMEOUT_MS: &str = "OPENCLAW_SHELL_ENV_TIMEOUT_MS";
/// The login shell of the user.
pub const SHELL: &str = "SHELL";
/// `1` forbids every write to the config file.
pub const CONFIG_READONLY: &str = "OPENCLAW_CONFIG_READONLY";
/// `1` forbids every write to the credential store.
pub const AUTH_STORE_READONLY: &str = "OPENCLAW_AUTH_STORE_READONLY";
/// `1` lets media be fetched from this machine, for the emulator without its proxy.
pub const MEDIA_ALLOW_LOOPBACK: &str = "OPENCLAW_MEDIA_ALLOW_LOOPBACK";
/// `1` shows the chain of causes under an error.
pub const DEBUG: &str = "OPENCLAW_DEBUG";

/// A Qwen Cloud (Model Studio) key; the first of three names that are tried.
pub const QWEN_API_KEY: &str = "QWEN_API_KEY";
/// A Qwen Cloud (Model Studio) key; the second name that is tried.
pub const MODELSTUDIO_API_KEY: &str = "MODELSTUDIO_API_KEY";
/// A Qwen Cloud (Model Studio) key; the third name that is tried.
pub const DASHSCOPE_API_KEY: &str = "DASHSCOPE_API_KEY";
/// A Token Plan key, the only name the provider `qwen-token-plan` reads.
pub const QWEN_TOKEN_PLAN_API_KEY: &str = "QWEN_TOKEN_PLAN_API_KEY";
/// A Qwen portal token; the first of two names.
pub const QWEN_OAUTH_TOKEN: &str = "QWEN_OAUTH_TOKEN";
/// A Qwen portal token; the second of two names.
pub const QWEN_PORTAL_API_KEY: &str = "QWEN_PORTAL_API_KEY";

/// The proxy for `https` requests.
pub const HTTPS_PROXY: &str = "HTTPS_PROXY";
/// The lower-case spelling of [`HTTPS_PROXY`].
pub const HTTPS_PROXY_LOWER: &str = "https_proxy";
/// The proxy for `http` requests. Only the lower-case spelling: servers set the other one from a request header.
pub const HTTP_PROXY_LOWER: &str = "http_proxy";
/// The proxy for every scheme that has none of its own.
pub const ALL_PROXY: &str = "ALL_PROXY";
/// The lower-case spelling of [`ALL_PROXY`].
pub const ALL_PROXY_LOWER: &str = "all_proxy";
/// Hosts that are reached without a proxy.
pub const NO_PROXY: &str = "NO_PROXY";
/// The lower-case spelling of [`NO_PROXY`].
pub const NO_PROXY_LOWER: &str = "no_proxy";
/// A PEM file of certificate authorities, trusted besides the system's.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// A folder of certificate authorities, trusted besides the system's.
pub const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// Any value turns colour off (<https://no-color.org>).
pub const NO_COLOR: &str = "NO_COLOR";
/// The home folder of the user.
pub const HOME: &str = "HOME";
/// The home folder of the user on Windows.
pub const USERPROFILE: &str = "USERPROFILE";

/// `1` lets several gateways serve one home at once.
pub const ALLOW_MULTI_GATEWAY: &str = "OPENCLAW_ALLOW_MULTI_GATEWAY";
/// Set in a process that a service manager started for us.
pub const SERVICE_MARKER: &str = "OPENCLAW_SERVICE_MARKER";
/// The file with the variables that `gateway install` kept for the service, in the form of `.env`.
pub const SERVICE_ENV_FILE: &str = "OPENCLAW_SERVICE_ENV_FILE";
/// Where systemd waits for messages (`sd_notify(3)`).
pub const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";
/// How often systemd wants a sign of life, in microseconds (`sd_watchdog_enabled(3)`).
pub const WATCHDOG_USEC: &str = "WATCHDOG_USEC";
/// The process that systemd wants a sign of life from.
pub const WATCHDOG_PID: &str = "WATCHDOG_PID";
/// The folder of the user's settings, `~/.config` when absent; user units lie below it.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// The name of the user.
pub const USER: &str = "USER";
/// The folders of programs.
pub const PATH: &str = "PATH";
