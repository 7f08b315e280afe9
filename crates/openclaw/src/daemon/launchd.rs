//! The property list of launchd.

use super::description::Description;

/// Returns the label of a service.
pub(crate) fn label(description: &Description) -> String {
    description
        .name
        .replacen("openclaw-gateway", "ai.openclaw.gateway", 1)
}

/// Returns the property list of an agent of the user.
pub(crate) fn plist(description: &Description) -> String {
    let string = |text: &str| format!("<string>{}</string>", super::xml(text));
    let words: Vec<String> = std::iter::once(description.program.display().to_string())
        .chain(description.arguments.iter().cloned())
        .map(|word| format!("    {}\n", string(&word)))
        .collect();
    let kept = (
        config::env_var::SERVICE_ENV_FILE.to_owned(),
        description.kept_file.display().to_string(),
    );
    let variables: Vec<String> = description
        .environment
        .iter()
        .chain([&kept])
        .map(|(name, value)| {
            format!(
                "    <key>{}</key>\n    {}\n",
                super::xml(name),
                string(value)
            )
        })
        .collect();
    let (words, variables) = (words.concat(), variables.concat());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key>\n  {}\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n\
         \x20 <key>EnvironmentVariables</key>\n  <dict>\n{variables}  </dict>\n\
         \x20 <key>WorkingDirectory</key>\n  {}\n\
         \x20 <key>RunAtLoad</key>\n  <true/>\n  <key>KeepAlive</key>\n  <true/>\n\
         \x20 <key>ExitTimeOut</key>\n  <integer>45</integer>\n  <key>ThrottleInterval</key>\n  <integer>10</integer>\n\
         \x20 <key>Umask</key>\n  <integer>63</integer>\n  <key>StandardInPath</key>\n  <string>/dev/null</string>\n\
         </dict>\n</plist>\n",
        string(&label(description)),
        string(&description.state_dir.display().to_string()),
    )
}
