//! `gateway install`: what is written for each service manager, that no secret is in it, and that the daemon sees what
//! the command line sees.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::process::within;
use super::scene::config;
use crate::home::Home;

/// A key as only a variable holds it.
const FROM_SHELL: &str = "sk-from-the-shell-0123456789abcdef";

/// Stands for the program of systemd: notes what it is told, and starts and stops what the unit says.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/told"
unit="$HOME/.config/systemd/user/openclaw-gateway.service"
case "$*" in
*restart*)
  file=$(sed -n 's/^Environment="OPENCLAW_SERVICE_ENV_FILE=\(.*\)"$/\1/p' "$unit")
  program=$(sed -n 's/^ExecStart="\([^"]*\)".*/\1/p' "$unit")
  env -i HOME="$HOME" OPENCLAW_SERVICE_ENV_FILE="$file" "$program" gateway run --quiet 2>/dev/null >/dev/null &
  echo $! > "$HOME/pid"
  ;;
*disable*) kill "$(cat "$HOME/pid")" ;;
esac
"#;

fn home() -> Home {
    let mut config = config("http://127.0.0.1:9/v1");
    for (_, provider) in config["models"]["providers"]
        .as_object_mut()
        .expect("providers")
    {
        provider["apiKey"] = "${SHELL_ONLY_KEY}".into();
    }
    Home::with_config(&config)
        .variable("SHELL_ONLY_KEY", FROM_SHELL)
        .variable("OPENCLAW_GATEWAY_PORT", "0")
}

#[test]
fn each_file_names_the_private_file_and_holds_no_secret() {
    let home = home();
    let before = home.files();
    for platform in ["systemd", "launchd", "windows"] {
        let words = [
            "gateway",
            "install",
            "--dry-run",
            "--json",
            "--platform",
            platform,
        ];
        let plan = home.run(&words).expect_code(0);
        assert!(!plan.stdout.contains(FROM_SHELL), "{plan:?}");
        let plan = plan.json();
        let text = plan["text"].as_str().expect("a text");
        assert!(
            text.contains("service.env") && text.contains("gateway"),
            "{text}"
        );
        let kept = plan["variables"].as_array().expect("names");
        assert!(kept.iter().any(|name| name == "SHELL_ONLY_KEY"), "{plan}");
    }
    assert_eq!(home.files(), before);
}

#[test]
fn the_units_are_accepted_and_the_one_of_the_machine_is_confined() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("SKIPPED: there is no systemd-analyze here; the units were not checked");
        return;
    }
    let home = home();
    for words in [
        &["gateway", "install", "--dry-run", "--json"][..],
        &["gateway", "install", "--dry-run", "--json", "--system"],
    ] {
        let plan = home.run(words).expect_code(0).json();
        home.write(
            "openclaw-gateway.service",
            plan["text"].as_str().expect("a text"),
        );
        let unit = home.at("openclaw-gateway.service");
        let verified = Command::new("systemd-analyze")
            .arg("verify")
            .arg(&unit)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(
            verified.status.success() && !said.contains("openclaw-gateway"),
            "{said}"
        );
    }
    // 2.0 on the scale of the tool, which counts in tenths here.
    let words = ["security", "--offline=true", "--threshold=20"];
    let unit = home.at("openclaw-gateway.service");
    let scored = Command::new("systemd-analyze")
        .args(words)
        .arg(unit)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&scored.stdout).into_owned();
    assert!(scored.status.success(), "{said}");
}

#[test]
fn an_installed_gateway_sees_the_key_of_the_shell_and_goes_without_a_trace() {
    let home = home();
    home.write("bin/systemctl", SYSTEMCTL);
    let program = home.at("bin/systemctl");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", home.at("bin").display());
    let home = home.variable("PATH", &path);
    let installed = home.run(&["gateway", "install", "--json"]).expect_code(0);
    assert!(!installed.stdout.contains(FROM_SHELL));
    let installed = installed.json();
    assert!(
        installed["credentials"]
            .as_array()
            .expect("rows")
            .iter()
            .all(|row| row["daemon"] == true),
        "{installed}"
    );
    let kept = home.at(".openclaw/service.env");
    assert_eq!(
        fs::metadata(kept).expect("a file").permissions().mode() & 0o777,
        0o600
    );
    assert!(
        !home
            .read(".config/systemd/user/openclaw-gateway.service")
            .contains(FROM_SHELL)
    );
    assert!(
        home.read("told")
            .contains("--user enable openclaw-gateway.service")
    );
    home.run(&["gateway", "uninstall"]).expect_code(0);
    assert!(
        home.read("told")
            .contains("--user disable --now openclaw-gateway.service")
    );
    for gone in [
        ".config/systemd/user/openclaw-gateway.service",
        ".openclaw/service.env",
    ] {
        assert!(!home.at(gone).exists(), "{gone}");
    }
    let status = || {
        let ran = home.run(&["gateway", "status", "--json"]).json();
        ran["pid"].is_null().then_some(())
    };
    within(status, "still runs");
}

#[test]
fn an_installation_that_fails_leaves_nothing() {
    let home = home();
    home.write("bin/systemctl", "#!/bin/sh\necho 'no bus' >&2\nexit 1\n");
    let program = home.at("bin/systemctl");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", home.at("bin").display());
    let home = home.variable("PATH", &path);
    let before = home.files();
    let ran = home.run(&["gateway", "install"]).expect_code(1);
    assert!(ran.stderr.contains("no bus"), "{ran:?}");
    assert_eq!(home.files(), before);
}
