//! Arguments of `models`.

use clap::{Args, Subcommand};

use crate::cli::models_auth::AuthArgs;

/// Models; without a command the same as `models status`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ModelsCommand>,
}

impl ModelsArgs {
    /// Says whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Some(ModelsCommand::List(args)) => args.json,
            Some(ModelsCommand::Status(args)) => args.json,
            Some(ModelsCommand::Set(args)) => args.json,
            Some(ModelsCommand::Refresh(args)) => args.json,
            Some(ModelsCommand::Unblock(args)) => args.json,
            Some(ModelsCommand::Whoami(args)) => args.json,
            Some(ModelsCommand::Verify(args)) => args.json,
            Some(ModelsCommand::ExplainError(args)) => args.json,
            Some(ModelsCommand::Auth(args)) => args.json(),
            Some(ModelsCommand::Aliases(_) | ModelsCommand::Fallbacks(_)) | None => false,
        }
    }
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the models that your keys can use; `--all` lists the whole catalog.
    List(ModelsListArgs),
    /// Show the default model, aliases, credentials and where each comes from.
    Status(ModelsStatusArgs),
    /// Set the default model.
    Set(ModelsSetArgs),
    /// Name models.
    Aliases(AliasesArgs),
    /// Models to try when the default fails.
    Fallbacks(FallbacksArgs),
    /// Ask the hosts which models your keys can use; prints what was added, removed and changed.
    Refresh(ModelsRefreshArgs),
    /// Let hosts, keys and models that rest after failures be tried again at once.
    Unblock(ModelsUnblockArgs),
    /// Find out all about a key: family, plan, region, host, models, quota, clock.
    Whoami(WhoamiArgs),
    /// Check with real calls what the catalog claims of a model: tools, thinking, vision, JSON.
    Verify(VerifyArgs),
    /// Explain an error pasted on standard input: what it means, whom it concerns, what to do.
    ExplainError(ExplainErrorArgs),
    /// Manage credentials: list, explain, add, log in and out, order.
    Auth(AuthArgs),
}

/// Arguments of `models list`.
#[derive(Debug, Args)]
pub(crate) struct ModelsListArgs {
    /// Also list models no configured key can use.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only this provider (an alias such as `modelstudio` works too).
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "plain")]
    pub(crate) json: bool,
    /// Print one `provider/model` per line.
    #[arg(long)]
    pub(crate) plain: bool,
}

/// Arguments of `models status`.
#[derive(Debug, Args, Default)]
pub(crate) struct ModelsStatusArgs {
    /// Print one JSON object.
    #[arg(long, conflicts_with = "plain")]
    pub(crate) json: bool,
    /// Print only the default model.
    #[arg(long)]
    pub(crate) plain: bool,
    /// Exit 1 when a credential is missing or expired, 2 when one expires within 24 h.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `models refresh`.
#[derive(Debug, Args)]
#[command(
    after_help = "The answers are kept in the home's cache, never in openclaw.json; `models list` and the gateway use them.\n\
    A Coding Plan host has no list: shipped data and `models verify` decide there."
)]
pub(crate) struct ModelsRefreshArgs {
    /// Only this provider (an alias such as `modelstudio` works too).
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    /// Ask and show, and keep nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

const WHOAMI_HELP: &str = "\
Asks every host that takes keys of this kind, in parallel. Model lists cost nothing; one token is asked of the host that
accepts the key, to learn the state of its quota (`--free` leaves that out where a list proves the key).

Examples:
  openclaw models whoami                             the key of the default model's provider
  openclaw models whoami --provider qwen
  printf %s \"$KEY\" | openclaw models whoami - --json";

/// Arguments of `models whoami`.
#[derive(Debug, Args)]
#[command(after_help = WHOAMI_HELP)]
pub(crate) struct WhoamiArgs {
    /// `-` reads a key from standard input; nothing is stored.
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with = "provider")]
    pub(crate) dash: Option<String>,
    /// Same as `-`.
    #[arg(long, conflicts_with = "provider")]
    pub(crate) key_stdin: bool,
    /// The provider whose stored key is meant (an alias such as `modelstudio` works too).
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    /// Ask nothing that costs a token where a model list is there.
    #[arg(long)]
    pub(crate) free: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Asks at most five short questions; `--dry-run` shows them and what they can cost at most.\n\
    Whether the model answers is kept in the home's cache and decides over shipped data in `models list`.\n\n\
    Exit codes: 0 every claim holds, 1 one does not; a model that does not answer: as any call."
)]
pub(crate) struct VerifyArgs {
    /// `provider/model`, an alias, or a model id that one provider has.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Also ask for what the catalog says the model cannot do.
    #[arg(long)]
    pub(crate) all: bool,
    /// Show what would be asked and what it can cost, and ask nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

const EXPLAIN_ERROR_HELP: &str = "\
Reads a JSON body, a stream event, the output of `curl -i`, a log line or a traceback; keys in it are never repeated.
OPENCLAW_LOCALE=zh-CN explains in Chinese.

Examples:
  curl -si https://dashscope.aliyuncs.com/compatible-mode/v1/models | openclaw models explain-error
  openclaw models explain-error --host coding-intl --status 429 <<< 'hour allocated quota exceeded'
  openclaw logs --limit 1 | openclaw models explain-error --json";

/// Arguments of `models explain-error`.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_ERROR_HELP)]
pub(crate) struct ExplainErrorArgs {
    /// Where the error came from: a URL, a host name, an endpoint such as `token-cn`, or a provider such as `qwen`.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// HTTP status of the answer, when the text does not hold it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub(crate) status: Option<u16>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models unblock`.
#[derive(Debug, Args)]
#[command(
    after_help = "`openclaw models status` lists what rests, why and until when. A running gateway notices at once.\n\n\
    Examples:\n  openclaw models unblock                      # everything\n  \
    openclaw models unblock qwen/qwen3.5-plus    # one model\n  openclaw models unblock qwen:default         # one profile"
)]
pub(crate) struct ModelsUnblockArgs {
    /// What to unblock: an id, provider, model, profile or host of `models status`; everything when absent.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Show what would be unblocked and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models set`.
#[derive(Debug, Args)]
pub(crate) struct ModelsSetArgs {
    /// `provider/model`, an alias, or a model id that one provider has.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Show what would change and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `models aliases`.
#[derive(Debug, Args)]
pub(crate) struct AliasesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<AliasesCommand>,
}

/// What to do with aliases; `list` when absent.
#[derive(Debug, Subcommand)]
pub(crate) enum AliasesCommand {
    /// List aliases.
    List(ListFormatArgs),
    /// Name a model.
    Add {
        /// The name.
        alias: String,
        /// The model.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Forget a name.
    Remove {
        /// The name.
        alias: String,
    },
}

/// Arguments of `models fallbacks`.
#[derive(Debug, Args)]
pub(crate) struct FallbacksArgs {
    #[command(subcommand)]
    pub(crate) command: Option<FallbacksCommand>,
}

/// What to do with fallbacks; `list` when absent.
#[derive(Debug, Subcommand)]
pub(crate) enum FallbacksCommand {
    /// List fallbacks in the order they are tried.
    List(ListFormatArgs),
    /// Add a model at the end.
    Add {
        /// The model.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Remove a model.
    Remove {
        /// The model.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Remove all.
    Clear,
}

/// How a list is printed.
#[derive(Debug, Args, Default)]
pub(crate) struct ListFormatArgs {
    /// Print one JSON object.
    #[arg(long, conflicts_with = "plain")]
    pub(crate) json: bool,
    /// Print one item per line.
    #[arg(long)]
    pub(crate) plain: bool,
}
