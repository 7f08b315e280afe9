//! Takes a secret from the keyring of the operating system, where the program was built with it.

use crate::secret::Secret;
use crate::source::Unusable;

/// The name under which entries are kept when the config names none.
pub const SERVICE_DEFAULT: &str = "openclaw";

/// Reads the entry of the user `id` of a service.
#[cfg(feature = "keyring")]
pub(crate) fn read(service: Option<&str>, id: &str) -> Result<Secret, Unusable> {
    let service = service.unwrap_or(SERVICE_DEFAULT);
    let entry = keyring::Entry::new(service, id);
    let text = entry.and_then(|entry| entry.get_password());
    let problem = match text {
        Ok(text) if text.trim().is_empty() => "the entry is empty".to_owned(),
        Ok(text) => return Ok(Secret::new(text.trim().to_owned())),
        Err(keyring::Error::NoEntry) => "there is no such entry".to_owned(),
        // Some messages of the library carry what was read.
        Err(keyring::Error::BadEncoding(_)) => "the entry is not text".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Unusable::Keyring {
        service: service.to_owned(),
        id: id.to_owned(),
        problem,
    })
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
