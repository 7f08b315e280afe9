//! Endpoints: the hosts of each plan and region, and how a URL is recognised as one of them.

use serde::Deserialize;

use crate::key::KeyFamily;
use crate::plan::{Plan, Region};
use crate::url::{self, SplitUrl};

/// Place of the workspace id in a host pattern.
const WORKSPACE: &str = "{workspace}";
/// Longest workspace id, in bytes, as the vendor's SDK checks it.
const WORKSPACE_BYTES_MAX: usize = 64;

text_enum! {
    /// Group of endpoints that speak the same format and the same errors.
    pub enum EndpointFamily {
        /// `OpenAI` format on pay-as-you-go hosts.
        OpenaiStandard => "openai-standard",
        /// `OpenAI` format on Coding Plan hosts.
        OpenaiCoding => "openai-coding",
        /// `OpenAI` format on Token Plan hosts.
        OpenaiToken => "openai-token",
        /// `OpenAI` format on the portal.
        Portal => "portal",
        /// The vendor's own format, under `/api/v1`.
        Native => "native",
        /// Anthropic format, under `/apps/anthropic`.
        Anthropic => "anthropic",
        /// `OpenAI` format on a host that is not the vendor's.
        OpenaiCustom => "openai-custom",
    }
}

/// One endpoint row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Unique id, such as `standard-intl`.
    pub id: String,
    /// Provider id that the host belongs to.
    pub provider: String,
    /// Plan that pays for calls to it.
    pub plan: Plan,
    /// Region that its keys belong to.
    pub region: Region,
    /// What its `OpenAI` surface speaks.
    pub family: EndpointFamily,
    /// Base URL of the `OpenAI` surface, without a trailing slash; may hold `{workspace}`.
    pub base_url: String,
    /// Path of the model list below `base_url`; none when the host has no list.
    #[serde(default)]
    pub models_path: Option<String>,
    /// Path of `OpenAI` Responses below `base_url`; none when the host does not speak them.
    #[serde(default)]
    pub responses_path: Option<String>,
    /// Path of the Anthropic surface below the host.
    #[serde(default)]
    pub anthropic_path: Option<String>,
    /// Path of the vendor's own surface below the host.
    #[serde(default)]
    pub native_path: Option<String>,
    /// Origin (scheme and host) that runs video and image jobs for this region.
    #[serde(default)]
    pub aigc_origin: Option<String>,
    /// Family of keys that the host admits; `unknown` means opaque tokens.
    pub key_family: KeyFamily,
    /// Whether the host reports usage in a stream when asked to.
    #[serde(default)]
    pub streaming_usage: bool,
    /// Whether the host refuses requests without a `User-Agent`.
    #[serde(default)]
    pub requires_user_agent: bool,
    /// Seconds after which the service itself ends a request.
    #[serde(default)]
    pub request_timeout_s: Option<u64>,
    /// Name shown to people.
    pub label: String,
    /// Page where keys are made.
    #[serde(default)]
    pub key_page: Option<String>,
    /// Documentation.
    #[serde(default)]
    pub docs_page: Option<String>,
}

impl Endpoint {
    /// Returns the host of the base URL, lower case as written in the data.
    pub fn host(&self) -> &str {
        self.after_scheme().split('/').next().unwrap_or_default()
    }

    /// Returns the path of the base URL, with its leading slash, or nothing.
    pub fn base_path(&self) -> &str {
        let rest = self.after_scheme();
        rest.find('/')
            .and_then(|at| rest.get(at..))
            .unwrap_or_default()
    }

    /// Whether the host holds a place for a workspace id.
    pub fn is_workspace_pattern(&self) -> bool {
        self.base_url.contains(WORKSPACE)
    }

    /// Returns the base URL for one workspace, or the fixed one; none when the id is not a valid DNS label.
    pub fn base_url_for(&self, workspace: Option<&str>) -> Option<String> {
        match (self.is_workspace_pattern(), workspace) {
            (false, _) => Some(self.base_url.clone()),
            (true, Some(id)) if is_workspace_id(id) => Some(self.base_url.replace(WORKSPACE, id)),
            (true, _) => None,
        }
    }

