//! Plans, regions and values that differ by plan.

use serde::Deserialize;

text_enum! {
    /// How the service is paid for, which decides the host.
    pub enum Plan {
        /// Pay-as-you-go on a shared host.
        Standard => "standard",
        /// Coding Plan: a subscription counted in requests.
        Coding => "coding",
        /// Token Plan: a subscription counted in credits.
        Token => "token",
        /// Qwen Portal tokens (legacy).
        Portal => "portal",
        /// Pay-as-you-go on the host of one workspace.
        Workspace => "workspace",
        /// Pay-as-you-go on a trial host without a service level.
        Trial => "trial",
    }
}

impl Plan {
    /// Returns the plan whose model data also holds here: workspace and trial hosts serve what Standard serves.
    #[must_use]
    pub const fn model_plan(self) -> Self {
        match self {
            Self::Workspace | Self::Trial => Self::Standard,
            Self::Standard | Self::Coding | Self::Token | Self::Portal => self,
        }
    }

    /// Whether each request on this plan is billed (true), or paid for ahead or free (false).
    pub const fn is_metered(self) -> bool {
        matches!(self, Self::Standard | Self::Workspace | Self::Trial)
    }
}

text_enum! {
    /// Where a host stands; keys, models and hosts do not cross regions.
    pub enum Region {
        /// China mainland (Beijing).
        Cn => "cn",
        /// International (Singapore).
        Intl => "intl",
        /// United States (Virginia).
        Us => "us",
        /// Hong Kong.
        Hk => "hk",
        /// Japan (Tokyo).
        Jp => "jp",
        /// Europe (Frankfurt).
        Eu => "eu",
        /// No region: one host for all.
        Global => "global",
    }
}

/// One optional value for each plan that has model data of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerPlan<T> {
    /// Value on Standard, workspace and trial hosts.
    #[serde(default = "none")]
    pub standard: Option<T>,
    /// Value on the Coding Plan.
    #[serde(default = "none")]
    pub coding: Option<T>,
    /// Value on the Token Plan.
    #[serde(default = "none")]
    pub token: Option<T>,
    /// Value on the portal.
    #[serde(default = "none")]
    pub portal: Option<T>,
}

impl<T> PerPlan<T> {
    /// Returns the value for a plan, if the row has one.
    pub const fn get(&self, plan: Plan) -> Option<&T> {
        match plan.model_plan() {
            Plan::Coding => self.coding.as_ref(),
            Plan::Token => self.token.as_ref(),
            Plan::Portal => self.portal.as_ref(),
            Plan::Standard | Plan::Workspace | Plan::Trial => self.standard.as_ref(),
        }
    }
}

/// Keeps serde from asking `T: Default` for a missing field.
fn none<T>() -> Option<T> {
    None
}
