//! Every host the emulator plays, as data.
//!
//! Standard, Coding Plan and Token Plan hosts come from the provider's "Base
//! URL" and plan pages; a workspace host `{id}.{region}.maas.aliyuncs.com` is
//! recognised by its shape.

/// What a credential was bought as; each plan has hosts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Pay as you go.
    Standard,
    /// The request-counted subscription for coding agents.
    Coding,
    /// The subscription counted in credits.
    Token,
    /// The retired Qwen portal.
    Portal,
}

impl Plan {
    /// Returns the plan's name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Coding => "coding",
            Self::Token => "token",
            Self::Portal => "portal",
        }
    }
}

/// What a host is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Answers with models.
    Models,
    /// Logs people in and issues tokens.
    Identity,
    /// Keeps files: what tasks made, and what clients uploaded.
    Storage,
}

/// Where a host stands; keys never cross a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Mainland China (Beijing), `cn-beijing`.
    Beijing,
    /// International (Singapore), `ap-southeast-1`.
    Singapore,
    /// United States (Virginia), `us-east-1`.
    Virginia,
    /// `cn-hongkong`.
    HongKong,
    /// Tokyo, `ap-northeast-1`; workspace hosts only.
    Tokyo,
    /// Frankfurt, `eu-central-1`; workspace hosts only.
    Frankfurt,
}

impl Region {
    const ALL: [Self; 6] = [
        Self::Beijing,
        Self::Singapore,
        Self::Virginia,
        Self::HongKong,
        Self::Tokyo,
        Self::Frankfurt,
    ];

    /// Returns the provider's region id, such as `cn-beijing`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Beijing => "cn-beijing",
            Self::Singapore => "ap-southeast-1",
            Self::Virginia => "us-east-1",
            Self::HongKong => "cn-hongkong",
            Self::Tokyo => "ap-northeast-1",
            Self::Frankfurt => "eu-central-1",
        }
    }

    /// Returns the page that error messages of this region link to.
    pub(crate) fn error_page(self) -> &'static str {
        match self {
            Self::Beijing | Self::HongKong => "https://help.aliyun.com/zh/model-studio/error-code",
            Self::Singapore | Self::Virginia | Self::Tokyo | Self::Frankfurt => {
                "https://www.alibabacloud.com/help/en/model-studio/error-code"
            }
        }
    }
}

/// One host with a fixed name.
#[derive(Clone, Copy, Debug)]
pub struct HostInfo {
    /// The DNS name, in lower case.
    pub name: &'static str,
    /// The plan whose keys it takes.
    pub plan: Plan,
    /// The region whose keys it takes.
    pub region: Region,
    /// What it is there for.
    pub service: Service,
}

const fn host(name: &'static str, plan: Plan, region: Region) -> HostInfo {
    HostInfo {
        name,
        plan,
        region,
        service: Service::Models,
    }
}

const fn storage(name: &'static str, region: Region) -> HostInfo {
    HostInfo {
        service: Service::Storage,
        ..host(name, Plan::Standard, region)
    }
}

/// The hosts with fixed names; workspace hosts come on top of these.
pub const HOSTS: &[HostInfo] = &[
    host("dashscope.aliyuncs.com", Plan::Standard, Region::Beijing),
    host(
        "dashscope-intl.aliyuncs.com",
        Plan::Standard,
        Region::Singapore,
    ),
    host(
        "dashscope-us.aliyuncs.com",
        Plan::Standard,
        Region::Virginia,
    ),
    host(
        "cn-hongkong.dashscope.aliyuncs.com",
        Plan::Standard,
        Region::HongKong,
    ),
    host(
        "coding.dashscope.aliyuncs.com",
        Plan::Coding,
        Region::Beijing,
    ),
    host(
        "coding-intl.dashscope.aliyuncs.com",
        Plan::Coding,
        Region::Singapore,
    ),
    host(
        "token-plan.cn-beijing.maas.aliyuncs.com",
        Plan::Token,
        Region::Beijing,
    ),
    host(
        "token-plan.ap-southeast-1.maas.aliyuncs.com",
        Plan::Token,
        Region::Singapore,
    ),
    host("portal.qwen.ai", Plan::Portal, Region::Singapore),
    HostInfo {
        service: Service::Identity,
        ..host("chat.qwen.ai", Plan::Portal, Region::Singapore)
    },
    storage(
        "dashscope-result-bj.oss-cn-beijing.aliyuncs.com",
        Region::Beijing,
    ),
    storage(
        "dashscope-result-sgp.oss-ap-southeast-1.aliyuncs.com",
        Region::Singapore,
    ),
    storage(
        "dashscope-file-mgr.oss-cn-beijing.aliyuncs.com",
        Region::Beijing,
    ),
    storage(
        "dashscope-file-mgr.oss-ap-southeast-1.aliyuncs.com",
        Region::Singapore,
    ),
];

const WORKSPACE_SUFFIX: &str = ".maas.aliyuncs.com";

/// Longest workspace id, in characters.
const WORKSPACE_ID_LENGTH_MAX: usize = 64;

/// A host that a request is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) plan: Plan,
    pub(crate) region: Region,
    pub(crate) service: Service,
    /// The workspace id when this is a workspace host.
    pub(crate) workspace: Option<String>,
}

impl Host {
    /// Finds the host a client named, ignoring case, a port and a final dot.
    pub(crate) fn find(written: &str) -> Option<Self> {
        let without_port = match written.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => written,
        };
        let name = without_port.trim_end_matches('.').to_ascii_lowercase();
        if let Some(known) = HOSTS.iter().find(|known| known.name == name) {
            return Some(Self {
                plan: known.plan,
                region: known.region,
                service: known.service,
                workspace: None,
                name,
            });
        }
        Self::workspace(name)
    }

    fn workspace(name: String) -> Option<Self> {
        let (id, region_id) = name.strip_suffix(WORKSPACE_SUFFIX)?.split_once('.')?;
        let region = Region::ALL
            .into_iter()
            .find(|region| region.id() == region_id)?;
        if !is_workspace_id(id) || id == "token-plan" {
            return None;
        }
        Some(Self {
            plan: Plan::Standard,
            region,
            service: Service::Models,
            workspace: Some(id.to_owned()),
            name,
        })
    }
}

fn is_workspace_id(id: &str) -> bool {
    id.len() <= WORKSPACE_ID_LENGTH_MAX
        && id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_hosts_by_name_whatever_the_case_port_or_final_dot() {
        for written in [
            "dashscope.aliyuncs.com",
            "DashScope.aliyuncs.com:443",
            "dashscope.aliyuncs.com.",
        ] {
            assert_eq!(
                Host::find(written).unwrap().name,
                "dashscope.aliyuncs.com",
                "{written}"
            );
        }
    }

    #[test]
    fn recognises_workspace_hosts_by_shape() {
        let found = Host::find("llm-abc123.eu-central-1.maas.aliyuncs.com").unwrap();
        assert_eq!(
            (found.plan, found.region),
            (Plan::Standard, Region::Frankfurt)
        );
        assert_eq!(found.workspace.as_deref(), Some("llm-abc123"));
    }

    #[test]
    fn knows_nothing_else() {
        for written in [
            "api.openai.com",
            "evil-dashscope.aliyuncs.com",
            "token-plan.eu-central-1.maas.aliyuncs.com",
            "-x.cn-beijing.maas.aliyuncs.com",
            "a.b.cn-beijing.maas.aliyuncs.com",
            "x.mars-1.maas.aliyuncs.com",
            "",
        ] {
            assert_eq!(Host::find(written), None, "{written}");
        }
    }
}
