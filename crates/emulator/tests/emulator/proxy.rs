//! The emulator as an HTTP proxy, with TLS by its own authority.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use emulator::Emulator;
use http::{Method, Request};
use http_body_util::{Empty, Full};
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::support::{
    CHAT, Connection, MODELS, STANDARD, STANDARD_KEY, chat_request, request, start,
};

struct Tunnel {
    upgraded: Upgraded,
    driver: JoinSet<()>,
}

/// Opens a tunnel, or returns the status that refused it.
async fn connect(emulator: &Emulator, authority: &str) -> Result<Tunnel, u16> {
    let stream = TcpStream::connect(emulator.addr()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    let asked = Request::builder()
        .method(Method::CONNECT)
        .uri(authority)
        .header("host", authority)
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = sender.send_request(asked).await.unwrap();
    if !response.status().is_success() {
        return Err(response.status().as_u16());
    }
    Ok(Tunnel {
        upgraded: hyper::upgrade::on(response).await.unwrap(),
        driver,
    })
}

fn trusting(ca_pem: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Opens HTTP inside TLS inside a tunnel.
pub(crate) async fn https(
    emulator: &Emulator,
    host: &'static str,
    ca_pem: &str,
) -> std::io::Result<(Connection, JoinSet<()>)> {
    let tunnel = connect(emulator, &format!("{host}:443")).await.unwrap();
    let name = ServerName::try_from(host).unwrap();
    let stream = trusting(ca_pem)
        .connect(name, TokioIo::new(tunnel.upgraded))
        .await?;
    Ok((Connection::over(TokioIo::new(stream)).await, tunnel.driver))
}

#[tokio::test]
async fn speaks_tls_for_every_host_with_one_authority() {
    let emulator = start().await;
    let hosts = emulator::HOSTS.iter().map(|host| host.name);
    for host in hosts.chain(["llm-abc.cn-beijing.maas.aliyuncs.com"]) {
        let (mut connection, _driver) = https(&emulator, host, emulator.ca_pem()).await.unwrap();
        let answer = connection
            .send(request(Method::GET, "/nothing", "sk", ""))
            .await
            .unwrap()
            .read()
            .await;
        // A storage host says nothing about files that were not linked to.
        let status = if host.contains(".oss-") { 403 } else { 404 };
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-openclaw-emulator")),
            (status, "1"),
            "{host}"
        );
    }
    assert!(
        emulator
            .requests()
            .iter()
            .all(|seen| seen["via"] == "tunnel")
    );
}

#[tokio::test]
async fn streams_through_a_tunnel_and_keeps_the_connection() {
    let emulator = start().await;
    let (mut connection, _driver) = https(&emulator, STANDARD, emulator.ca_pem()).await.unwrap();
    for _ in 0..2 {
        let body = chat_request(&json!({"stream": true})).to_string();
        let sent = request(Method::POST, CHAT, STANDARD_KEY, body);
        let answer = connection.send(sent).await.unwrap().read().await;
        assert_eq!(answer.chunks().len(), 6);
    }
    let seen = emulator.requests();
    assert_eq!((seen.len(), &seen[0]["host"]), (2, &json!(STANDARD)));
    assert_eq!(seen[0]["connection"], seen[1]["connection"]);
}

#[tokio::test]
async fn a_stranger_does_not_trust_it() {
    let emulator = start().await;
    let other = start().await;
    assert!(https(&emulator, STANDARD, other.ca_pem()).await.is_err());
}

#[tokio::test]
async fn refuses_other_hosts_and_ports() {
    let emulator = start().await;
    for authority in [
        "example.com:443",
        "dashscope.aliyuncs.com:22",
        "127.0.0.1:443",
    ] {
        assert_eq!(
            connect(&emulator, authority).await.err(),
            Some(502),
            "{authority}"
        );
    }
}

#[tokio::test]
async fn takes_absolute_requests_for_plain_http() {
    let emulator = start().await;
    let mut connection = Connection::open(emulator.addr()).await;
    for (target, status) in [
        (format!("http://{STANDARD}{MODELS}"), 200),
        ("http://example.com/".to_owned(), 502),
        (
            format!("http://{}/{STANDARD}{MODELS}", emulator.addr()),
            200,
        ),
        (format!("http://{STANDARD}/_emulator/requests"), 404),
    ] {
        let sent: Request<Full<Bytes>> = request(Method::GET, &target, STANDARD_KEY, "");
        let answer = connection.send(sent).await.unwrap().read().await;
        assert_eq!(answer.status.as_u16(), status, "{target}");
    }
}

#[tokio::test]
async fn control_endpoints_are_not_reachable_through_a_tunnel() {
    let emulator = start().await;
    let (mut connection, _driver) = https(&emulator, STANDARD, emulator.ca_pem()).await.unwrap();
    let sent = request(Method::GET, "/_emulator/requests", STANDARD_KEY, "");
    let answer = connection.send(sent).await.unwrap().read().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (404, ""));
}

#[tokio::test]
async fn names_the_environment_that_points_clients_at_it() {
    let emulator = start().await;
    let lines = emulator.environment(Path::new("/tmp/ca.pem"));
    let value = |name: &str| lines.iter().find(|line| line.0 == name).unwrap().1.clone();
    let proxy = format!("http://{}", emulator.addr());
    assert_eq!(
        (value("HTTPS_PROXY"), value("https_proxy")),
        (proxy.clone(), proxy)
    );
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        assert_eq!(value(name), "/tmp/ca.pem");
    }
    assert_eq!(
        (value("NODE_USE_ENV_PROXY"), value("NO_PROXY")),
        ("1".to_owned(), String::new())
    );
    let url = emulator.url_for(STANDARD, MODELS);
    assert_eq!(
        url,
        format!("http://{}/{STANDARD}{MODELS}", emulator.addr())
    );
}
