//! The one way to fetch media from the web: addresses of this machine and its network are refused after the name was
//! looked up and on every redirect, size and time are bounded, and what arrives is what its bytes say.
//!
//! It sends no credential and no cookie. A proxy that the operator configured looks up names by itself; then a name is
//! refused by what it is called and, where it can be looked up here, by its addresses.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use url::{Host, Url};

use crate::deadline::Deadline;
use crate::http_client::{HttpClient, NetworkSettings, ReplyBody};
use crate::media_type::{MediaKind, MediaType, SNIFF_BYTES};

mod address;
mod error;
mod guard;

pub use address::AddressPolicy;
pub use error::FetchError;
pub use guard::{Asking, InnerAddress, Network, SystemNetwork};

use guard::Guard;

/// Most redirects that are followed.
pub const REDIRECTS_MAX: usize = 5;
/// Longest URL that is followed, in bytes.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// Longest part of a URL that errors repeat, in characters. A signature may follow.
const SHOWN_CHARS_MAX: usize = 120;

/// What is wanted of a file, and how much it may cost.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Kinds of file that are taken.
    pub kinds: &'a [MediaKind],
    /// Largest file, in bytes.
    pub bytes_max: u64,
    /// When all of it must have arrived.
    pub deadline: Deadline,
}

/// Fetches media.
pub struct MediaFetcher {
    client: HttpClient<Guard>,
    guard: Guard,
}

/// A file that was fetched.
#[derive(Debug, Clone)]
pub struct Medium {
    /// What it is.
    pub kind: MediaType,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A file that is arriving.
pub struct Arriving {
    /// What it is, told from its first bytes.
    pub kind: MediaType,
    /// Its size, when the host says so.
    pub length: Option<u64>,
    host: String,
    first: Option<Bytes>,
    body: ReplyBody,
    taken: u64,
    bytes_max: u64,
    deadline: Deadline,
}

impl fmt::Debug for MediaFetcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(formatter)
    }
}

impl MediaFetcher {
    /// Creates a fetcher on the operating system's network.
    pub fn new(settings: NetworkSettings) -> Self {
        Self::on(settings, Arc::new(SystemNetwork))
    }

    /// Creates a fetcher on any network.
    pub fn on(settings: NetworkSettings, network: Arc<dyn Network>) -> Self {
        let policy = AddressPolicy {
            allow_loopback: settings.loopback_media,
        };
        let guard = Guard::new(policy, network);
        Self {
            client: HttpClient::with_connector(settings, guard.clone()),
            guard,
        }
    }

    /// Checks what can be known of `url` without the network: its form, its scheme, its name.
    ///
    /// # Errors
    /// A [`FetchError`] for which [`FetchError::is_refused`] holds.
    pub fn check(&self, url: &str) -> Result<(), FetchError> {
        self.parse(url).map(drop)
    }

