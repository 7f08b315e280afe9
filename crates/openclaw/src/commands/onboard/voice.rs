//! Progress and warnings on standard error, or silence when another command onboards.

use crate::output::Output;

/// Who hears what onboarding says on the way.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    out: Output,
    quiet: bool,
}

impl Voice {
    /// Speaks to the person.
    pub(super) fn aloud(out: Output) -> Self {
        Self { out, quiet: false }
    }

    /// Says nothing.
    pub(super) fn silent(out: Output) -> Self {
        Self { out, quiet: true }
    }

    pub(super) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Tells what is being done.
    pub(super) fn note(self, text: impl AsRef<str>) {
        if !self.quiet {
            self.out.note(text);
        }
    }

    /// Tells what may need attention.
    pub(super) fn warn(self, text: impl AsRef<str>) {
        if !self.quiet {
            self.out.warn(text);
        }
    }
}
