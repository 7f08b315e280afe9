//! `models whoami`: where a key belongs and what it can do, found out by asking.

use std::sync::Arc;
use std::time::Instant;

use catalog::{Catalog, KEY_PREFIX_BYTES_MAX, KeyFamily};
use config::ProviderId;
use jiff::Timestamp;
use providers::directory::Route;
use providers::probe::{self, HostAnswer, PROBE_MAX, Verdict};
use providers::{Deadline, Failure, Upstream};

use crate::cli::models::WhoamiArgs;
use crate::context::{Context, ReadConfig, now_ms};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

mod key;
mod report;

use key::Key;
use report::Report;

/// State of the account at the host that accepts the key.
#[derive(Debug)]
enum Quota {
    /// One token was answered.
    Fine,
    /// The host said what is wrong.
    Trouble(Box<Failure>),
    /// It was not asked for.
    NotAsked,
}

/// Everything that was found out.
struct Findings {
    family: KeyFamily,
    /// What each host said, the accepting ones first.
    answers: Vec<HostAnswer>,
    quota: Quota,
    /// Seconds by which this machine's clock is ahead of the host's.
    clock_ahead_s: Option<i64>,
}

/// Finds out about a key.
pub(super) fn run(args: &WhoamiArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let catalog = context.catalog()?;
    let key = key::find(args, context, &config)?;
    let upstream = Arc::new(context.upstream(&config.environment)?);
    out.note("Asking the hosts about the key …");
    let findings = crate::runtime::single()?.block_on(ask(&upstream, &catalog, &key, args.free))?;
    let report = Report {
        catalog: &catalog,
        key: &key,
        findings: &findings,
    };
    if args.json {
        out.json(&report.json());
    } else {
        report.print(out);
    }
    Ok(findings.exit())
}

async fn ask(
    upstream: &Arc<Upstream>,
    catalog: &Arc<Catalog>,
    key: &Key,
    is_free: bool,
) -> Result<Findings, Failed> {
    let head: String = key
        .secret
        .expose()
        .chars()
        .take(KEY_PREFIX_BYTES_MAX)
        .collect();
    let mut answers = match &key.own_host {
        // The host of one's own, of a workspace or of a trial is the only one the key was made for.
        Some(target) => {
            let route = target.route("-").map_err(|error| Failed::of(&error))?;
            let model = key.model.as_str();
            let verdict = probe::probe(upstream, &route, model).await;
            let endpoint = catalog.endpoint_for_url(target.base.as_str());
            let endpoint = endpoint.map(|found| found.endpoint.id.clone());
            vec![HostAnswer {
                endpoint: endpoint.unwrap_or_default(),
                route: route.with_model(model),
                verdict,
            }]
        }
        None => probe::ask_hosts(upstream, catalog, &key.secret, "").await,
    };
    answers.sort_by_key(|answer| match answer.verdict {
        Verdict::Works(_) => 0,
        Verdict::WorksLater(_) => 1,
        Verdict::Refused(_) | Verdict::Unknown(_) => 2,
    });
    let home = answers.first().filter(|answer| answer.verdict.is_home());
    let quota = match home {
        Some(home) => quota(upstream, home, is_free).await,
        None => Quota::NotAsked,
    };
    let reachable = answers
        .iter()
        .find(|answer| !matches!(answer.verdict, Verdict::Unknown(_)));
    let clock_ahead_s = match reachable {
        Some(answer) => clock_ahead(upstream, &answer.route).await,
        None => None,
    };
    Ok(Findings {
        family: catalog.key_family(&head),
        answers,
        quota,
        clock_ahead_s,
    })
}

/// Learns the state of the quota, with at most one token in all: a host without a list was asked for that token already.
async fn quota(upstream: &Upstream, home: &HostAnswer, is_free: bool) -> Quota {
    match &home.verdict {
        Verdict::WorksLater(failure) => Quota::Trouble(Box::new(failure.clone())),
        Verdict::Works(models) if models.is_empty() => Quota::Fine,
        _ if is_free => Quota::NotAsked,
        _ => match probe::one_token(upstream, &home.route, &home.route.model).await {
            Ok(()) => Quota::Fine,
            Err(failure) => Quota::Trouble(Box::new(failure)),
        },
    }
}

/// Compares the clocks; the host's has a resolution of a second, and the answer took its time.
async fn clock_ahead(upstream: &Upstream, route: &Route) -> Option<i64> {
    let (before, began) = (now_ms(), Instant::now());
    let date = upstream
        .host_date(route, Deadline::after(PROBE_MAX))
        .await?;
    let half_way = u64::try_from(began.elapsed().as_millis()).ok()? / 2;
    let host = jiff::fmt::rfc2822::parse(&date).ok()?.timestamp();
    let own = Timestamp::from_millisecond(i64::try_from(before + half_way).ok()?).ok()?;
    Some(own.as_second() - host.as_second())
}

impl Findings {
    /// Returns the answer of the host that accepts the key.
    fn home(&self) -> Option<&HostAnswer> {
        self.answers
            .first()
            .filter(|answer| answer.verdict.is_home())
    }

    fn exit(&self) -> Exit {
        match (self.home(), &self.quota) {
            (Some(_), Quota::Trouble(failure)) => Exit::of_class(failure.class),
            (Some(_), Quota::Fine | Quota::NotAsked) => Exit::Ok,
            (None, _) => {
                let refused = |answer: &HostAnswer| matches!(answer.verdict, Verdict::Refused(_));
                if self.answers.iter().any(refused) || self.answers.is_empty() {
                    Exit::Auth
                } else {
                    Exit::Network
                }
            }
        }
    }
}

/// Returns the provider that is meant when none is named: that of the default model.
fn default_provider(context: &Context, config: &ReadConfig) -> Result<ProviderId, Failed> {
    let directory = context.directory(config)?;
    let chain = directory
        .default_model()
        .and_then(|model| directory.chain(model).ok());
    let named = chain.map(|chain| chain.first().provider.to_string());
    let usable = || {
        directory
            .usable_providers()
            .next()
            .map(|view| view.id.to_owned())
    };
    let id = named
        .or_else(usable)
        .and_then(|id| ProviderId::new(&id).ok());
    id.ok_or_else(|| {
        Failed::new("no provider has a usable credential")
            .exit(Exit::Auth)
            .hint("`printf %s \"$KEY\" | openclaw models whoami -` asks about a key that is not stored")
    })
}
