//! The unit of systemd, for a user or for the machine.

use super::description::Description;

/// Seconds without a sign of life after which systemd starts the gateway anew.
const WATCHDOG_SECONDS: u32 = 60;
/// Seconds that a stop may take: open requests get 30, their last words 2.
const STOP_SECONDS: u32 = 45;

/// What an unprivileged manager can enforce too.
const CONFINED: &str = "\
UMask=0077
NoNewPrivileges=true
LockPersonality=true
RestrictRealtime=true
RestrictSUIDSGID=true
RestrictNamespaces=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
";

/// What takes the manager of the machine.
const ISOLATED: &str = "\
CapabilityBoundingSet=
AmbientCapabilities=
KeyringMode=private
PrivateDevices=true
PrivateTmp=true
PrivateUsers=true
ProtectClock=true
ProtectControlGroups=true
ProtectHome=read-only
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=true
";

/// Returns the unit; `is_system` for the manager of the machine.
pub(crate) fn unit(description: &Description, is_system: bool) -> String {
    let command: Vec<String> = std::iter::once(description.program.display().to_string())
        .chain(description.arguments.iter().cloned())
        .map(|word| quoted(&word).replace('$', "$$"))
        .collect();
    let state = description.state_dir.display().to_string();
    let mut text = vec![format!(
        "[Unit]\nDescription=OpenClaw gateway ({})\nWants=network-online.target\nAfter=network-online.target\n\
         StartLimitIntervalSec=300\nStartLimitBurst=10\n\n\
         [Service]\nType=notify\nExecStart={}\nExecReload=/bin/kill -HUP $MAINPID\nWorkingDirectory={}\n\
         Restart=always\nRestartSec=5\nRestartPreventExitStatus=78\nWatchdogSec={WATCHDOG_SECONDS}\n\
         TimeoutStartSec=60\nTimeoutStopSec={STOP_SECONDS}\n",
        percent(&description.name),
        command.join(" "),
        percent(&state),
    )];
    for (name, value) in &description.environment {
        text.push(format!(
            "Environment={}\n",
            quoted(&format!("{name}={value}"))
        ));
    }
    let kept = description.kept_file.display().to_string();
    if is_system {
        text.push(format!(
            "Environment=OPENCLAW_SERVICE_ENV_FILE=%d/environment\nLoadCredential=environment:{}\nUser={}\n",
            percent(&kept),
            description.owner
        ));
    } else {
        let variable = format!("OPENCLAW_SERVICE_ENV_FILE={kept}");
        text.push(format!("Environment={}\n", quoted(&variable)));
    }
    text.push(CONFINED.to_owned());
    if !description.runs_programs {
        text.push("MemoryDenyWriteExecute=true\n".to_owned());
    }
    if is_system {
        text.push(ISOLATED.to_owned());
        text.push(format!("ReadWritePaths={}\n", quoted(&state)));
        for folder in &description.writable {
            let optional = format!("-{}", folder.display());
            text.push(format!("ReadWritePaths={}\n", quoted(&optional)));
        }
    }
    let target = if is_system {
        "multi-user.target"
    } else {
        "default.target"
    };
    text.push(format!("\n[Install]\nWantedBy={target}\n"));
    text.concat()
}

/// Quotes a word (`systemd.syntax(7)`) and keeps `%` from being a specifier.
fn quoted(word: &str) -> String {
    let escaped = percent(word).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

fn percent(text: &str) -> String {
    text.replace('%', "%%")
}
