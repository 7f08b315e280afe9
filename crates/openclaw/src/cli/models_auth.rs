//! Arguments of `models auth`.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::later::RestArgs;

/// Credentials.
#[derive(Debug, Args)]
pub(crate) struct AuthArgs {
    #[command(subcommand)]
    pub(crate) command: AuthCommand,
}

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// List the stored profiles with their state, store file and agent.
    List(AuthListArgs),
    /// Show every source of a provider's credentials in order: used, shadowed, skipped and why.
    Explain(AuthExplainArgs),
    /// Store a key; asks for provider, profile and key.
    Add(AuthAddArgs),
    /// Log in with a device code (Qwen Portal).
    Login(AuthLoginArgs),
    /// Store a token from standard input.
    PasteToken(AuthPasteTokenArgs),
    /// Store an API key from standard input.
    PasteApiKey(AuthPasteArgs),
    /// Remove a profile from store and config.
    Logout(AuthLogoutArgs),
    /// In which order the profiles of a provider are tried.
    Order(AuthOrderArgs),
    /// Let a resting profile be tried again at once.
    ClearCooldown(AuthClearCooldownArgs),
    /// Not available here; `paste-token` does the same.
    #[command(hide = true, alias = "setup-token", alias = "activate")]
    Other(RestArgs),
}

/// Whose credentials, and how they are shown.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct AuthScopeArgs {
    /// Agent whose store is meant.
    #[arg(long, value_name = "ID", default_value = "main")]
    pub(crate) agent: String,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models auth list`.
#[derive(Debug, Args)]
pub(crate) struct AuthListArgs {
    /// Only this provider (an alias works too).
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

/// Arguments of `models auth explain`.
#[derive(Debug, Args)]
pub(crate) struct AuthExplainArgs {
    /// The provider.
    #[arg(value_name = "PROVIDER")]
    pub(crate) provider: String,
    /// How long to wait for the gateway's answer.
    #[arg(long, value_name = "MS", default_value_t = 3000)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

/// Arguments of `models auth add`.
#[derive(Debug, Args)]
pub(crate) struct AuthAddArgs {
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

/// How a login is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoginMethod {
    /// A code that is approved in a browser, on this machine or another.
    #[default]
    Device,
}

/// Arguments of `models auth login`.
#[derive(Debug, Args)]
pub(crate) struct AuthLoginArgs {
    /// Provider to log in at: `qwen-portal`.
    #[arg(long, value_name = "ID")]
    pub(crate) provider: String,
    /// The only method is `device`.
    #[arg(
        long,
        value_name = "METHOD",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub(crate) method: LoginMethod,
    /// Same as `--method device`, as OpenClaw spells it.
    #[arg(long, hide = true)]
    pub(crate) device_code: bool,
    /// Make the provider's model the default.
    #[arg(long)]
    pub(crate) set_default: bool,
    /// Do not open a browser.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Agent that owns the login.
    #[arg(long, value_name = "ID", default_value = "main")]
    pub(crate) agent: String,
    /// Print one JSON object per event: `code`, `waiting`, `done`, `error`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models auth paste-api-key`.
#[derive(Debug, Args)]
pub(crate) struct AuthPasteArgs {
    /// Provider that the secret belongs to.
    #[arg(long, value_name = "ID")]
    pub(crate) provider: String,
    /// Name of the profile; `<provider>:manual` if absent.
    #[arg(long, value_name = "ID")]
    pub(crate) profile_id: Option<String>,
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

/// Arguments of `models auth paste-token`.
#[derive(Debug, Args)]
pub(crate) struct AuthPasteTokenArgs {
    #[command(flatten)]
    pub(crate) paste: AuthPasteArgs,
    /// When the token ends, from now on: `365d`, `12h`, `30m`.
    #[arg(long, value_name = "SPAN")]
    pub(crate) expires_in: Option<String>,
}

/// Arguments of `models auth logout`.
#[derive(Debug, Args)]
pub(crate) struct AuthLogoutArgs {
    /// The profile, such as `qwen:default`.
    #[arg(value_name = "PROFILE")]
    pub(crate) profile_id: String,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be removed and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

/// Arguments of `models auth order`.
#[derive(Debug, Args)]
pub(crate) struct AuthOrderArgs {
    #[command(subcommand)]
    pub(crate) command: AuthOrderCommand,
}

/// What to do with an order.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthOrderCommand {
    /// Show the agent's order.
    Get(AuthOrderProviderArgs),
    /// Try these profiles, in this order, and no others.
    Set(AuthOrderSetArgs),
    /// Forget the agent's order.
    Clear(AuthOrderProviderArgs),
}

/// Whose order.
#[derive(Debug, Args)]
pub(crate) struct AuthOrderProviderArgs {
    /// The provider.
    #[arg(long, value_name = "ID")]
    pub(crate) provider: String,
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

/// Arguments of `models auth order set`.
#[derive(Debug, Args)]
pub(crate) struct AuthOrderSetArgs {
    /// The profiles.
    #[arg(value_name = "PROFILE", required = true)]
    pub(crate) profiles: Vec<String>,
    #[command(flatten)]
    pub(crate) target: AuthOrderProviderArgs,
}

/// Arguments of `models auth clear-cooldown`.
#[derive(Debug, Args)]
pub(crate) struct AuthClearCooldownArgs {
    /// The profile.
    #[arg(
        value_name = "PROFILE",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub(crate) profile_id: Option<String>,
    /// Every profile of the agent.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) scope: AuthScopeArgs,
}

impl AuthArgs {
    /// Says whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            AuthCommand::List(args) => args.scope.json,
            AuthCommand::Explain(args) => args.scope.json,
            AuthCommand::Add(args) => args.scope.json,
            // A failed login is an event of its own, in one line.
            AuthCommand::Login(_) | AuthCommand::Other(_) => false,
            AuthCommand::PasteToken(args) => args.paste.scope.json,
            AuthCommand::PasteApiKey(args) => args.scope.json,
            AuthCommand::Logout(args) => args.scope.json,
            AuthCommand::Order(args) => match &args.command {
                AuthOrderCommand::Get(args) | AuthOrderCommand::Clear(args) => args.scope.json,
                AuthOrderCommand::Set(args) => args.target.scope.json,
            },
            AuthCommand::ClearCooldown(args) => args.scope.json,
        }
    }
}
