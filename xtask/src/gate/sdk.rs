//! The official SDKs of `OpenAI` and Anthropic and the Vercel AI SDK against the built binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::ai_sdk;
use crate::workspace::{cargo, root, target_directory};
use crate::{debian, process};

/// Runs the scenarios of `tests/sdk` in a virtual environment under the target folder.
///
/// # Errors
/// Python cannot be set up, or a scenario fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = root().join("tests/sdk");
    if !folder.is_dir() {
        println!("!!! SKIPPED: there is no folder tests/sdk, so the SDK was NOT tested");
        return Ok(());
    }
    process::run(&mut cargo(&["build", "--package", "openclaw"]))?;
    let target = target_directory()?;
    let binary = target.join("debug/openclaw");
    let python = environment(&target.join("venv"))?;
    install_requirements(&python, &folder.join("requirements.txt"))?;
    let ai_sdk = ai_sdk::install(&folder.join("ai-sdk"), &target.join("ai-sdk"))?;
    process::run(&mut scenarios(&python, &folder, &binary, ai_sdk.as_deref()))
}

fn scenarios(python: &Path, folder: &Path, binary: &Path, ai_sdk: Option<&Path>) -> Command {
    let mut command = Command::new(python);
    command.current_dir(root()).env("PYTHONUNBUFFERED", "1");
    command.arg(folder.join("run.py"));
    command.arg("--binary").arg(binary);
    if let Some(ai_sdk) = ai_sdk {
        command.arg("--ai-sdk").arg(ai_sdk);
    }
    command
}

/// Creates the virtual environment, or uses the one that is there; returns its interpreter.
fn environment(venv: &Path) -> anyhow::Result<PathBuf> {
    let python = venv.join("bin/python");
    let works = |python: &Path| {
        let version = Command::new(python)
            .args(["-m", "pip", "--version"])
            .output();
        version.is_ok_and(|output| output.status.success())
    };
    if works(&python) {
        return Ok(python);
    }
    let what_for = "the SDK scenarios need Python 3.9 or newer with venv";
    if !process::succeeds("python3", &["--version"]) {
        debian::install(&["python3", "python3-venv"], what_for)?;
    }
    let create = || {
        let mut command = Command::new("python3");
        process::run(command.args(["-m", "venv", "--clear"]).arg(venv))
    };
    if create().is_err() {
        debian::install(&["python3-venv"], what_for)?;
        create().context("creating the virtual environment")?;
    }
    Ok(python)
}

/// Installs the pinned requirements unless exactly these are installed already.
fn install_requirements(python: &Path, requirements: &Path) -> anyhow::Result<()> {
    if !requirements.is_file() {
        return Ok(());
    }
    let wanted = fs::read_to_string(requirements).context("reading the requirements")?;
    let stamp = python.with_file_name("installed-requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("the requirements are installed already");
        return Ok(());
    }
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet"]);
    pip.args(["--disable-pip-version-check", "--requirement"]);
    process::run(pip.arg(requirements))
        .context("hint: installing the requirements needs a Python package index")?;
    fs::write(&stamp, wanted).context("noting the installed requirements")
}
