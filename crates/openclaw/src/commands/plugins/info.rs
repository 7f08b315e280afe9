//! `plugins info`.

use super::built_in::{json_of, named, retirement_text};
use crate::cli::plugins::PluginsInfoArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;
use crate::output::strong;

/// Shows one plugin.
pub(super) fn run(args: &PluginsInfoArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let plugin = named(&args.id)?;
    let config = context.config()?;
    let catalog = context.catalog()?;
    if args.json {
        out.json(&json_of(plugin, &config.text, &catalog));
        return Ok(Exit::Ok);
    }
    let standing = plugin.standing(&config.text);
    out.line(strong(plugin.name));
    let line = |name: &str, text: &str| out.line(format!("{name:13}{text}"));
    line("id", plugin.id);
    line(
        "Status",
        &format!("{} ({})", standing.word(), standing.because),
    );
    line("Format", "built-in");
    line("Source", "bundled");
    line("Version", env!("CARGO_PKG_VERSION"));
    line("Capabilities", &plugin.capabilities.join(", "));
    line("Providers", &plugin.provider_ids.join(", "));
    line("About", plugin.summary);
    if let Some(text) = retirement_text(&plugin.retirements(&catalog)) {
        line("Retired", &text);
    }
    Ok(Exit::Ok)
}
