//! The emulator's own certificate authority, kept in memory only.
//!
//! Clients reach it by trusting the PEM text of [`Authority::pem`]. A leaf
//! certificate is made for a host when the first client connects to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::error::Error;

/// Name in the certificate, for whoever finds it in a trust store.
const COMMON_NAME: &str = "openclaw emulator CA (not a real service)";

/// How long before its making a certificate is already valid, for clocks that are off.
const BACKDATED: Duration = Duration::from_hours(24);

/// Lifetime of the authority from now on.
const AUTHORITY_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// Lifetime of a leaf from now on; with the backdating below the 397 days that clients allow.
const LEAF_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// Most leaf configurations kept; workspace hosts are without number.
const LEAVES_MAX: usize = 256;

/// The emulator's own certificate authority.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
    leaves: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    pub(crate) fn generate() -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(Error::Certificate)?;
        let issuer =
            CertifiedIssuer::self_signed(authority_params(), key).map_err(Error::Certificate)?;
        let pem = issuer.pem();
        Ok(Self {
            issuer,
            pem,
            leaves: Mutex::default(),
        })
    }

    /// Returns the authority's certificate as PEM text.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the TLS configuration that speaks for `host`.
    pub(crate) fn speak_for(&self, host: &str) -> Result<Arc<ServerConfig>, Error> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = leaves.get(host) {
            return Ok(Arc::clone(ready));
        }
        let config = Arc::new(self.leaf(host)?);
        if leaves.len() >= LEAVES_MAX {
            leaves.clear();
        }
        leaves.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }

    fn leaf(&self, host: &str) -> Result<ServerConfig, Error> {
        let key = KeyPair::generate().map_err(Error::Certificate)?;
        let certificate = leaf_params(host)?
            .signed_by(&key, &self.issuer)
            .map_err(Error::Certificate)?;
        let chain = vec![certificate.der().clone(), self.issuer.der().clone()];
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let refused = |source| Error::Tls {
            host: host.to_owned(),
            source,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(COMMON_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, AUTHORITY_LIFETIME);
    params
}

fn leaf_params(host: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(Error::Certificate)?;
    // Longer names than 64 characters do not fit a common name; the SAN counts anyway.
    params.distinguished_name = named("openclaw emulator");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, LEAF_LIFETIME);
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name.push(DnType::OrganizationName, "openclaw emulator");
    name
}

fn set_validity(params: &mut CertificateParams, lifetime: Duration) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + now.saturating_add(lifetime);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_made_once_per_host_and_the_store_is_bounded() {
        let authority = Authority::generate().unwrap();
        let first = authority.speak_for("dashscope.aliyuncs.com").unwrap();
        let second = authority.speak_for("dashscope.aliyuncs.com").unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let host = |n| format!("ws-{n}.cn-beijing.maas.aliyuncs.com");
        for n in 0..LEAVES_MAX {
            authority
                .leaves
                .lock()
                .unwrap()
                .insert(host(n), Arc::clone(&first));
        }
        authority.speak_for(&host(LEAVES_MAX)).unwrap();
        assert!(authority.leaves.lock().unwrap().len() <= LEAVES_MAX);
    }
}
