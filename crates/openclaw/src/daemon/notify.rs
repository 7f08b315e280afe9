//! What a service manager is told: ready, reloading, stopping, alive. The protocol is `sd_notify(3)`: one datagram per
//! message to the socket that `NOTIFY_SOCKET` names. Without one nothing is said.

use std::time::Duration;

use config::{Environment, Origin, env_var};

/// The line to the service manager.
pub(crate) struct Notify {
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// Opens the line, when the process was given one.
    pub(crate) fn of(environment: &Environment) -> Self {
        Self {
            #[cfg(unix)]
            socket: given(environment, env_var::NOTIFY_SOCKET).and_then(connect),
            watchdog: watchdog(environment, std::process::id()),
        }
    }

    /// The gateway answers, or answers again after a reload.
    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// Files changed and are read.
    pub(crate) fn reloading(&self) {
        self.send("RELOADING=1\nSTATUS=reading changed files");
    }

    /// A stop was asked for.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=finishing open requests");
    }

    /// The gateway was seen to answer.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// Returns how often [`Self::alive`] is wanted: half of what the manager allows, as `sd_watchdog_enabled(3)` advises.
    pub(crate) fn alive_every(&self) -> Option<Duration> {
        self.watchdog
    }

    #[cfg(unix)]
    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not listen is no reason not to serve.
            let _ = socket.send(message.as_bytes());
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "there is no such socket here")]
    fn send(&self, _: &str) {}
}

/// Only the process itself may name the socket; a `.env` file may not.
fn given<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    let value = environment.path_var(name)?;
    (environment.origin(name) == Some(&Origin::Process)).then_some(value)
}

#[cfg(unix)]
fn connect(name: &str) -> Option<std::os::unix::net::UnixDatagram> {
    let socket = std::os::unix::net::UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
            socket.connect_addr(&address).ok()?;
        }
        _ => socket.connect(name).ok()?,
    }
    Some(socket)
}

fn watchdog(environment: &Environment, pid: u32) -> Option<Duration> {
    let number = |name| given(environment, name).and_then(|text| text.parse::<u64>().ok());
    let every = Duration::from_micros(number(env_var::WATCHDOG_USEC)? / 2);
    let is_ours = number(env_var::WATCHDOG_PID).is_none_or(|wanted| wanted == u64::from(pid));
    (is_ours && !every.is_zero()).then_some(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_for_this_process_only() {
        let every =
            |pairs: &[(&str, &str)]| watchdog(&Environment::from_pairs(pairs.iter().copied()), 42);
        assert_eq!(
            every(&[("WATCHDOG_USEC", "3000000")]),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            every(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "42")]),
            Some(Duration::from_secs(1))
        );
        assert_eq!(
            every(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "41")]),
            None
        );
        assert_eq!(every(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(every(&[]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn messages_arrive_at_a_path_and_at_an_abstract_name() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = path.to_str().unwrap();
        let abstract_name = SocketAddr::from_abstract_name(name).unwrap();
        let managers = [
            (UnixDatagram::bind(&path).unwrap(), name.to_owned()),
            (
                UnixDatagram::bind_addr(&abstract_name).unwrap(),
                format!("@{name}"),
            ),
        ];
        for (manager, address) in managers {
            let notify = Notify::of(&Environment::from_pairs([("NOTIFY_SOCKET", address)]));
            notify.ready("here");
            notify.alive();
            manager
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            let mut bytes = [0; 200];
            let length = manager.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..length], b"READY=1\nSTATUS=here");
            let length = manager.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..length], b"WATCHDOG=1");
        }
    }
}
