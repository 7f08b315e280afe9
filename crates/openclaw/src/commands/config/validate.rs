//! `config validate`: every problem with its place, the source line and what to do.

use std::path::Path;

use config::{ConfigText, Environment, Error, Home, HomeOptions, Problem, Settings, Severity};
use serde_json::{Value, json};

use super::no_file;
use crate::cli::config::ConfigJsonArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};

/// Checks the config of the home, or another file.
pub(super) fn run(args: &ConfigJsonArgs, context: &Context) -> Done {
    let store = match &args.path {
        None => config::ConfigStore::new(&context.home, &context.environment),
        Some(path) => other_file(path)?,
    };
    let path = store.path();
    let loaded = match store.load() {
        Ok(loaded) => loaded,
        Err(error) if args.json => return Ok(unreadable(path, &error, context)),
        Err(error) => return Err(Failed::of_config(error)),
    };
    let Some(text) = loaded.text else {
        let missing = no_file(context);
        if args.json {
            let issue = json!({"path": "", "message": missing.message, "severity": "error", "hint": missing.hint});
            return Ok(invalid(path, &[issue], &[], context));
        }
        return Err(missing);
    };
    let (_, problems) = Settings::read(&text);
    if args.json {
        return Ok(report_json(path, &problems, context));
    }
    report(&text, &problems, context)
}

/// Names another file as if the environment did.
fn other_file(path: &Path) -> Result<config::ConfigStore, Failed> {
    let path = std::path::absolute(path).map_err(|error| Failed::new(error.to_string()))?;
    let variables = [
        ("HOME".to_owned(), "/".to_owned()),
        (
            config::env_var::CONFIG_PATH.to_owned(),
            path.to_string_lossy().into_owned(),
        ),
    ];
    let environment = Environment::from_pairs(variables);
    let home = Home::resolve(&environment, &HomeOptions::default())?;
    Ok(config::ConfigStore::new(&home, &environment))
}

fn report(text: &ConfigText, problems: &[Problem], context: &Context) -> Done {
    let file = context.home.display(text.path());
    for problem in problems {
        let word = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let shown = problem
            .file
            .as_deref()
            .map(|path| context.home.display(path));
        context.out.line(format!(
            "{word}: {}:{problem}",
            shown.as_ref().unwrap_or(&file)
        ));
        context.out.line(&problem.excerpt);
        if let Some(hint) = &problem.hint {
            context.out.line(format!("  hint: {hint}"));
        }
    }
    let errors = count(problems, Severity::Error);
    let warnings = match count(problems, Severity::Warning) {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    match errors {
        0 => {
            context.out.line(format!("Config valid: {file}{warnings}"));
            Ok(Exit::Ok)
        }
        1 => Err(Failed::new(format!("{file} has 1 error{warnings}"))),
        n => Err(Failed::new(format!("{file} has {n} errors{warnings}"))),
    }
}

fn count(problems: &[Problem], severity: Severity) -> usize {
    problems
        .iter()
        .filter(|problem| problem.severity == severity)
        .count()
}

fn report_json(path: &Path, problems: &[Problem], context: &Context) -> Exit {
    let of = |severity: Severity| -> Vec<Value> {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .map(issue)
            .collect()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    if !errors.is_empty() {
        return invalid(path, &errors, &warnings, context);
    }
    context
        .out
        .json(&json!({"valid": true, "path": path, "warnings": warnings}));
    Exit::Ok
}

fn issue(problem: &Problem) -> Value {
    json!({
        "path": problem.path.to_string(),
        "message": problem.message,
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "hint": problem.hint,
        "excerpt": problem.excerpt,
    })
}

fn unreadable(path: &Path, error: &Error, context: &Context) -> Exit {
    let (message, line, column) = match error {
        Error::Parse(parse) => (parse.message.clone(), Some(parse.line), Some(parse.column)),
        other => (Failed::of(other).message, None, None),
    };
    let issue = json!({
        "path": "", "message": message, "severity": "error", "line": line, "column": column, "hint": error.hint(),
    });
    invalid(path, &[issue], &[], context)
}

fn invalid(path: &Path, issues: &[Value], warnings: &[Value], context: &Context) -> Exit {
    let message = match issues.len() {
        1 => "the config has 1 error".to_owned(),
        n => format!("the config has {n} errors"),
    };
    context.out.json(&json!({
        "ok": false,
        "error": {"type": "config_invalid", "message": message},
        "valid": false,
        "path": path,
        "issues": issues,
        "warnings": warnings,
    }));
    Exit::Error
}
