//! Hostile URLs, redirects and DNS answers; a server on loopback stands for every public address.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

const PUBLIC: &str = "93.184.216.34";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const IMAGES: &[MediaKind] = &[MediaKind::Image];

/// Names with their answers, one per look-up, the last one for ever; every connection goes to one server.
struct FakeNetwork {
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    server: SocketAddr,
    called: Mutex<Vec<SocketAddr>>,
}

impl Network for FakeNetwork {
    fn look_up<'a>(&'a self, name: &'a str) -> Asking<'a, Vec<IpAddr>> {
        let mut names = self.names.lock().unwrap();
        let answer = match names.get_mut(name) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(io::Error::other("no such name")),
        };
        Box::pin(async move { answer })
    }

    fn connect(&self, address: SocketAddr) -> Asking<'_, TcpStream> {
        self.called.lock().unwrap().push(address);
        Box::pin(TcpStream::connect(self.server))
    }
}

/// A fetcher, its network, and a server that answers each path with its text.
struct Stage {
    fetcher: MediaFetcher,
    network: Arc<FakeNetwork>,
    _server: JoinSet<()>,
}

impl Stage {
    async fn new(names: &[(&str, &[&[&str]])], paths: &[(&str, Vec<u8>)]) -> Self {
        Self::with(NetworkSettings::default(), names, paths).await
    }

    async fn with(
        settings: NetworkSettings,
        names: &[(&str, &[&[&str]])],
        paths: &[(&str, Vec<u8>)],
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let network = Arc::new(FakeNetwork {
            names: Mutex::new(
                names
                    .iter()
                    .map(|(name, answers)| {
                        let answers = answers.iter().map(|answer| addresses(answer)).collect();
                        ((*name).to_owned(), answers)
                    })
                    .collect(),
            ),
            server: listener.local_addr().unwrap(),
            called: Mutex::default(),
        });
        let paths: HashMap<String, Vec<u8>> = paths
            .iter()
            .map(|(path, answer)| ((*path).to_owned(), answer.clone()))
            .collect();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, paths));
        Self {
            fetcher: MediaFetcher::on(settings, network.clone()),
            network,
            _server: server,
        }
    }

    async fn fetch(&self, url: &str) -> Result<Medium, FetchError> {
        self.fetcher.fetch(url, wanted(1000)).await
    }

    fn called(&self) -> Vec<String> {
        let called = self.network.called.lock().unwrap();
        called.iter().map(ToString::to_string).collect()
    }
}

fn wanted(bytes_max: u64) -> Wanted<'static> {
    Wanted {
        kinds: IMAGES,
        bytes_max,
        deadline: Deadline::after(Duration::from_secs(20)),
    }
}

/// Answers each connection once, by the path that was asked for.
async fn serve(listener: TcpListener, paths: HashMap<String, Vec<u8>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default();
        if let Some(answer) = paths.get(path) {
            let _ = stream.write_all(answer).await;
        }
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn to(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .into_bytes()
}

/// URLs that must be refused without a single connection.
const HOSTILE_URLS: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1.:80/",
    "http://127\u{3002}0\u{3002}0\u{3002}1/",
    "http://\u{ff11}27.0.0.1/",
    "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
    "http://%31%32%37.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[ff02::1]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://localhost/",
    "http://LocalHost:80/",
    "http://localhost./",
    "http://a.localhost/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata/",
    "http://printer.local/",
    "http://user@files.example.com/",
    "http://files.example.com@127.0.0.1/",
    "http://files.example.com:x@localhost/",
    "http:\\\\127.0.0.1\\",
    "http:127.0.0.1",
    "http:/\t/127.0.0.1/",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "ftp://files.example.com/a.png",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "//127.0.0.1/",
    "/etc/passwd",
    "http://",
    "http://[::1",
    "https://127.0.0.1:8443/",
    "",
];