    /// Fetches a whole file.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, url: &str, wanted: Wanted<'_>) -> Result<Medium, FetchError> {
        let mut arriving = self.open(url, wanted).await?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = arriving.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Medium {
            kind: arriving.kind,
            bytes: bytes.freeze(),
        })
    }

    /// Begins to fetch a file, for one that is written as it arrives.
    ///
    /// # Errors
    /// [`FetchError`].
    ///
    /// # Cancel safety
    /// Dropping the future or what it returns closes the connection.
    pub async fn open(&self, url: &str, wanted: Wanted<'_>) -> Result<Arriving, FetchError> {
        let url = self.parse(url)?;
        let host = host_of(&url);
        match wanted.deadline.bound(self.follow(url, wanted)).await {
            Ok(opened) => opened,
            Err(_) => Err(FetchError::Late(host)),
        }
    }

    async fn follow(&self, mut url: Url, wanted: Wanted<'_>) -> Result<Arriving, FetchError> {
        for _ in 0..=REDIRECTS_MAX {
            let response = self.get(&url).await?;
            if !is_redirect(response.status()) {
                return begin(&url, response, wanted).await;
            }
            let next = self.redirect(&url, &response)?;
            url = next;
        }
        let (host, what) = (host_of(&url), "too often");
        Err(FetchError::Redirect { host, what })
    }

    async fn get(&self, url: &Url) -> Result<Response<ReplyBody>, FetchError> {
        let host = host_of(url);
        let uri: Uri = url
            .as_str()
            .parse()
            .map_err(|_| FetchError::NotAUrl(shown(url.as_str())))?;
        if self.client.is_proxied(&uri) {
            self.check_ahead(&host).await?;
        }
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        let agent = http::HeaderValue::from_static(crate::attempt::USER_AGENT);
        headers.insert(header::USER_AGENT, agent);
        headers.insert(header::ACCEPT, http::HeaderValue::from_static("*/*"));
        let sent = self.client.send(request).await;
        sent.map_err(|error| FetchError::of_send(&host, &error))
    }

    /// Checks a name that a proxy is about to look up. One that only the proxy can find is the proxy's to judge.
    async fn check_ahead(&self, host: &str) -> Result<(), FetchError> {
        match self.guard.addresses(host).await {
            Ok(_) => Ok(()),
            Err(error) => match error.downcast::<InnerAddress>() {
                Ok(inner) => Err(FetchError::InnerAddress(*inner)),
                Err(_) => Ok(()),
            },
        }
    }

    fn redirect(&self, from: &Url, response: &Response<ReplyBody>) -> Result<Url, FetchError> {
        let host = || host_of(from);
        let location = response.headers().get(header::LOCATION);
        let next = location
            .and_then(|value| value.to_str().ok())
            .and_then(|text| from.join(text).ok())
            .ok_or_else(|| FetchError::Redirect {
                host: host(),
                what: "to nowhere",
            })?;
        let next = self.parse(next.as_str())?;
        if from.scheme() == "https" && next.scheme() != "https" {
            return Err(FetchError::Downgrade(host()));
        }
        Ok(next)
    }

    fn parse(&self, text: &str) -> Result<Url, FetchError> {
        if text.len() > URL_BYTES_MAX {
            return Err(FetchError::NotAUrl(shown(text)));
        }
        let url = Url::parse(text).map_err(|_| FetchError::NotAUrl(shown(text)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme(shown(url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::UserInfo);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(name)) if self.guard.policy().refuses_name(name) => {
                return Err(FetchError::InnerName(shown(name)));
            }
            Some(Host::Domain(_)) => return Ok(url),
            None => return Err(FetchError::NotAUrl(shown(text))),
        };
        match self.guard.policy().refuses(address) {
            Some(purpose) => Err(FetchError::InnerAddress(InnerAddress {
                host: host_of(&url),
                address,
                purpose,
            })),
            None => Ok(url),
        }
    }
}

impl Arriving {
    /// Returns the next piece; none at the end.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`], [`FetchError::Late`] or [`FetchError::Broken`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Ok(piece) = self.deadline.bound(next_data(&mut self.body)).await else {
            return Err(FetchError::Late(self.host.clone()));
        };
        let piece = piece.map_err(|error| broken(&self.host, &error))?;
        if let Some(piece) = &piece {
            self.taken += piece.len() as u64;
            if self.taken > self.bytes_max {
                return Err(FetchError::TooLarge(self.bytes_max));
            }
        }
        Ok(piece)
    }
}

/// Looks at the head and the first bytes of a reply.
async fn begin(
    url: &Url,
    response: Response<ReplyBody>,
    wanted: Wanted<'_>,
) -> Result<Arriving, FetchError> {
    let host = host_of(url);
    if response.status() != StatusCode::OK {
        let status = response.status().as_u16();
        return Err(FetchError::Status { host, status });
    }
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > wanted.bytes_max) {
        return Err(FetchError::TooLarge(wanted.bytes_max));
    }
    let mut body = response.into_body();
    let mut head = BytesMut::new();
    while head.len() < SNIFF_BYTES {
        match next_data(&mut body).await {
            Ok(Some(piece)) => head.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => return Err(broken(&host, &error)),
        }
    }
    let taken = head.len() as u64;
    if taken > wanted.bytes_max {
        return Err(FetchError::TooLarge(wanted.bytes_max));
    }
    let kind = MediaType::sniff(&head);
    match kind.filter(|kind| wanted.kinds.contains(&kind.kind)) {
        Some(kind) => Ok(Arriving {
            kind,
            length,
            host,
            first: Some(head.freeze()),
            body,
            taken,
            bytes_max: wanted.bytes_max,
            deadline: wanted.deadline,
        }),
        None => Err(FetchError::wrong_kind(
            kind.map(|kind| kind.kind),
            wanted.kinds,
        )),
    }
}

async fn next_data(body: &mut ReplyBody) -> Result<Option<Bytes>, hyper::Error> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn broken(host: &str, error: &hyper::Error) -> FetchError {
    FetchError::Broken {
        host: host.to_owned(),
        cause: error.to_string(),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
