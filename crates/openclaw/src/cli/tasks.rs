//! Arguments of `tasks`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Long jobs.
#[derive(Debug, Args)]
pub(crate) struct TasksArgs {
    #[command(subcommand)]
    pub(crate) command: TasksCommand,
}

/// What can be done with long jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum TasksCommand {
    /// List jobs, the latest first.
    List(TasksListArgs),
    /// Show all that is known of one job.
    Show(TasksShowArgs),
    /// Wait for a job, going on with it when nobody else does.
    Watch(TasksWatchArgs),
    /// Cancel a job: at any time before it is submitted, and while it waits at the service.
    Cancel(TasksShowArgs),
}

/// Arguments of `tasks list`.
#[derive(Debug, Args)]
pub(crate) struct TasksListArgs {
    /// Only jobs that have not ended.
    #[arg(long)]
    pub(crate) open: bool,
    /// Most rows.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `tasks show` and `tasks cancel`.
#[derive(Debug, Args)]
pub(crate) struct TasksShowArgs {
    /// The job; the beginning of its id is enough.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `tasks watch`.
#[derive(Debug, Args)]
pub(crate) struct TasksWatchArgs {
    #[command(flatten)]
    pub(crate) task: TasksShowArgs,
    /// Copy the result to this file.
    #[arg(long, visible_alias = "output", value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite that file.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

impl TasksArgs {
    /// Says whether the answer is wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            TasksCommand::List(args) => args.json,
            TasksCommand::Show(args) | TasksCommand::Cancel(args) => args.json,
            TasksCommand::Watch(args) => args.task.json,
        }
    }
}
