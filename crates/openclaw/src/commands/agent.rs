//! `agent`: one turn, streamed to the terminal; through the gateway when it runs, else from this process.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use ::agent::{Attachment, Turn, TurnAnswer, run_turn};
use credentials::Secret;
use providers::directory::Target;
use providers::health::Rules;
use providers::{Chain, Delta, Health, Upstream};
use serde_json::{Value, json};

use crate::cli::agent::AgentArgs;
use crate::commands::infer;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::GatewayClient;
use crate::output::{Output, dim};

/// What the gateway is called as a provider.
const GATEWAY: &str = "openclaw";

/// How a turn reaches the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// From this process.
    Local,
    /// Through the running gateway.
    Gateway,
}

impl Transport {
    /// Returns the name used in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Gateway => "gateway",
        }
    }
}

/// A way to a model, chosen for one command.
pub(crate) struct Chosen {
    pub(crate) transport: Transport,
    pub(crate) chain: Arc<Chain>,
    pub(crate) upstream: Upstream,
}

/// Asks the agent.
pub(crate) fn run(args: &AgentArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let message = text_or_stdin(&args.message)?;
    let model = args
        .model
        .clone()
        .unwrap_or_else(|| format!("openclaw/{}", args.agent));
    let turn = Turn {
        message,
        thinking: args.thinking,
        attachments: infer::attachments(&args.attach, context, &config)?,
        timeout: Duration::from_secs(args.timeout),
    };
    let forced = args.local.then_some(Transport::Local);
    let (chosen, answer) = crate::runtime::single()?.block_on(async {
        let mut chosen = choose(context, &config, &model, forced).await?;
        if chosen.transport == Transport::Local {
            chosen.chain = seeing(&chosen.chain, &turn, context, &config)?;
        }
        let answer = run_turn(&chosen.upstream, &chosen.chain, &turn, |delta| {
            show(delta, args.json, out);
        })
        .await?;
        Ok::<_, Failed>((chosen, answer))
    })?;
    if args.json {
        out.json(&turn_json(&chosen, &answer));
    } else {
        out.line("");
        show_corrections(&answer, out);
    }
    ended(&answer)
}

/// Returns the candidates that can look at what is attached; the gateway finds them by itself.
fn seeing(
    chain: &Arc<Chain>,
    turn: &Turn,
    context: &Context,
    config: &ReadConfig,
) -> Result<Arc<Chain>, Failed> {
    let mut needed: Vec<_> = turn.attachments.iter().map(Attachment::kind).collect();
    needed.dedup();
    let chain = context.directory(config)?.seeing(chain, &needed);
    chain.map_err(|error| Failed::of(&error).hint(error.hint()))
}

/// Decides how the model is reached: the gateway if it answers, unless told otherwise.
pub(crate) async fn choose(
    context: &Context,
    config: &ReadConfig,
    model: &str,
    forced: Option<Transport>,
) -> Result<Chosen, Failed> {
    let gateway = GatewayClient::new(context, config);
    let through_gateway = match forced {
        Some(transport) => transport == Transport::Gateway,
        None => gateway.is_there().await,
    };
    if through_gateway {
        let upstream = context.upstream(&config.environment)?;
        let upstream = upstream.with_health(Health::new(
            Rules::behind_gateway(GATEWAY),
            Arc::new(now_ms),
        ));
        let mut target = Target::new(upstream.catalog(), GATEWAY, &gateway.base_url())
            .map_err(|error| Failed::of(&error))?;
        if let Some(token) = gateway.token() {
            target = target.with_secret(
                upstream.catalog(),
                "gateway token",
                &Secret::new(token.to_owned()),
            );
        }
        let route = target.route(model).map_err(|error| Failed::of(&error))?;
        return Ok(Chosen {
            transport: Transport::Gateway,
            chain: Arc::new(Chain::of(route.into())),
            upstream,
        });
    }
    context.synchronise_logins(config)?;
    let directory = context.directory(config)?;
    let chain = directory.chain(model).map_err(|error| {
        let exit = if error.is_unknown_name() {
            Exit::Error
        } else {
            Exit::Auth
        };
        Failed::of(&error).exit(exit).hint(error.hint())
    })?;
    if !directory.knows(chain.first()) {
        context.out.warn(format!(
            "nobody knows a model `{}`; it is asked for as written",
            chain.first().reference()
        ));
    }
    Ok(Chosen {
        transport: Transport::Local,
        chain,
        upstream: context.routed_upstream(config)?,
    })
}

/// Shows one piece of an answer: text as data, reasoning dimmed beside it when a person watches.
pub(crate) fn show(delta: &Delta, json: bool, out: Output) {
    match delta {
        Delta::Text { text, .. } | Delta::Refusal { text, .. } if !json => out.piece(text),
        Delta::Reasoning { text, .. } if !json && std::io::stderr().is_terminal() => {
            out.aside(&dim(text));
        }
        _ => {}
    }
}

/// Says what was sent otherwise than asked.
pub(crate) fn show_corrections(answer: &TurnAnswer, out: Output) {
    for correction in &answer.corrections {
        out.warn(format!("corrected {correction}"));
    }
}

/// An answer that broke is shown as far as it came, and fails.
pub(crate) fn ended(answer: &TurnAnswer) -> Done {
    match &answer.broken_by {
        None => Ok(Exit::Ok),
        Some(reason) => Err(Failed::new(format!("the answer is incomplete: {reason}"))
            .hint("run the command again")),
    }
}

/// Returns the text, or standard input for `-`.
pub(crate) fn text_or_stdin(text: &str) -> Result<String, Failed> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    std::io::read_to_string(std::io::stdin())
        .map_err(|error| Failed::new(format!("cannot read standard input: {error}")))
}

/// Returns usage in OpenClaw's names: `input` without what came from the cache.
pub(crate) fn usage_json(answer: &TurnAnswer) -> Value {
    answer.usage.map_or(Value::Null, |usage| {
        json!({
            "input": usage.input_tokens.saturating_sub(usage.cached_tokens),
            "output": usage.output_tokens,
            "cacheRead": usage.cached_tokens,
            "cacheWrite": usage.cache_write_tokens,
            "reasoning": usage.reasoning_tokens,
            "total": usage.input_tokens + usage.output_tokens,
        })
    })
}

fn turn_json(chosen: &Chosen, answer: &TurnAnswer) -> Value {
    let (provider, model) = answer
        .answered_by
        .split_once('/')
        .unwrap_or(("", &answer.answered_by));
    json!({
        "status": if answer.broken_by.is_none() { "ok" } else { "error" },
        "summary": if answer.broken_by.is_none() { "completed" } else { "incomplete" },
        "transport": chosen.transport.as_str(),
        "result": {
            "payloads": [{"text": answer.text, "mediaUrl": null}],
            "meta": {
                "durationMs": u64::try_from(answer.duration.as_millis()).unwrap_or(u64::MAX),
                "firstTextMs": answer.first_text.map(|first| u64::try_from(first.as_millis()).unwrap_or(u64::MAX)),
                "corrections": answer.corrections,
                "agentMeta": {"provider": provider, "model": model, "usage": usage_json(answer)},
            },
        },
    })
}
