//! SIGTERM with open streams: they finish, or they are told why not; nothing is cut without a word.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::client::Arriving;
use super::scene::{CONTENT, DONE, FINISH, Scene, USAGE, asking, chat};
use super::stub::Gate;

/// Streams that are open when the signal comes.
const STREAMS: usize = 50;

fn open_streams(scene: &Scene) -> Vec<Arriving> {
    let open = || {
        let mut arriving = scene.gateway.open(&chat(&asking(true)));
        arriving.until("hi");
        arriving
    };
    (0..STREAMS).map(|_| open()).collect()
}

#[test]
fn open_streams_finish_while_new_connections_are_refused() {
    let gate = Gate::default();
    let upstream = gate.clone();
    let mut scene = Scene::new(move |_, wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        upstream.wait();
        for event in [CONTENT, FINISH, USAGE, DONE] {
            wire.piece(event.as_bytes());
        }
        wire.end();
    });
    let streams = open_streams(&scene);
    assert_eq!(scene.totals()["openStreams"], STREAMS);
    scene.gateway.terminate();
    scene.gateway.wait_refusing();
    assert!(!scene.gateway.has_ended());
    gate.open();
    for stream in streams {
        let answer = stream.finish();
        assert!(answer.is_whole);
        assert_eq!(answer.text(), [CONTENT, CONTENT, FINISH, DONE].concat());
    }
    let ended = scene.ended();
    let requests = ended.requests();
    assert_eq!(requests.len(), STREAMS);
    assert!(
        requests
            .iter()
            .all(|request| request["outcome"] == "complete")
    );
    let lines = ended.lines();
    let stopping = lines.iter().find(|line| line["message"] == "stopping");
    assert!(stopping.unwrap()["openStreams"].is_u64());
    assert_eq!(lines.last().unwrap()["message"], "stopped");
}

#[test]
fn a_second_signal_ends_streams_with_an_error_event() {
    let scene = Scene::new(|_, wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        assert!(wire.wait_closed());
    });
    let streams = open_streams(&scene);
    scene.gateway.terminate();
    scene.gateway.wait_refusing();
    scene.gateway.terminate();
    for stream in streams {
        let answer = stream.finish();
        let error = answer.last_error_event();
        assert_eq!(error["code"], "gateway_shutdown", "{}", answer.text());
        assert!(answer.text().starts_with(CONTENT));
    }
    let requests = scene.ended().requests();
    assert_eq!(requests.len(), STREAMS);
    assert!(
        requests
            .iter()
            .all(|request| request["outcome"] == "stopped")
    );
}

#[test]
fn requests_without_an_answer_yet_are_told_too() {
    let (arrived, seen_arrived) = channel();
    let arrived = Mutex::new(arrived);
    let scene = Scene::new(move |seen, wire| {
        if seen.json()["stream"] == true {
            wire.begin_events();
        }
        arrived.lock().unwrap().send(()).unwrap();
        assert!(wire.wait_closed());
    });
    let waiting = [false, true].map(|stream| send(&scene, stream, &seen_arrived));
    let half_sent = send_half(&scene);
    scene.gateway.terminate();
    scene.gateway.wait_refusing();
    scene.gateway.terminate();
    for connection in waiting.into_iter().chain([half_sent]) {
        let answer = scene.gateway.answer_on(connection);
        answer.error(503, "gateway_shutdown");
        assert!(answer.header("retry-after").is_some());
    }
    let requests = scene.ended().requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|request| request["outcome"] == "stopped")
    );
}

fn send(scene: &Scene, stream: bool, arrived: &Receiver<()>) -> TcpStream {
    let mut connection = scene.gateway.connect();
    connection
        .write_all(&chat(&asking(stream)).bytes())
        .unwrap();
    arrived.recv_timeout(Duration::from_secs(20)).unwrap();
    connection
}

/// Sends a part of a request, and returns when the gateway waits for the rest.
fn send_half(scene: &Scene) -> TcpStream {
    let mut connection = scene.gateway.connect();
    let ask = chat(&asking(false)).header("Expect", "100-continue");
    let whole = ask.bytes();
    let (sent, _) = whole.split_at(whole.len() - 5);
    connection.write_all(sent).unwrap();
    let mut go_on = *b"HTTP/1.1 100 Continue\r\n\r\n";
    connection.read_exact(&mut go_on).unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "));
    connection
}

#[test]
fn an_idle_gateway_ends_at_once() {
    let scene = Scene::answering();
    let _idle = scene.gateway.connect();
    let mut kept_alive = scene.gateway.connect();
    kept_alive.write_all(&chat(&asking(false)).bytes()).unwrap();
    let started = std::time::Instant::now();
    scene.finish();
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "waited for idle connections"
    );
}
