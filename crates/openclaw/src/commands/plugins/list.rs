//! `plugins list`.

use serde_json::{Value, json};

use super::built_in::{PLUGINS, Plugin, json_of};
use crate::cli::plugins::PluginsListArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failed::Done;
use crate::output::{dim, strong};

/// Widths of the columns Name, ID, Format, Status and Source.
const WIDTHS: [usize; 5] = [20, 20, 10, 10, 9];

/// Lists the plugins.
pub(super) fn run(args: &PluginsListArgs, context: &Context) -> Done {
    let out = context.out.with_json(args.json);
    let config = context.config()?;
    let shown: Vec<&Plugin> = PLUGINS
        .iter()
        .filter(|plugin| !args.enabled || plugin.standing(&config.text).enabled)
        .collect();
    if args.json {
        let catalog = context.catalog()?;
        let plugins: Vec<Value> = shown
            .iter()
            .map(|plugin| json_of(plugin, &config.text, &catalog))
            .collect();
        out.json(&json!({
            "workspaceDir": context.home.workspace_dir(),
            "registry": {"source": "built-in", "diagnostics": []},
            "plugins": plugins,
        }));
        return Ok(Exit::Ok);
    }
    out.line(strong(row([
        "Name", "ID", "Format", "Status", "Source", "Version",
    ])));
    for plugin in shown {
        let standing = plugin.standing(&config.text);
        let version = env!("CARGO_PKG_VERSION");
        let (name, id, word) = (plugin.name, plugin.id, standing.word());
        out.line(row([name, id, "built-in", word, "bundled", version]));
        if args.verbose {
            out.line(dim(format!("  {} ({})", plugin.summary, standing.because)));
        }
    }
    Ok(Exit::Ok)
}

fn row(cells: [&str; 6]) -> String {
    let [name, id, format, status, source, version] = cells;
    let [
        name_width,
        id_width,
        format_width,
        status_width,
        source_width,
    ] = WIDTHS;
    format!(
        "{name:<name_width$}{id:<id_width$}{format:<format_width$}{status:<status_width$}{source:<source_width$}{version}"
    )
}
