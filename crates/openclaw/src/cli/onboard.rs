//! Arguments of `onboard`. Flag names are OpenClaw's, so that its scripts run unchanged.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Key flags: at most one. A flag alone names the plan and region it belongs to.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct KeyFlags {
    /// Key for Standard (pay-as-you-go), Global.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) modelstudio_standard_api_key: Option<String>,
    /// Key for Standard (pay-as-you-go), China.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) modelstudio_standard_api_key_cn: Option<String>,
    /// Key for Standard (pay-as-you-go), US.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) qwen_standard_api_key_us: Option<String>,
    /// Key for Standard (pay-as-you-go), Hong Kong.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) qwen_standard_api_key_hk: Option<String>,
    /// Key for the Coding Plan, Global.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) modelstudio_api_key: Option<String>,
    /// Key for the Coding Plan, China.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) modelstudio_api_key_cn: Option<String>,
    /// Key for the Token Plan, Global.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) qwen_token_plan_api_key: Option<String>,
    /// Key for the Token Plan, China.
    #[arg(long, value_name = "KEY", help_heading = "Keys")]
    pub(crate) qwen_token_plan_api_key_cn: Option<String>,
    /// Token of the Qwen Portal.
    #[arg(long, value_name = "TOKEN", help_heading = "Keys")]
    pub(crate) qwen_oauth_token: Option<String>,
    /// Key of OpenClaw's second plugin, for video only (not available yet).
    #[arg(long, value_name = "KEY", hide = true)]
    pub(crate) alibaba_model_studio_api_key: Option<String>,
}

impl KeyFlags {
    /// Gives a key as if its flag had been typed; a flag that is not known takes nothing.
    pub(crate) fn set(&mut self, flag: &str, key: String) {
        let field = match flag {
            "--modelstudio-standard-api-key" => &mut self.modelstudio_standard_api_key,
            "--modelstudio-standard-api-key-cn" => &mut self.modelstudio_standard_api_key_cn,
            "--qwen-standard-api-key-us" => &mut self.qwen_standard_api_key_us,
            "--qwen-standard-api-key-hk" => &mut self.qwen_standard_api_key_hk,
            "--modelstudio-api-key" => &mut self.modelstudio_api_key,
            "--modelstudio-api-key-cn" => &mut self.modelstudio_api_key_cn,
            _ => return,
        };
        *field = Some(key);
    }

    /// Returns the flags that were given, under the names that the catalog's choices use, with their values.
    pub(crate) fn given(&self) -> Vec<(&'static str, &str)> {
        [
            (
                "--modelstudio-standard-api-key",
                &self.modelstudio_standard_api_key,
            ),
            (
                "--modelstudio-standard-api-key-cn",
                &self.modelstudio_standard_api_key_cn,
            ),
            ("--qwen-standard-api-key-us", &self.qwen_standard_api_key_us),
            ("--qwen-standard-api-key-hk", &self.qwen_standard_api_key_hk),
            ("--modelstudio-api-key", &self.modelstudio_api_key),
            ("--modelstudio-api-key-cn", &self.modelstudio_api_key_cn),
            ("--qwen-token-plan-api-key", &self.qwen_token_plan_api_key),
            (
                "--qwen-token-plan-api-key-cn",
                &self.qwen_token_plan_api_key_cn,
            ),
            ("--qwen-oauth-token", &self.qwen_oauth_token),
            (
                "--alibaba-model-studio-api-key",
                &self.alibaba_model_studio_api_key,
            ),
        ]
        .into_iter()
        .filter_map(|(flag, value)| Some((flag, value.as_deref()?)))
        .collect()
    }
}

/// How the key is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretInputMode {
    /// The key itself, in a file of mode 0600.
    #[default]
    Plaintext,
    /// The name of the environment variable that holds the key.
    Ref,
}

/// Where the gateway runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnboardMode {
    /// On this machine.
    #[default]
    Local,
    /// On another machine (not available yet).
    #[value(hide = true)]
    Remote,
}