    /// Whether a key of this family may be sent here at all.
    pub fn admits(&self, family: KeyFamily) -> bool {
        match (self.key_family, family) {
            // A token of no known form might be a vendor key of a new form; a vendor key is never a portal token.
            (_, KeyFamily::Unknown) => true,
            (KeyFamily::Unknown, KeyFamily::Plan | KeyFamily::PayAsYouGo) => false,
            (own, other) => own == other,
        }
    }

    fn after_scheme(&self) -> &str {
        self.base_url
            .split_once("://")
            .map_or(self.base_url.as_str(), |(_, rest)| rest)
    }

    /// Returns what follows the workspace id in the host pattern, with its leading dot.
    fn host_suffix(&self) -> Option<&str> {
        self.host().strip_prefix(WORKSPACE)
    }
}

/// A URL recognised as one of the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointMatch<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Workspace id taken from the host, for workspace endpoints.
    pub workspace: Option<String>,
    /// What the path of the URL speaks.
    pub family: EndpointFamily,
    /// Whether the URL is the base URL itself, trailing slashes, query and fragment aside.
    pub is_base_url: bool,
    /// Whether the URL is plain `http`, so that no key should be sent to it.
    pub is_plain_http: bool,
}

impl EndpointMatch<'_> {
    /// Returns the plan of the host, whatever the path.
    pub fn plan(&self) -> Plan {
        self.endpoint.plan
    }

    /// Returns the region of the host.
    pub fn region(&self) -> Region {
        self.endpoint.region
    }

    /// Whether usage in streams may be asked for: only on the documented base URL of a host that reports it.
    pub fn native_streaming_usage(&self) -> bool {
        self.is_base_url && self.endpoint.streaming_usage
    }

    /// Returns the origin for media jobs, with the workspace filled in.
    pub fn aigc_origin(&self) -> Option<String> {
        let origin = self.endpoint.aigc_origin.as_deref()?;
        Some(match self.workspace.as_deref() {
            Some(id) => origin.replace(WORKSPACE, id),
            None => origin.to_owned(),
        })
    }
}

/// Finds the endpoint a URL points to; see [`crate::Catalog::endpoint_for_url`].
pub(crate) fn find_by_url<'a>(endpoints: &'a [Endpoint], text: &str) -> Option<EndpointMatch<'a>> {
    let split = url::split(text)?;
    let (endpoint, workspace) = exact_host(endpoints, &split)
        .map(|endpoint| (endpoint, None))
        .or_else(|| workspace_host(endpoints, &split).map(|(endpoint, id)| (endpoint, Some(id))))?;
    Some(EndpointMatch {
        endpoint,
        workspace,
        family: family_of_path(endpoint, split.path),
        is_base_url: endpoint.base_path().eq_ignore_ascii_case(split.path),
        is_plain_http: !split.is_https,
    })
}

fn exact_host<'a>(endpoints: &'a [Endpoint], url: &SplitUrl<'_>) -> Option<&'a Endpoint> {
    endpoints
        .iter()
        .find(|endpoint| endpoint.host() == url.host)
}

fn workspace_host<'a>(
    endpoints: &'a [Endpoint],
    url: &SplitUrl<'_>,
) -> Option<(&'a Endpoint, String)> {
    let (endpoint, id) = endpoints.iter().find_map(|endpoint| {
        let id = url.host.strip_suffix(endpoint.host_suffix()?)?;
        Some((endpoint, id))
    })?;
    // `token-plan.<any region>` is a plan's host even in a region that has no row yet.
    let is_reserved = endpoints
        .iter()
        .any(|other| !other.is_workspace_pattern() && other.host().split('.').next() == Some(id));
    (is_workspace_id(id) && !is_reserved).then(|| (endpoint, id.to_owned()))
}

fn is_workspace_id(id: &str) -> bool {
    id.len() <= WORKSPACE_BYTES_MAX
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn family_of_path(endpoint: &Endpoint, path: &str) -> EndpointFamily {
    let below = |prefix: &Option<String>| {
        prefix.as_deref().is_some_and(|prefix| {
            path.get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
                && path
                    .get(prefix.len()..)
                    .is_some_and(|tail| tail.is_empty() || tail.starts_with('/'))
        })
    };
    if below(&endpoint.anthropic_path) {
        EndpointFamily::Anthropic
    } else if below(&endpoint.native_path) {
        EndpointFamily::Native
    } else {
        endpoint.family
    }
}
