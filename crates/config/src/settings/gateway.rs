//! `gateway`: where the gateway listens and who may use it.

use super::reader::{Reader, Section};
use crate::secret::SecretInput;

/// `gateway`.
#[derive(Debug, Clone, Default)]
pub struct GatewaySettings {
    /// `mode`: whether this machine runs the gateway.
    pub mode: Option<GatewayMode>,
    /// `port`, 1 to 65535.
    pub port: Option<u16>,
    /// `bind`: which addresses it listens on. Default loopback.
    pub bind: Bind,
    /// `customBindHost`: the address for [`Bind::Custom`].
    pub custom_bind_host: Option<String>,
    /// `auth`.
    pub auth: GatewayAuth,
    /// `reload.mode`.
    pub reload: ReloadMode,
    /// `remote.url`: the gateway that clients use in remote mode.
    pub remote_url: Option<String>,
    /// `remote.token`: what they present there.
    pub remote_token: Option<SecretInput>,
    /// `http.endpoints.chatCompletions.enabled`.
    pub chat_completions_enabled: Option<bool>,
    /// `http.endpoints.responses.enabled`.
    pub responses_enabled: Option<bool>,
}

/// `gateway.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayMode {
    /// `local`: the gateway runs here.
    Local,
    /// `remote`: it runs elsewhere.
    Remote,
}

/// `gateway.reload.mode`. Everything but the address is taken over without a restart, so the modes that differ in what
/// restarts are the same here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReloadMode {
    /// `hybrid`, `hot`, `restart`: changed files are taken over.
    #[default]
    On,
    /// `off`: only a signal does that.
    Off,
}

impl ReloadMode {
    pub(super) const WORDS: [(&str, Self); 4] = [
        ("hybrid", Self::On),
        ("hot", Self::On),
        ("restart", Self::On),
        ("off", Self::Off),
    ];
}

/// `gateway.bind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bind {
    /// `loopback`: this machine only.
    #[default]
    Loopback,
    /// `lan`: every address.
    Lan,
    /// `tailnet`: the address of the Tailscale network.
    Tailnet,
    /// `auto`: loopback when possible.
    Auto,
    /// `custom`: the address in `customBindHost`.
    Custom,
}

/// `gateway.auth`.
#[derive(Debug, Clone, Default)]
pub struct GatewayAuth {
    /// `mode`.
    pub mode: Option<GatewayAuthMode>,
    /// `token`.
    pub token: Option<SecretInput>,
    /// `password`.
    pub password: Option<SecretInput>,
}

/// `gateway.auth.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayAuthMode {
    /// `none`: everybody who can reach the port.
    None,
    /// `token`.
    Token,
    /// `password`.
    Password,
    /// `trusted-proxy`: a proxy in front has authenticated the caller.
    TrustedProxy,
}

impl GatewayMode {
    pub(super) const WORDS: [(&str, Self); 2] = [("local", Self::Local), ("remote", Self::Remote)];
}

impl Bind {
    pub(super) const WORDS: [(&str, Self); 5] = [
        ("loopback", Self::Loopback),
        ("lan", Self::Lan),
        ("tailnet", Self::Tailnet),
        ("auto", Self::Auto),
        ("custom", Self::Custom),
    ];
}

impl GatewayAuthMode {
    pub(super) const WORDS: [(&str, Self); 4] = [
        ("none", Self::None),
        ("token", Self::Token),
        ("password", Self::Password),
        ("trusted-proxy", Self::TrustedProxy),
    ];
}

impl GatewaySettings {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let bind = reader.choice(section, "bind", &Bind::WORDS);
        let custom_bind_host = reader.text(section, "customBindHost");
        if bind == Some(Bind::Custom) && custom_bind_host.is_none() {
            let hint = "add `customBindHost` with an address of this machine".to_owned();
            reader.error(
                section.path.key("bind"),
                "`custom` needs `customBindHost`",
                Some(hint),
            );
        }
        let remote = reader.section(section, "remote");
        let reload = reader.section(section, "reload");
        let reload = reload.and_then(|reload| reader.choice(&reload, "mode", &ReloadMode::WORDS));
        let endpoints = reader
            .section(section, "http")
            .and_then(|http| reader.section(&http, "endpoints"));
        let mut enabled = |name: &str| {
            let endpoint = endpoints
                .as_ref()
                .and_then(|endpoints| reader.section(endpoints, name));
            endpoint.and_then(|endpoint| reader.flag(&endpoint, "enabled"))
        };
        Self {
            chat_completions_enabled: enabled("chatCompletions"),
            responses_enabled: enabled("responses"),
            mode: reader.choice(section, "mode", &GatewayMode::WORDS),
            port: reader
                .whole(section, "port", 1..=65_535)
                .and_then(|port| u16::try_from(port).ok()),
            bind: bind.unwrap_or_default(),
            custom_bind_host,
            reload: reload.unwrap_or_default(),
            auth: reader.part(section, "auth", GatewayAuth::read),
            remote_url: remote
                .as_ref()
                .and_then(|remote| reader.text(remote, "url")),
            remote_token: remote
                .as_ref()
                .and_then(|remote| reader.secret(remote, "token")),
        }
    }
}

impl GatewayAuth {
    fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        Self {
            mode: reader.choice(section, "mode", &GatewayAuthMode::WORDS),
            token: reader.secret(section, "token"),
            password: reader.secret(section, "password"),
        }
    }
}
