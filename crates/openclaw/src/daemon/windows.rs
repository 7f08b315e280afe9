//! The scheduled task of Windows.

use super::description::Description;

/// Returns the task that starts the gateway when the person logs on.
pub(crate) fn task(description: &Description) -> String {
    let kept = (
        config::env_var::SERVICE_ENV_FILE.to_owned(),
        description.kept_file.display().to_string(),
    );
    // A task has no variables of its own.
    let variables: Vec<String> = description
        .environment
        .iter()
        .filter(|(name, _)| name != config::env_var::PATH && name != config::env_var::HOME)
        .chain([&kept])
        .map(|(name, value)| format!("set \"{name}={value}\"&& "))
        .collect();
    let variables = variables.concat();
    let words = description.arguments.join(" ");
    let program = description.program.display();
    let arguments = format!("/d /s /c \"{variables}\"{program}\" {words}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         \x20 <RegistrationInfo><Description>OpenClaw gateway ({})</Description></RegistrationInfo>\n\
         \x20 <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>\n\
         \x20 <Settings>\n    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n\
         \x20   <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n\
         \x20   <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>\n  </Settings>\n\
         \x20 <Actions><Exec><Command>cmd.exe</Command><Arguments>{}</Arguments><WorkingDirectory>{}</WorkingDirectory></Exec></Actions>\n\
         </Task>\n",
        super::xml(&description.name),
        super::xml(&arguments),
        super::xml(&description.state_dir.display().to_string()),
    )
}
