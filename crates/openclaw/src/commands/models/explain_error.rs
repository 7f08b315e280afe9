//! `models explain-error`: what a pasted error means, by the same atlas that decides what the gateway does.

use std::io::{IsTerminal, Read};

use catalog::{Catalog, Classification, EndpointFamily, FailureFacts};

use crate::cli::models::ExplainErrorArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

mod embedded;
mod faults;
mod pasted;
mod place;
mod report;
mod status;
mod wording;

use pasted::Pasted;
use place::{Known, Place};
use report::Report;

/// Most bytes read from standard input; an error is far shorter, a log around it may not be.
const INPUT_BYTES_MAX: u64 = 256 * 1024;

/// Explains the error on standard input.
pub(super) fn run(args: &ExplainErrorArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    if std::io::stdin().is_terminal() {
        out.note("Paste the error, then press Ctrl-D.");
    }
    let catalog = context.catalog()?;
    let pasted = Pasted::read(&input()?, args.status, &catalog);
    if pasted.is_empty() {
        return Err(Failed::new("there is no error on standard input").hint(
            "paste the whole error, for example `curl -si URL | openclaw models explain-error`, or give `--status N`",
        ));
    }
    // A broken config must not keep anybody from reading an error.
    let config = context.config().ok();
    let place = Place::of(args.host.as_deref(), &pasted, &catalog, config.as_ref());
    let report = Report {
        verdict: verdict(&catalog, &pasted, place.family),
        otherwise: otherwise(&catalog, &pasted, &place),
        language: catalog.language(),
        pasted: &pasted,
        place: &place,
    };
    if args.json {
        out.json(&report.json());
    } else {
        report.print(out);
    }
    Ok(Exit::Ok)
}

fn input() -> Result<String, Failed> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(INPUT_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| Failed::new(format!("cannot read standard input: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Asks the atlas; when the message alone tells nothing, with the whole text around it.
fn verdict<'a>(
    catalog: &'a Catalog,
    pasted: &Pasted,
    family: EndpointFamily,
) -> Classification<'a> {
    let facts = FailureFacts {
        family,
        status: pasted.status,
        code: pasted.body.code.as_deref(),
        message: &pasted.body.message,
        kind: pasted.kind,
        key: pasted.key,
    };
    let verdict = catalog.classify(&facts);
    if verdict.is_documented {
        return verdict;
    }
    let around = catalog.classify(&FailureFacts {
        message: &pasted.text,
        ..facts
    });
    if around.is_documented {
        around
    } else {
        verdict
    }
}

/// Returns what the same error means elsewhere, when nobody said where it came from.
fn otherwise<'a>(
    catalog: &'a Catalog,
    pasted: &Pasted,
    place: &Place,
) -> Vec<(EndpointFamily, Classification<'a>)> {
    if place.known != Known::Assumed {
        return Vec::new();
    }
    let here = verdict(catalog, pasted, place.family);
    let mut others: Vec<(EndpointFamily, Classification<'_>)> = Vec::new();
    for &family in EndpointFamily::ALL {
        let there = verdict(catalog, pasted, family);
        let is_told = |known: &Classification<'_>| {
            (known.class, known.detail, known.scope) == (there.class, there.detail, there.scope)
        };
        if !is_told(&here) && !others.iter().any(|(_, known)| is_told(known)) {
            others.push((family, there));
        }
    }
    others
}
