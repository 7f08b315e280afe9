//! The object storage: files that tasks made, behind links that expire, and files that clients uploaded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::host::Region;
use crate::multipart;
use crate::reply::Reply;
use crate::studio::{Exchange, Studio};

/// Most files kept; the oldest name goes first.
const FILES_MAX: usize = 10_000;

/// Most files kept that were made at once; they are held in memory.
const MADE_MAX: usize = 500;

/// How long an upload may be used, in milliseconds: 48 hours.
const UPLOAD_TTL_MS: u64 = 48 * 60 * 60 * 1000;

/// One uploaded file.
struct Upload {
    bytes: Bytes,
    expires_ms: u64,
}

/// Uploads that were made and those that were granted.
#[derive(Default)]
struct Files {
    uploads: BTreeMap<String, Upload>,
    /// Files that were made at once, with their content types.
    made: BTreeMap<String, (&'static str, Bytes)>,
    /// Folder of each grant, with the time until which it may be used.
    granted: BTreeMap<String, u64>,
}

/// The storage of one emulator.
#[derive(Default)]
pub(crate) struct Storage(Mutex<Files>);

impl Storage {
    /// Lets a client upload into `folder` until `until_ms`.
    pub(crate) fn grant(&self, folder: &str, until_ms: u64) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while files.granted.len() >= FILES_MAX {
            files.granted.pop_first();
        }
        files.granted.insert(folder.to_owned(), until_ms);
    }

    /// Returns the size of an uploaded file that can still be used.
    pub(crate) fn uploaded_bytes(&self, key: &str, now_ms: u64) -> Option<usize> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let upload = files.uploads.get(key)?;
        (now_ms < upload.expires_ms).then_some(upload.bytes.len())
    }

    /// Keeps a file that was made.
    pub(crate) fn keep(&self, key: &str, kind: &'static str, bytes: Bytes) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while files.made.len() >= MADE_MAX {
            files.made.pop_first();
        }
        files.made.insert(key.to_owned(), (kind, bytes));
    }

    /// Returns a file that was made, and its content type.
    pub(crate) fn kept(&self, key: &str) -> Option<(&'static str, Bytes)> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.made.get(key).cloned()
    }

    pub(crate) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Files::default();
    }

    fn store(&self, key: &str, bytes: Bytes, now_ms: u64) -> Result<(), &'static str> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let granted_until_ms = key
            .rsplit_once('/')
            .and_then(|(folder, _)| files.granted.get(folder));
        match granted_until_ms {
            None => return Err("Invalid according to Policy: Policy Condition failed."),
            Some(until_ms) if *until_ms <= now_ms => {
                return Err("Invalid according to Policy: Policy expired.");
            }
            Some(_) => {}
        }
        if files.uploads.contains_key(key) {
            return Err("The object you specified already exists and can not be overwritten.");
        }
        while files.uploads.len() >= FILES_MAX {
            files.uploads.pop_first();
        }
        let expires_ms = now_ms.saturating_add(UPLOAD_TTL_MS);
        files
            .uploads
            .insert(key.to_owned(), Upload { bytes, expires_ms });
        Ok(())
    }
}

/// Returns the host that keeps results of `region`.
pub(crate) fn result_host(region: Region) -> &'static str {
    match region {
        Region::Beijing | Region::HongKong => "dashscope-result-bj.oss-cn-beijing.aliyuncs.com",
        Region::Singapore | Region::Virginia | Region::Tokyo | Region::Frankfurt => {
            "dashscope-result-sgp.oss-ap-southeast-1.aliyuncs.com"
        }
    }
}

/// Returns the host that takes uploads of `region`.
pub(crate) fn upload_host(region: Region) -> &'static str {
    match region {
        Region::Beijing | Region::HongKong => "dashscope-file-mgr.oss-cn-beijing.aliyuncs.com",
        Region::Singapore | Region::Virginia | Region::Tokyo | Region::Frankfurt => {
            "dashscope-file-mgr.oss-ap-southeast-1.aliyuncs.com"
        }
    }
}

/// Returns a signed link to a result; `expires_ms` is Unix time.
pub(crate) fn link(exchange: &Exchange, key: &str, expires_ms: u64) -> String {
    let origin = exchange.origin_of(result_host(exchange.host.region));
    format!(
        "{origin}/{key}?Expires={}&OSSAccessKeyId=EMULATOR&Signature={expires_ms:x}",
        expires_ms / 1000
    )
}

/// Answers a request to a storage host.
pub(crate) fn answer(studio: &Studio, exchange: &Exchange) -> Reply {
    match exchange.method {
        Method::POST => take_upload(studio, exchange),
        Method::GET | Method::HEAD => give_result(studio, exchange),
        _ => xml(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "The specified method is not allowed.",
        ),
    }
}

fn give_result(studio: &Studio, exchange: &Exchange) -> Reply {
    let signature = exchange.query_value("Signature").unwrap_or_default();
    let Ok(expires_ms) = u64::from_str_radix(signature, 16) else {
        return xml(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "You have no right to access this object because of bucket acl.",
        );
    };
    if studio.aigc.unix_ms() >= expires_ms {
        return xml(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "Request has expired.",
        );
    }
    let key = exchange.path.trim_start_matches('/');
    if let Some((kind, bytes)) = studio.storage.kept(key) {
        return Reply::whole(StatusCode::OK, kind, bytes);
    }
    match studio.aigc.product(key) {
        Some(bytes) => Reply::whole(StatusCode::OK, "video/mp4", bytes),
        None => xml(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        ),
    }
}

fn take_upload(studio: &Studio, exchange: &Exchange) -> Reply {
    let Some(form) = multipart::read(&exchange.headers, &exchange.body) else {
        return xml(
            StatusCode::BAD_REQUEST,
            "MalformedPOSTRequest",
            "The body of your POST request is not well-formed multipart/form-data.",
        );
    };
    let field = |name: &str| {
        let part = form.iter().find(|part| part.name == name)?;
        Some(part.text())
    };
    if form.last().is_none_or(|part| part.name != "file") {
        return xml(
            StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "POST requires exactly one file upload per request, as the last field.",
        );
    }
    let signed = ["OSSAccessKeyId", "Signature", "policy"]
        .iter()
        .all(|name| field(name).is_some_and(|value| !value.is_empty()));
    let private = field("x-oss-object-acl").as_deref() == Some("private")
        && field("x-oss-forbid-overwrite").as_deref() == Some("true");
    let key = field("key").unwrap_or_default();
    if !signed || !private || key.is_empty() {
        return xml(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "Invalid according to Policy: Policy Condition failed.",
        );
    }
    let file = form.into_iter().next_back().map(|part| part.body);
    let stored = studio
        .storage
        .store(&key, file.unwrap_or_default(), studio.aigc.unix_ms());
    match stored {
        Ok(()) => Reply::empty(StatusCode::OK),
        Err(why) => xml(StatusCode::FORBIDDEN, "AccessDenied", why),
    }
}

fn xml(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n"
    );
    Reply::whole(status, "application/xml", Bytes::from(body))
}
