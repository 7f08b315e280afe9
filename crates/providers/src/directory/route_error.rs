//! Why a model has no route, and what to do about it.

/// Why a model has no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// Nothing answers to the name.
    #[error("the model `{text}` does not exist")]
    UnknownModel {
        /// What was asked for.
        text: String,
        /// Names that are close to it.
        nearest: Vec<String>,
    },
    /// The provider is known but no usable credential is.
    #[error("no usable credential for `{provider}`{}", list(reasons))]
    NoCredential {
        /// The provider.
        provider: String,
        /// Why each source gives nothing.
        reasons: Vec<String>,
    },
    /// The provider's part of the config has an error.
    #[error("the provider `{provider}` is disabled: {problem}")]
    Disabled {
        /// The provider.
        provider: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No default model is configured.
    #[error("no default model is configured")]
    NoDefault,
    /// The model does something else.
    #[error("`{text}` is {is} model, not {wanted} model")]
    WrongKind {
        /// What was asked for.
        text: String,
        /// What it is, with its article.
        is: String,
        /// What was wanted, with its article.
        wanted: String,
        /// Models that do it.
        others: Vec<String>,
    },
    /// The plan of the key does not include the model.
    #[error("`{model}` is not part of the {plan} plan")]
    NotOnPlan {
        /// What was asked for.
        model: String,
        /// The plan.
        plan: String,
    },
    /// Nothing that is configured does it.
    #[error("nothing that is configured offers {wanted} model")]
    NoneOfKind {
        /// What was wanted, with its article.
        wanted: String,
    },
    /// The keys there are belong to a plan without videos.
    #[error("videos are not part of the plan of {credential}, the key of `{provider}`")]
    NoVideo {
        /// The provider.
        provider: String,
        /// The key's name.
        credential: String,
    },
    /// The model is blind, and nothing that sees can be used.
    #[error("`{model}` does not take {kinds} input, and no model that does can be used: {reason}")]
    CannotSee {
        /// The model that was asked for.
        model: String,
        /// What it would have to take.
        kinds: String,
        /// Why nothing else can be used.
        reason: String,
    },
    /// The agent is not in the roster.
    #[error("there is no agent `{0}`")]
    UnknownAgent(String),
}

impl RouteError {
    /// Returns the machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel { .. } | Self::UnknownAgent(_) => "model_not_found",
            Self::NoCredential { .. } => "no_credential",
            Self::Disabled { .. } => "provider_disabled",
            Self::NoDefault => "no_default_model",
            Self::WrongKind { .. } => "wrong_model_kind",
            Self::CannotSee { .. } => "model_cannot_see",
            Self::NotOnPlan { .. } | Self::NoneOfKind { .. } | Self::NoVideo { .. } => {
                "not_on_plan"
            }
        }
    }

    /// Says whether the request asks for something that cannot be had here.
    pub fn is_request(&self) -> bool {
        matches!(
            self,
            Self::CannotSee { .. } | Self::NotOnPlan { .. } | Self::NoneOfKind { .. }
        )
    }

    /// Says whether renewing a login cannot help.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::NoCredential { .. })
    }

    /// Says whether the name itself is at fault.
    pub fn is_unknown_name(&self) -> bool {
        matches!(
            self,
            Self::UnknownModel { .. } | Self::UnknownAgent(_) | Self::WrongKind { .. }
        )
    }

    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownModel { nearest, .. } => did_you_mean(nearest),
            Self::NoCredential { provider, .. } => {
                format!(
                    "`openclaw onboard` stores a key; `openclaw models status` shows what was found for `{provider}`"
                )
            }
            Self::Disabled { .. } => "`openclaw config validate` shows the line".to_owned(),
            Self::NoVideo { .. } => {
                "only a Standard key pays for videos: `openclaw onboard --auth-choice qwen-standard-api-key` sets one up \
                 (China: `qwen-standard-api-key-cn`), `openclaw models auth paste-api-key --provider qwen --profile-id \
                 qwen:video` adds one beside the plan's"
                    .to_owned()
            }
            Self::NoDefault => "`openclaw models set <provider/model>` chooses one".to_owned(),
            Self::WrongKind { others, .. } => did_you_mean(others),
            Self::CannotSee { .. } => {
                "`openclaw config set agents.defaults.imageModel.primary <provider/model>` names one that sees; a Standard key has qwen-vl-max-latest".to_owned()
            }
            Self::NotOnPlan { .. } | Self::NoneOfKind { .. } => {
                "it needs a Standard key: `openclaw onboard --auth-choice qwen-standard-api-key` stores one".to_owned()
            }
            Self::UnknownAgent(_) => {
                "`openclaw` is the default agent; `agents.list` in openclaw.json names the others"
                    .to_owned()
            }
        }
    }
}

/// Returns a sentence that suggests names.
pub fn did_you_mean(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return "`openclaw models list` shows the models your keys can use".to_owned();
    }
    let names: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "did you mean {}? `openclaw models list` shows all",
        names.join(", ")
    )
}

fn list(reasons: &[String]) -> String {
    if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join("; "))
    }
}
