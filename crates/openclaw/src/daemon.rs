//! The gateway as something that lives on its own: one per home, known to the service manager of the machine.

pub(crate) mod instance;
pub(crate) mod notify;