/// Arguments of `onboard`.
#[derive(Debug, Args, Default)]
pub(crate) struct OnboardArgs {
    /// Plan and region, such as `qwen-standard-api-key`; a menu when absent.
    #[arg(long, value_name = "ID")]
    pub(crate) auth_choice: Option<String>,
    /// Ask nothing. The key comes from a key flag, `--api-key-stdin` or the environment.
    #[arg(long)]
    pub(crate) non_interactive: bool,
    /// Accepted for OpenClaw's scripts.
    #[arg(long)]
    pub(crate) accept_risk: bool,
    #[command(flatten)]
    pub(crate) keys: KeyFlags,
    /// Read the key from standard input: keeps it out of the process list and the shell history.
    #[arg(long, help_heading = "Keys")]
    pub(crate) api_key_stdin: bool,
    /// `plaintext` stores the key (0600); `ref` stores the name of the environment variable that holds it.
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        help_heading = "Keys"
    )]
    pub(crate) secret_input_mode: SecretInputMode,
    /// Workspace id (`llm-…` or `ws-…`) or a URL with it, for keys of a workspace-scoped host.
    #[arg(long, value_name = "ID")]
    pub(crate) workspace_id: Option<String>,
    /// Do not ask the service whether the key works.
    #[arg(long)]
    pub(crate) skip_probe: bool,
    /// Make this provider's model the default even if another one was chosen before.
    #[arg(long)]
    pub(crate) set_default: bool,
    /// Show what would be written and write nothing (the key is still checked unless `--skip-probe`).
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// `local` is the only mode.
    #[arg(long, value_name = "MODE", value_enum, default_value_t, hide = true)]
    pub(crate) mode: OnboardMode,
    /// Folder for the agent's files.
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Port the gateway will use.
    #[arg(long, value_name = "PORT", help_heading = "Gateway")]
    pub(crate) gateway_port: Option<u16>,
    /// Where the gateway will listen: loopback or lan.
    #[arg(long, value_name = "WHERE", help_heading = "Gateway", value_parser = ["loopback", "lan"])]
    pub(crate) gateway_bind: Option<String>,
    /// Token for the gateway's clients; made when absent.
    #[arg(long, value_name = "TOKEN", help_heading = "Gateway")]
    pub(crate) gateway_token: Option<String>,
    /// Base URL of an OpenAI-compatible server of your own.
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Custom provider",
        requires = "custom_model_id"
    )]
    pub(crate) custom_base_url: Option<String>,
    /// Model id on that server.
    #[arg(
        long,
        value_name = "ID",
        help_heading = "Custom provider",
        requires = "custom_base_url"
    )]
    pub(crate) custom_model_id: Option<String>,
    /// Key of that server.
    #[arg(
        long,
        value_name = "KEY",
        help_heading = "Custom provider",
        requires = "custom_base_url"
    )]
    pub(crate) custom_api_key: Option<String>,
    /// Provider id to store it under [default: custom].
    #[arg(
        long,
        value_name = "ID",
        help_heading = "Custom provider",
        requires = "custom_base_url"
    )]
    pub(crate) custom_provider_id: Option<String>,
    /// Install the gateway as a service (not from here yet: `openclaw gateway install` does it afterwards).
    #[arg(long, hide = true)]
    pub(crate) install_daemon: bool,
    /// Flags of OpenClaw's onboarding for parts this program does not have; accepted and without effect.
    #[command(flatten)]
    pub(crate) without_effect: WithoutEffect,
}

impl OnboardArgs {
    /// Returns the arguments of an onboarding that asks nothing; the caller adds the key.
    pub(crate) fn scripted(auth_choice: &str) -> Self {
        Self {
            auth_choice: Some(auth_choice.to_owned()),
            non_interactive: true,
            ..Self::default()
        }
    }
}

/// OpenClaw flags that name parts this program does not have.
#[derive(Debug, Args, Default)]
pub(crate) struct WithoutEffect {
    #[arg(long, hide = true, value_name = "FLOW")]
    flow: Option<String>,
    #[arg(long, hide = true, value_parser = ["token"])]
    gateway_auth: Option<String>,
    #[arg(long, hide = true, value_parser = ["off"])]
    tailscale: Option<String>,
    #[arg(long, hide = true, value_parser = ["openai"])]
    custom_compatibility: Option<String>,
    #[arg(long, hide = true)]
    custom_text_input: bool,
    #[arg(long, hide = true, value_name = "NAME")]
    daemon_runtime: Option<String>,
    #[arg(long, hide = true)]
    suppress_gateway_token_output: bool,
    #[arg(long, hide = true)]
    classic: bool,
    #[arg(long, hide = true)]
    no_install_daemon: bool,
    #[arg(long, hide = true)]
    skip_daemon: bool,
    #[arg(long, hide = true)]
    skip_bootstrap: bool,
    #[arg(long, hide = true)]
    skip_channels: bool,
    #[arg(long, hide = true)]
    skip_health: bool,
    #[arg(long, hide = true)]
    skip_hooks: bool,
    #[arg(long, hide = true)]
    skip_search: bool,
    #[arg(long, hide = true)]
    skip_skills: bool,
    #[arg(long, hide = true)]
    skip_ui: bool,
    #[arg(long, hide = true, value_name = "NAME")]
    node_manager: Option<String>,
}
