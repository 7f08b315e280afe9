//! Starting, stopping, clients that leave, and bounds.

use std::time::Duration;

use emulator::{Clock, Emulator, Error, Options};
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    CHAT, Connection, STANDARD, STANDARD_KEY, chat, chat_request, request, start,
};

const PATIENCE: Duration = Duration::from_secs(10);

async fn open_stream(
    emulator: &Emulator,
    rule: &serde_json::Value,
) -> (Connection, crate::support::Stream) {
    emulator.script(&json!({"rules": [rule]})).unwrap();
    let mut connection = Connection::open(emulator.addr()).await;
    let body = chat_request(&json!({"stream": true})).to_string();
    let sent = request(
        Method::POST,
        &format!("/{STANDARD}{CHAT}"),
        STANDARD_KEY,
        body,
    );
    let mut stream = connection.send(sent).await.unwrap();
    stream.body.frame().await.unwrap().unwrap();
    (connection, stream)
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let first = start().await;
    let options = Options {
        listen: first.addr(),
        ..Options::default()
    };
    assert!(matches!(
        Emulator::start(options).await,
        Err(Error::Listen { .. })
    ));
}

#[tokio::test]
async fn notices_a_client_that_leaves() {
    let emulator = start().await;
    drop(open_stream(&emulator, &json!({"trickle_delay_ms": 600_000})).await);
    let gone = async {
        while emulator.requests()[0]["outcome"] != "client_gone" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn shutting_down_lets_open_streams_end_and_closes_idle_connections() {
    let emulator = start().await;
    let mut idle = Connection::open(emulator.addr()).await;
    let target = format!("/{STANDARD}/nothing");
    idle.send(request(Method::GET, &target, "", ""))
        .await
        .unwrap()
        .read()
        .await;
    let (_connection, stream) = open_stream(&emulator, &json!({"trickle_delay_ms": 20})).await;
    let address = emulator.addr();
    let (answer, ()) = tokio::join!(stream.read(), emulator.shutdown());
    assert!(!answer.cut && answer.text().ends_with("data: [DONE]\n\n"));
    assert!(idle.is_closed_by_server().await);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_it_cuts_open_streams() {
    let emulator = start().await;
    let (_connection, stream) = open_stream(&emulator, &json!({"trickle_delay_ms": 600_000})).await;
    drop(emulator);
    let (_, cut) = tokio::time::timeout(PATIENCE, stream.frames())
        .await
        .unwrap();
    assert!(cut);
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let emulator = start().await;
    let mut stream = TcpStream::connect(emulator.addr()).await.unwrap();
    let head = format!(
        "POST /{STANDARD}{CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        64 * 1024 * 1024 + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start_of_reply = [0; 12];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut start_of_reply))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&start_of_reply, b"HTTP/1.1 413");
}

#[tokio::test]
async fn the_clock_is_fixed_unless_told_otherwise() {
    let fixed = start().await;
    let created = chat(&fixed, &chat_request(&json!({}))).await.json()["created"].as_u64();
    assert_eq!(created, Some(1_767_225_600));
    let options = Options {
        clock: Clock::System,
        ..Options::default()
    };
    let telling = Emulator::start(options).await.unwrap();
    let created = chat(&telling, &chat_request(&json!({}))).await.json()["created"].as_u64();
    assert!(created > Some(1_767_225_600));
}
