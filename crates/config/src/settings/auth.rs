//! `auth`: which credentials exist and in which order they are tried. The secrets are elsewhere.

use serde_json::Value;

use super::reader::{Reader, Section};
use crate::ids::{ProfileId, ProviderId};

/// `auth`.
#[derive(Debug, Clone, Default)]
pub struct AuthSettings {
    /// `profiles`, in file order.
    pub profiles: Vec<AuthProfile>,
    /// `order`: the credentials of a provider in the order in which they are tried.
    pub order: Vec<(ProviderId, Vec<ProfileId>)>,
    /// `cooldowns`: how long credentials rest.
    pub cooldowns: Cooldowns,
}

/// `auth.cooldowns`, as far as it has a meaning here; the rest of it is about rotations that this program does not limit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cooldowns {
    /// `billingBackoffHours`: the first rest for want of money.
    pub billing_first_h: Option<f64>,
    /// `billingMaxHours`: the longest such rest.
    pub billing_max_h: Option<f64>,
    /// `authPermanentBackoffMinutes`: the first rest of a key that is refused.
    pub auth_first_min: Option<f64>,
    /// `authPermanentMaxMinutes`: the longest such rest.
    pub auth_max_min: Option<f64>,
    /// `failureWindowHours`: after this long without a failure the ladder starts anew.
    pub failure_window_h: Option<f64>,
}

/// One entry of `auth.profiles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthProfile {
    /// Its key.
    pub id: ProfileId,
    /// `provider`.
    pub provider: ProviderId,
    /// `mode`.
    pub mode: AuthMode,
    /// `email`.
    pub email: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
}

/// How a provider is authenticated. Profiles and providers spell it differently (`api_key`, `api-key`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// A key.
    ApiKey,
    /// A token that is refreshed.
    OAuth,
    /// A token that is not.
    Token,
    /// The AWS credential chain.
    AwsSdk,
}

impl AuthMode {
    pub(super) const WORDS: [(&str, Self); 5] = [
        ("api_key", Self::ApiKey),
        ("api-key", Self::ApiKey),
        ("oauth", Self::OAuth),
        ("token", Self::Token),
        ("aws-sdk", Self::AwsSdk),
    ];
}

impl AuthSettings {
    /// Returns the order of a provider's credentials, when the config gives one.
    pub fn order_of(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        self.order
            .iter()
            .find(|(id, _)| id == provider)
            .map(|(_, order)| order.as_slice())
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let profiles = reader.sections(section, "profiles");
        let profiles = profiles
            .into_iter()
            .filter_map(|(id, section)| profile(reader, id, &section))
            .collect();
        let order = reader
            .section(section, "order")
            .map(|section| order(reader, &section))
            .unwrap_or_default();
        let cooldowns = reader.part(section, "cooldowns", cooldowns);
        Self {
            profiles,
            order,
            cooldowns,
        }
    }
}

fn cooldowns(reader: &mut Reader<'_>, section: &Section<'_>) -> Cooldowns {
    let mut positive = |key: &str| {
        let number = reader.number(section, key)?;
        if number > 0.0 {
            return Some(number);
        }
        reader.error(section.path.key(key), "must be above zero", None);
        None
    };
    Cooldowns {
        billing_first_h: positive("billingBackoffHours"),
        billing_max_h: positive("billingMaxHours"),
        auth_first_min: positive("authPermanentBackoffMinutes"),
        auth_max_min: positive("authPermanentMaxMinutes"),
        failure_window_h: positive("failureWindowHours"),
    }
}

fn profile(reader: &mut Reader<'_>, id: &str, section: &Section<'_>) -> Option<AuthProfile> {
    let parsed = ProfileId::new(id);
    let provider = reader
        .text(section, "provider")
        .map(|text| ProviderId::new(&text));
    let mode = reader.choice(section, "mode", &AuthMode::WORDS);
    for key in ["provider", "mode"] {
        if section.value(key).is_none() {
            reader.error(section.path.clone(), format!("`{key}` is missing"), None);
        }
    }
    if let Err(error) = &parsed {
        reader.error(section.path.clone(), error.to_string(), None);
    }
    if let Some(Err(error)) = &provider {
        reader.error(section.path.key("provider"), error.to_string(), None);
    }
    Some(AuthProfile {
        id: parsed.ok()?,
        provider: provider?.ok()?,
        mode: mode?,
        email: reader.text(section, "email"),
        display_name: reader.text(section, "displayName"),
    })
}

fn order(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<(ProviderId, Vec<ProfileId>)> {
    let mut order = Vec::new();
    for (provider, value) in section.members {
        let Ok(id) = ProviderId::new(provider) else {
            reader.error(
                section.path.key(provider),
                "this is not a provider id",
                None,
            );
            continue;
        };
        if !matches!(value, Value::Null) {
            let profiles = reader.texts(section, provider);
            order.push((
                id,
                profiles
                    .iter()
                    .filter_map(|text| ProfileId::new(text).ok())
                    .collect(),
            ));
        }
    }
    order
}
