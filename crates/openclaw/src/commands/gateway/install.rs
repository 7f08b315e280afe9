//! `gateway install` and `gateway uninstall`: the gateway becomes a service of this machine, with the variables it needs,
//! and is asked afterwards whether it sees the same credentials as this command.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use config::{FILE_MODE_SECRET, write_atomic};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::cli::gateway::{InstallArgs, UninstallArgs};
use crate::context::{Context, ReadConfig};
use crate::daemon::description::{Description, as_dotenv, kept_variables};
use crate::daemon::instance::Instance;
use crate::daemon::supervisor::{Manager, Platform, Task, run_all};
use crate::exit_code::Exit;
use crate::failed::{Done, Failed};
use crate::gateway_client::GatewayClient;

/// Permissions of the service's own file, which holds no secret.
const FILE_MODE: u32 = 0o644;
/// How long the new service may take until it answers.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How long one question may take.
const ASK_MAX: Duration = Duration::from_secs(2);

/// What an installation writes and runs.
struct Plan {
    manager: Manager,
    description: Description,
    file: PathBuf,
    kept: Vec<(String, String)>,
}

impl Plan {
    fn of(
        manager: Manager,
        port: Option<u16>,
        global: &Global,
        config: &ReadConfig,
        context: &Context,
    ) -> Result<Self, Failed> {
        let description = Description::of(port, global, config, context)?;
        Ok(Self {
            manager,
            file: manager.file(&description.name, &context.home, &context.environment),
            kept: kept_variables(config, context)?,
            description,
        })
    }

    fn commands(&self, task: Task) -> Vec<Vec<String>> {
        self.manager.commands(task, &self.description, &self.file)
    }

    fn kept_names(&self) -> Vec<&str> {
        self.kept.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn json(&self, applied: bool, credentials: &[Value]) -> Value {
        let commands: Vec<String> = self
            .commands(Task::Install)
            .iter()
            .map(|words| words.join(" "))
            .collect();
        json!({
            "ok": true,
            "applied": applied,
            "service": self.description.name,
            "file": self.file,
            "text": self.manager.text(&self.description),
            "environmentFile": self.description.kept_file,
            "variables": self.kept_names(),
            "commands": commands,
            "credentials": credentials,
        })
    }
}

/// Installs and starts the service; with `--dry-run` only says what that would be.
pub(super) fn install(args: &InstallArgs, global: &Global, context: &Context) -> Done {
    let config = context.config()?;
    if !config.exists {
        return Err(Failed::new("there is no config yet").hint("`openclaw onboard` makes one"));
    }
    let manager = Manager {
        platform: args.platform.unwrap_or_else(Platform::here),
        is_system: args.system,
    };
    let plan = Plan::of(manager, args.port, global, &config, context)?;
    if args.dry_run {
        show(&plan, args.json, context);
        return Ok(Exit::Ok);
    }
    check(&plan, args.force, context)?;
    let before = Before::of(&plan);
    let installed = apply(&plan).and_then(|()| prove(&config, context));
    match installed {
        Ok(credentials) => {
            tell(&plan, &credentials, args.json, context);
            Ok(Exit::Ok)
        }
        Err(failed) => {
            before.restore(&plan);
            Err(Failed {
                message: format!("{}; nothing was installed", failed.message),
                ..failed
            })
        }
    }
}

/// Stops the service and deletes its files.
pub(super) fn uninstall(args: &UninstallArgs, global: &Global, context: &Context) -> Done {
    let config = context.config()?;
    let manager = Manager {
        platform: Platform::here(),
        is_system: args.system,
    };
    let plan = Plan::of(manager, None, global, &config, context)?;
    let is_there = plan.file.exists();
    if args.dry_run {
        let answer =
            json!({"ok": true, "applied": false, "installed": is_there, "file": plan.file});
        if args.json {
            context.out.json(&answer);
        } else {
            let shown = context.home.display(&plan.file);
            context.out.line(format!("would stop and delete {shown}"));
        }
        return Ok(Exit::Ok);
    }
    if is_there {
        run_all(&plan.commands(Task::Uninstall))?;
        for path in [&plan.file, &plan.description.kept_file] {
            delete(path, context)?;
        }
    }
    if args.json {
        let answer = json!({"ok": true, "applied": is_there, "file": plan.file});
        context.out.json(&answer);
    } else {
        let what = if is_there {
            "uninstalled"
        } else {
            "was not installed"
        };
        context
            .out
            .line(format!("{}: {what}", plan.description.name));
    }
    Ok(Exit::Ok)
}

/// Returns the commands for a task of the service of this home, when one is installed.
pub(super) fn commands(
    task: Task,
    global: &Global,
    context: &Context,
) -> Result<Option<Vec<Vec<String>>>, Failed> {
    let config = context.config()?;
    for is_system in [false, true] {
        let manager = Manager {
            platform: Platform::here(),
            is_system,
        };
        let plan = Plan::of(manager, None, global, &config, context)?;
        if serves(&plan) {
            return Ok(Some(plan.commands(task)));
        }
    }
    Ok(None)
}

/// Says whether the installed file is about this home, and not about one of the same profile elsewhere.
fn serves(plan: &Plan) -> bool {
    let kept = plan.description.kept_file.display().to_string();
    std::fs::read_to_string(&plan.file).is_ok_and(|text| text.contains(&kept))
}

fn check(plan: &Plan, force: bool, context: &Context) -> Result<(), Failed> {
    if plan.manager.platform != Platform::here() {
        return Err(Failed::new("this machine has another service manager")
            .hint("`--dry-run` prints the file for it"));
    }
    let text = std::fs::read_to_string(&plan.file).ok();
    let is_other = text.is_some_and(|text| text != plan.manager.text(&plan.description));
    if is_other && !force {
        let shown = context.home.display(&plan.file);
        return Err(Failed::new(format!("{shown} is there already and differs"))
            .hint("`--force` replaces it; `--dry-run` shows what would be written"));
    }
    if !plan.file.exists() {
        // As a service it would be the second one, and give up.
        Instance::of(&context.home).refuse_another(&context.home, false)?;
    }
    Ok(())
}

fn apply(plan: &Plan) -> Result<(), Failed> {
    if let Some(folder) = plan.file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failed::of(&error))?;
    }
    let kept = as_dotenv(&plan.kept);
    write_atomic(
        &plan.description.kept_file,
        kept.as_bytes(),
        FILE_MODE_SECRET,
    )?;
    let text = plan.manager.text(&plan.description);
    write_atomic(&plan.file, text.as_bytes(), FILE_MODE)?;
    run_all(&plan.commands(Task::Install))
}

