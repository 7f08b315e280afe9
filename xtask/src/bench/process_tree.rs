//! Processor time and memory of a process and its descendants, from `/proc`.

use std::collections::BTreeMap;
use std::fs;

/// Length of a clock tick in `/proc/<pid>/stat`: Linux shows 100 of them per second everywhere.
const TICK_US: u64 = 10_000;

/// The processes of one server at one moment.
pub(super) struct ProcessTree {
    pids: Vec<u32>,
}

impl ProcessTree {
    pub(super) fn of(root: u32) -> Self {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for entry in entries {
            let pid = entry.file_name().to_string_lossy().parse();
            if let Ok(pid) = pid
                && let Some(parent) = stat(pid).and_then(|stat| stat.parent())
            {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut pids = Vec::new();
        let mut waiting = vec![root];
        while let Some(pid) = waiting.pop() {
            pids.push(pid);
            waiting.extend(children.remove(&pid).unwrap_or_default());
        }
        Self { pids }
    }

    /// Time on the processor since the processes began, user and system, all threads.
    pub(super) fn cpu_us(&self) -> u64 {
        let stats = self.pids.iter().filter_map(|pid| stat(*pid));
        stats.filter_map(|stat| stat.cpu_us()).sum()
    }

    pub(super) fn pids(&self) -> &[u32] {
        &self.pids
    }

    /// Memory in use now.
    pub(super) fn rss_kib(&self) -> u64 {
        let pids = self.pids.iter();
        pids.filter_map(|pid| memory_kib(*pid, "VmRSS:")).sum()
    }
}

/// A line of `/proc/<pid>/status` in kibibytes; none when the process has ended.
pub(super) fn memory_kib(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    memory_line(&status, name)
}

fn memory_line(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The part of `/proc/<pid>/stat` after the program's name, which may contain anything.
struct Stat(String);

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Stat::parse(&text)
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(") ")?;
        Some(Self(rest.to_owned()))
    }

    /// Field `number` as proc(5) counts them; the third is the first after the name.
    fn field(&self, number: usize) -> Option<u64> {
        let index = number.checked_sub(3)?;
        self.0.split_whitespace().nth(index)?.parse().ok()
    }

    fn parent(&self) -> Option<u32> {
        self.field(4).and_then(|pid| u32::try_from(pid).ok())
    }

    fn cpu_us(&self) -> Option<u64> {
        Some((self.field(14)? + self.field(15)?) * TICK_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_counted_after_the_name() {
        let text = "12 (a ) b) S 7 12 12 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.parent(), Some(7));
        assert_eq!(stat.cpu_us(), Some(3_000_000));
    }

    #[test]
    fn memory_is_read_from_its_line() {
        let status = "Name:\tx\nVmHWM:\t    5120 kB\nVmRSS:\t    4096 kB\n";
        assert_eq!(memory_line(status, "VmHWM:"), Some(5120));
        assert_eq!(memory_line(status, "VmRSS:"), Some(4096));
        assert_eq!(memory_line("State:\tZ (zombie)\n", "VmRSS:"), None);
    }

    #[test]
    fn our_own_tree_has_memory() {
        let tree = ProcessTree::of(std::process::id());
        assert!(tree.rss_kib() > 0);
    }
}
