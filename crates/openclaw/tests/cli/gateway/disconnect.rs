//! A client that goes away takes its upstream request with it.

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::scene::{CONTENT, DONE, FINISH, Scene, asking, chat};

/// Longest wait for the upstream to notice.
const NOTICE_WAIT: Duration = Duration::from_secs(20);

#[test]
fn a_client_that_leaves_a_stream_cancels_the_upstream() {
    let (closed, seen_closed) = channel();
    let closed = Mutex::new(closed);
    let scene = Scene::new(move |_, wire| {
        wire.begin_events();
        wire.piece(CONTENT.as_bytes());
        closed.lock().unwrap().send(wire.wait_closed()).unwrap();
    });
    let mut arriving = scene.gateway.open(&chat(&asking(true)));
    arriving.until("hi");
    assert_eq!(scene.totals()["openStreams"], 1);
    drop(arriving);
    assert_eq!(seen_closed.recv_timeout(NOTICE_WAIT), Ok(true));
    assert_eq!(scene.totals()["openStreams"], 0);
    assert_eq!(scene.totals()["failed"], 1);
    let request = scene.finish().requests().remove(0);
    assert_eq!(request["outcome"], "client_gone");
    assert_eq!(request["stream"], true);
    assert_eq!(request["status"], 200);
}

#[test]
fn a_client_that_leaves_before_the_answer_cancels_the_upstream() {
    let (arrived, seen_arrived) = channel();
    let (closed, seen_closed) = channel();
    let (arrived, closed) = (Mutex::new(arrived), Mutex::new(closed));
    let scene = Scene::new(move |_, wire| {
        arrived.lock().unwrap().send(()).unwrap();
        closed.lock().unwrap().send(wire.wait_closed()).unwrap();
    });
    for stream in [false, true] {
        let mut connection = scene.gateway.connect();
        connection
            .write_all(&chat(&asking(stream)).bytes())
            .unwrap();
        seen_arrived.recv_timeout(NOTICE_WAIT).unwrap();
        drop(connection);
        assert_eq!(seen_closed.recv_timeout(NOTICE_WAIT), Ok(true));
    }
    let requests = scene.finish().requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request["outcome"], "client_gone");
    }
}

#[test]
fn a_client_that_leaves_after_the_end_marker_was_served() {
    let (closed, seen_closed) = channel();
    let closed = Mutex::new(closed);
    let scene = Scene::new(move |_, wire| {
        wire.begin_events();
        wire.piece([CONTENT, FINISH, DONE].concat().as_bytes());
        // The upstream keeps the connection open after the marker.
        closed.lock().unwrap().send(wire.wait_closed()).unwrap();
    });
    let mut arriving = scene.gateway.open(&chat(&asking(true)));
    arriving.until("[DONE]");
    drop(arriving);
    assert_eq!(seen_closed.recv_timeout(NOTICE_WAIT), Ok(true));
    assert_eq!(scene.finish().requests()[0]["outcome"], "complete");
}