/// Asks the daemon which credentials it can see, and compares with what this command sees.
fn prove(config: &ReadConfig, context: &Context) -> Result<Vec<Value>, Failed> {
    let view = ask(config, context)?;
    let theirs = view.get("providers").and_then(Value::as_array);
    let is_usable_there = |id: &str| {
        theirs.into_iter().flatten().any(|provider| {
            provider.get("provider").and_then(Value::as_str) == Some(id)
                && provider.get("usable") == Some(&Value::Bool(true))
        })
    };
    let directory = context.directory(config)?;
    let ours = directory.usable_providers().map(|provider| {
        json!({
            "provider": provider.id,
            "credential": provider.credential,
            "daemon": is_usable_there(provider.id),
        })
    });
    let seen: Vec<Value> = ours.collect();
    let missing: Vec<&str> = seen
        .iter()
        .filter(|row| row.get("daemon") == Some(&Value::Bool(false)))
        .filter_map(|row| row.get("provider")?.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(seen);
    }
    let message = format!(
        "the service cannot use the credentials of {}, this command can",
        missing.join(", ")
    );
    Err(Failed::new(message).exit(Exit::Auth).hint(
        "`openclaw models auth paste-token` stores a key in the home, where the service finds it",
    ))
}

fn ask(config: &ReadConfig, context: &Context) -> Result<Value, Failed> {
    let runtime = crate::runtime::single()?;
    let deadline = Instant::now() + ANSWER_MAX;
    loop {
        let instance = Instance::of(&context.home);
        let client = GatewayClient::new(context, config).of_instance(&instance);
        match runtime.block_on(client.status(ASK_MAX)) {
            Ok(view) => return Ok(view),
            Err(failed) if Instant::now() >= deadline => {
                return Err(failed.hint("`openclaw gateway logs` shows why"));
            }
            Err(_) => std::thread::sleep(ASK_EVERY),
        }
    }
}

/// The files as they were, to be put back.
struct Before(Vec<(PathBuf, Option<Vec<u8>>, u32)>);

impl Before {
    fn of(plan: &Plan) -> Self {
        let files = [
            (&plan.file, FILE_MODE),
            (&plan.description.kept_file, FILE_MODE_SECRET),
        ];
        let kept = files.map(|(path, mode)| (path.clone(), std::fs::read(path).ok(), mode));
        Self(kept.into())
    }

    /// Best effort: the failure that led here is what the person has to know.
    fn restore(self, plan: &Plan) {
        let was_there = self.0.first().is_some_and(|(_, bytes, _)| bytes.is_some());
        if !was_there {
            let _ = run_all(&plan.commands(Task::Uninstall));
        }
        for (path, bytes, mode) in self.0 {
            let _ = match bytes {
                Some(bytes) => write_atomic(&path, &bytes, mode).is_ok(),
                None => std::fs::remove_file(&path).is_ok(),
            };
        }
        if was_there {
            let _ = run_all(&plan.commands(Task::Install));
        }
    }
}

fn delete(path: &Path, context: &Context) -> Result<(), Failed> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let shown = context.home.display(path);
            Err(Failed::new(format!("cannot delete {shown}: {error}")))
        }
        _ => Ok(()),
    }
}

fn show(plan: &Plan, as_json: bool, context: &Context) {
    if as_json {
        return context.out.json(&plan.json(false, &[]));
    }
    let out = context.out;
    out.line(plan.manager.text(&plan.description).trim_end());
    out.note(format!(
        "would write it to {}",
        context.home.display(&plan.file)
    ));
    let kept = context.home.display(&plan.description.kept_file);
    let names = plan.kept_names().join(", ");
    let names = if names.is_empty() { "nothing" } else { &names };
    out.note(format!("would keep in {kept} (private): {names}"));
    for words in plan.commands(Task::Install) {
        out.note(format!("would run: {}", words.join(" ")));
    }
}

fn tell(plan: &Plan, credentials: &[Value], as_json: bool, context: &Context) {
    if as_json {
        return context.out.json(&plan.json(true, credentials));
    }
    let out = context.out;
    let shown = context.home.display(&plan.file);
    out.line(format!("installed and started: {shown}"));
    for row in credentials {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        out.line(format!(
            "the service uses {} with {}",
            text("provider"),
            text("credential")
        ));
    }
    if plan.manager.platform == Platform::Systemd && !plan.manager.is_system {
        out.hint("`loginctl enable-linger` lets it run while nobody is logged in");
    }
}
