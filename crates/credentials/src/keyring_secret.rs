//! Takes a secret from the keyring of the operating system, where the program was built with it.

use crate::secret::Secret;
use crate::source::Unusable;

/// The name under which entries are kept when the config names none.
pub const SERVICE_DEFAULT: &str = "openclaw";

/// How long the keyring may take: it can ask a person to unlock it.
#[cfg(feature = "keyring")]
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// Reads the entry of the user `id` of a service; blocks up to [`DEADLINE`].
#[cfg(feature = "keyring")]
pub(crate) fn read(service: Option<&str>, id: &str) -> Result<Secret, Unusable> {
    let service = service.unwrap_or(SERVICE_DEFAULT).to_owned();
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let (asked_service, asked_id) = (service.clone(), id.to_owned());
    // The call has no deadline of its own, so it gets a thread of its own.
    std::thread::spawn(move || {
        // Nobody listens any more after the deadline.
        let _ = sender.send(entry(&asked_service, &asked_id));
    });
    let answer = receiver
        .recv_timeout(DEADLINE)
        .unwrap_or_else(|_| Err(format!("it did not answer within {DEADLINE:?}")));
    answer.map_err(|problem| Unusable::Keyring {
        service,
        id: id.to_owned(),
        problem,
    })
}

#[cfg(feature = "keyring")]
fn entry(service: &str, id: &str) -> Result<Secret, String> {
    let entry = keyring::Entry::new(service, id);
    match entry.and_then(|entry| entry.get_password()) {
        Ok(text) if text.trim().is_empty() => Err("the entry is empty".to_owned()),
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(keyring::Error::NoEntry) => Err("there is no such entry".to_owned()),
        // The bytes that were read are in this error.
        Err(keyring::Error::BadEncoding(_)) => Err("the entry is not text".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Says that there is no keyring in this build.
#[cfg(not(feature = "keyring"))]
pub(crate) fn read(service: Option<&str>, id: &str) -> Result<Secret, Unusable> {
    let problem = "this `openclaw` was built without it; build it with `--features keyring`, or read the keyring with \
                   a program (`source: \"exec\"`)";
    Err(Unusable::Keyring {
        service: service.unwrap_or(SERVICE_DEFAULT).to_owned(),
        id: id.to_owned(),
        problem: problem.to_owned(),
    })
}

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_keyring_is_a_secret() {
        keyring::set_default_credential_builder(keyring::mock::default_credential_builder());
        let absent = read(None, "qwen").unwrap_err();
        assert_eq!(
            absent.to_string(),
            "cannot take `qwen` of `openclaw` from the system's keyring: there is no such entry"
        );
    }
}