#[tokio::test]
async fn hostile_urls_are_refused_without_a_connection() {
    let stage = Stage::new(&[], &[("/", ok(PNG))]).await;
    for url in HOSTILE_URLS {
        let refused = stage.fetch(url).await.unwrap_err();
        assert!(refused.is_refused(), "{url}: {refused}");
        assert!(stage.fetcher.check(url).is_err(), "{url}");
    }
    assert!(HOSTILE_URLS.len() >= 40);
    assert!(stage.called().is_empty());
}

#[tokio::test]
async fn names_that_lead_inside_are_refused_after_the_look_up() {
    let answers: &[&[&str]] = &[
        &["127.0.0.1"],
        &["::1"],
        &["10.1.2.3"],
        &["169.254.169.254"],
        &["100.100.100.200"],
        &["::ffff:192.168.0.1"],
        &["64:ff9b::a00:1"],
        &["fd00::1"],
        &["fe80::1"],
        &["0.0.0.0"],
        // One good answer does not excuse a bad one, in either order.
        &[PUBLIC, "127.0.0.1"],
        &["10.0.0.1", PUBLIC],
    ];
    for answer in answers {
        let stage = Stage::new(&[("evil.example.com", &[answer])], &[("/", ok(PNG))]).await;
        for url in ["http://evil.example.com/", "https://evil.example.com/"] {
            let refused = stage.fetch(url).await.unwrap_err();
            assert!(
                matches!(refused, FetchError::InnerAddress(_)),
                "{answer:?}: {refused}"
            );
        }
        assert!(stage.called().is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn every_redirect_is_checked_again() {
    let in_a_header = |url: &&&str| url.contains("://") && url.is_ascii() && !url.contains('\t');
    for location in HOSTILE_URLS.iter().filter(in_a_header) {
        let names: &[(&str, &[&[&str]])] = &[("files.example.com", &[&[PUBLIC]])];
        let stage = Stage::new(names, &[("/", to(location))]).await;
        let refused = stage.fetch("http://files.example.com/").await.unwrap_err();
        assert!(
            refused.is_refused() || matches!(refused, FetchError::Redirect { .. }),
            "{location}: {refused}"
        );
        assert_eq!(stage.called(), [format!("{PUBLIC}:80")], "{location}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_name_that_leads_inside_is_refused() {
    let names: &[(&str, &[&[&str]])] = &[
        ("files.example.com", &[&[PUBLIC]]),
        ("inside.example.com", &[&["192.168.0.1"]]),
    ];
    let stage = Stage::new(names, &[("/", to("http://inside.example.com/"))]).await;
    let refused = stage.fetch("http://files.example.com/").await.unwrap_err();
    assert!(matches!(refused, FetchError::InnerAddress(_)), "{refused}");
}

#[tokio::test]
async fn a_name_that_changes_its_answer_gains_nothing() {
    // The address that was checked is the one that is called; the second look-up is checked as the first was.
    let names: &[(&str, &[&[&str]])] = &[("rebind.example.com", &[&[PUBLIC], &["127.0.0.1"]])];
    let paths = [("/", to("/again")), ("/again", ok(PNG))];
    let stage = Stage::new(names, &paths).await;
    let refused = stage.fetch("http://rebind.example.com/").await.unwrap_err();
    assert!(matches!(refused, FetchError::InnerAddress(_)), "{refused}");
    assert_eq!(stage.called(), [format!("{PUBLIC}:80")]);
}

#[tokio::test]
async fn a_good_file_arrives_and_is_what_its_bytes_say() {
    let names: &[(&str, &[&[&str]])] = &[("files.example.com", &[&[PUBLIC]])];
    let paths = [("/", to("/a.png")), ("/a.png", ok(PNG))];
    let stage = Stage::new(names, &paths).await;
    let medium = stage.fetch("http://files.example.com/").await.unwrap();
    assert_eq!((medium.kind.mime, &medium.bytes[..]), ("image/png", PNG));
    assert_eq!(
        stage.called(),
        [format!("{PUBLIC}:80"), format!("{PUBLIC}:80")]
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said() {
    let names: &[(&str, &[&[&str]])] = &[("files.example.com", &[&[PUBLIC]])];
    let endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\x89PNG\r\n\x1a\n".to_vec();
    let endless = [endless, vec![0; 5000]].concat();
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_vec();
    let paths = [
        ("/page", ok(b"<!DOCTYPE html><title>log in</title>")),
        ("/sound", ok(b"RIFF\x24\0\0\0WAVEfmt ")),
        ("/empty", ok(b"")),
        ("/endless", endless),
        ("/announced", announced),
        ("/loop", to("/loop")),
        (
            "/nowhere",
            b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        (
            "/gone",
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        (
            "/none",
            b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
        ),
    ];
    let stage = Stage::new(names, &paths).await;
    for (path, said) in [
        ("/page", "the file is of no known format, not image"),
        ("/sound", "the file is sound, not image"),
        ("/empty", "the file is of no known format, not image"),
        ("/endless", "the file is larger than 1000 bytes"),
        ("/announced", "the file is larger than 1000 bytes"),
        ("/loop", "files.example.com redirects too often"),
        ("/nowhere", "files.example.com redirects to nowhere"),
        ("/gone", "files.example.com answered 404"),
        ("/none", "files.example.com answered 204"),
    ] {
        let url = format!("http://files.example.com{path}");
        let error = stage.fetch(&url).await.unwrap_err();
        assert_eq!(error.to_string(), said, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_nothing_ends_with_the_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let network = Arc::new(FakeNetwork {
        names: Mutex::new(
            [(
                "slow.example.com".to_owned(),
                vec![vec![PUBLIC.parse().unwrap()]],
            )]
            .into(),
        ),
        server: listener.local_addr().unwrap(),
        called: Mutex::default(),
    });
    let fetcher = MediaFetcher::on(NetworkSettings::default(), network);
    let late = fetcher
        .fetch("http://slow.example.com/", wanted(1000))
        .await;
    assert!(matches!(late, Err(FetchError::Late(_))), "{late:?}");
}

#[tokio::test]
async fn loopback_can_be_allowed_and_nothing_else_with_it() {
    let settings = NetworkSettings {
        loopback_media: true,
        ..NetworkSettings::default()
    };
    let paths = [
        ("/", ok(PNG)),
        ("/out", to("http://10.0.0.1/")),
        ("/meta", to("http://169.254.169.254/")),
    ];
    let stage = Stage::with(settings, &[("localhost", &[&["127.0.0.1"]])], &paths).await;
    for url in ["http://127.0.0.1/", "http://localhost/", "http://[::1]/"] {
        assert!(stage.fetch(url).await.is_ok(), "{url}");
    }
    for url in [
        "http://127.0.0.1/out",
        "http://localhost/meta",
        "http://192.168.0.1/",
    ] {
        assert!(stage.fetch(url).await.unwrap_err().is_refused(), "{url}");
    }
}

#[tokio::test]
async fn a_proxy_does_not_open_the_way_inside() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = NetworkSettings {
        https_proxy: Some(format!("http://{}", proxy.local_addr().unwrap())),
        ..NetworkSettings::default()
    };
    let names: &[(&str, &[&[&str]])] = &[("inside.example.com", &[&["10.0.0.1"]])];
    let stage = Stage::with(settings, names, &[]).await;
    for url in [
        "https://inside.example.com/",
        "https://10.0.0.1/",
        "https://a.internal/",
    ] {
        assert!(stage.fetch(url).await.unwrap_err().is_refused(), "{url}");
    }
    // A name that only the proxy can look up is handed to it.
    let fetching = stage.fetch("https://only-the-proxy-knows.example.com/");
    let asked = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut line = vec![0; 7];
        stream.read_exact(&mut line).await.unwrap();
        line
    };
    tokio::select! {
        _ = fetching => panic!("the proxy was not asked"),
        line = asked => assert_eq!(line, b"CONNECT"),
    }
}
