//! What the process tells its caller. The README and `openclaw --help` list the same numbers.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok,
    /// Bad input, bad config, or anything without a number of its own. As in OpenClaw.
    Error,
    /// The command is known but not available yet; also `models status --check` when a credential is about to expire.
    NotAvailable,
    /// A key or token was refused, or none is configured.
    Auth,
    /// The account's quota or money is used up.
    Quota,
    /// A host or the gateway could not be reached.
    Network,
    /// A service manager started a second gateway; units say that this number is no reason to try again.
    Duplicate,
}

impl Exit {
    /// Returns the number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::NotAvailable => 2,
            Self::Auth => 3,
            Self::Quota => 4,
            Self::Network => 5,
            Self::Duplicate => 78,
        }
    }

    /// Returns the exit of a failed upstream call.
    pub(crate) fn of_class(class: catalog::ErrorClass) -> Self {
        use catalog::ErrorClass as Class;
        match class {
            Class::InvalidKey
            | Class::WrongPlan
            | Class::WrongRegion
            | Class::ClientNotAdmitted
            | Class::NotEntitled => Self::Auth,
            Class::Throttled | Class::QuotaWindow | Class::FreeTierExhausted | Class::Arrears => {
                Self::Quota
            }
            Class::Network | Class::LocalTimeout => Self::Network,
            Class::ModelNotFound
            | Class::ContentInspection
            | Class::ContextOverflow
            | Class::InvalidParameter
            | Class::UpstreamFault
            | Class::StreamError
            | Class::Unknown => Self::Error,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
