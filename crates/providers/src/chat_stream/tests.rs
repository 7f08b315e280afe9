use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use proptest::prelude::*;

use super::*;
use crate::formats::Format;

type Frames = std::vec::IntoIter<Result<Frame<Bytes>, std::io::Error>>;

/// A body that yields the given frames and then ends, fails, or waits for ever.
struct Script {
    frames: Frames,
    then_wait: bool,
}

impl Body for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.frames.next() {
            None if self.then_wait => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

fn script(parts: &[&[u8]], broken: bool, then_wait: bool) -> Script {
    let mut frames: Vec<_> = parts
        .iter()
        .map(|part| Ok(Frame::data(Bytes::copy_from_slice(part))))
        .collect();
    if broken {
        frames.push(Err(std::io::Error::other("reset")));
    }
    Script {
        frames: frames.into_iter(),
        then_wait,
    }
}

fn policy(strip_usage: bool) -> StreamPolicy {
    StreamPolicy {
        strip_usage,
        idle_max: Duration::from_secs(5),
        n_choices: 1,
        format: Format::Chat,
        think_tags: ThinkTags::Never,
        stop: CancellationToken::new(),
        secret: Some(Secret::new("sk-upstream-key".to_owned())),
    }
}

async fn run(body: Script, policy: StreamPolicy) -> (String, StreamEnd) {
    let end = Arc::new(Mutex::new(None));
    let report = Arc::clone(&end);
    let stream = ChatStream::open(body, policy).await.expect("a stream");
    let stream = stream.on_end(move |seen| *report.lock().unwrap() = Some(seen));
    let text = stream.collect().await.unwrap().to_bytes();
    let end = end.lock().unwrap().expect("the end is reported");
    (String::from_utf8(text.to_vec()).unwrap(), end)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

const CONTENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"the \\\"error\\\" and \\\"usage\\\":\"},\"finish_reason\":null}],\"usage\":null}\n\n";
const FINISH: &str =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[test]
fn strips_only_the_usage_chunk_nobody_asked_for() {
    let all = [CONTENT, FINISH, USAGE, DONE].concat();
    let (text, end) = block_on(run(script(&[all.as_bytes()], false, false), policy(true)));
    assert_eq!(text, [CONTENT, FINISH, DONE].concat());
    assert_eq!(
        (end.usage.unwrap().input_tokens, end.ended, end.events),
        (3, Ended::Complete, 3)
    );
    let (text, end) = block_on(run(script(&[all.as_bytes()], false, false), policy(false)));
    assert_eq!(text, all);
    assert_eq!(end.usage.unwrap().output_tokens, 2);
}

#[test]
fn a_cut_stream_ends_with_an_error_event() {
    for broken in [false, true] {
        let half = [CONTENT, "data: {\"choices\":[{\"del"].concat();
        let (text, end) = block_on(run(script(&[half.as_bytes()], broken, false), policy(true)));
        assert!(text.starts_with(CONTENT));
        let event: serde_json::Value =
            serde_json::from_str(text[CONTENT.len()..].trim_start_matches("data: ")).unwrap();
        assert_eq!(event["error"]["code"], "stream_error");
        assert_eq!(end.ended, Ended::UpstreamCut);
    }
}

#[test]
fn a_missing_done_marker_is_added_after_a_finish() {
    let (text, end) = block_on(run(
        script(&[FINISH.as_bytes()], false, false),
        policy(true),
    ));
    assert_eq!(
        (text, end.ended),
        ([FINISH, DONE].concat(), Ended::Complete)
    );
    let (text, _) = block_on(run(
        script(&[FINISH.as_bytes(), b"data: [DONE]"], false, false),
        policy(true),
    ));
    assert_eq!(text, [FINISH, DONE].concat());
}

#[test]
fn every_answer_must_have_ended() {
    let finish = |index: u64| {
        format!(
            "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n"
        )
    };
    let of_two = || StreamPolicy {
        n_choices: 2,
        ..policy(true)
    };
    let (first, both) = (finish(0), [finish(0), finish(1)].concat());
    let (text, end) = block_on(run(script(&[first.as_bytes()], false, false), of_two()));
    assert_eq!(end.ended, Ended::UpstreamCut);
    assert!(text.contains("stream_error") && !text.contains(DONE));
    let (text, end) = block_on(run(script(&[both.as_bytes()], false, false), of_two()));
    assert_eq!((text, end.ended), ([&both, DONE].concat(), Ended::Complete));
}

#[test]
fn what_was_held_back_goes_before_the_error() {
    let parts = [
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<thi\"}}]}\n\n",
        "data: {\"error\":{\"message\":\"x\"}}\n\n",
    ];
    let policy = || StreamPolicy {
        think_tags: ThinkTags::Leading,
        ..policy(true)
    };
    for n_parts in [1, 2] {
        let parts: Vec<&[u8]> = parts[..n_parts]
            .iter()
            .map(|part| part.as_bytes())
            .collect();
        let (text, end) = block_on(run(script(&parts, false, false), policy()));
        let (held, error) = (text.find("<thi").unwrap(), text.find("\"error\"").unwrap());
        assert!(held < error, "{text}");
        assert_ne!(end.ended, Ended::Complete);
    }
}

#[test]
fn an_error_as_first_event_is_a_failure_not_a_stream() {
    let event = b": ping\n\ndata: {\"error\":{\"code\":\"data_inspection_failed\"}}\n\n";
    let opened = block_on(ChatStream::open(
        script(&[event], false, false),
        policy(true),
    ));
    assert!(matches!(opened, Err(OpenError::Event(data)) if data.starts_with(b"{\"error\"")));
    assert!(matches!(
        block_on(ChatStream::open(script(&[], false, false), policy(true))),
        Err(OpenError::Empty)
    ));
    assert!(matches!(
        block_on(ChatStream::open(script(&[], false, true), policy(true))),
        Err(OpenError::Silent)
    ));
}

#[test]
fn a_later_error_event_is_forwarded_and_reported() {
    let error = "data: {\"error\":{\"message\":\"x\"}}\n\n";
    let (text, end) = block_on(run(
        script(&[CONTENT.as_bytes(), error.as_bytes()], false, false),
        policy(true),
    ));
    assert_eq!(
        (text, end.ended),
        ([CONTENT, error].concat(), Ended::UpstreamError)
    );
}

#[test]
fn an_error_that_repeats_the_key_goes_on_without_it() {
    let error = "data: {\"error\":{\"message\":\"sk-upstream-key is bad\",\"code\":\"c\"}}\n\n";
    let parts = [CONTENT.as_bytes(), error.as_bytes(), DONE.as_bytes()];
    let (text, end) = block_on(run(script(&parts, false, false), policy(true)));
    let told = "data: {\"error\":{\"message\":\"[redacted] is bad\",\"type\":\"api_error\",\"param\":null,\"code\":\"c\"}}\n\n";
    assert_eq!(text, [CONTENT, told, DONE].concat());
    assert_eq!(end.ended, Ended::UpstreamError);
}

#[test]
fn a_native_error_is_told_in_the_shape_that_clients_know() {
    let native = "id:2\nevent:error\n:HTTP_STATUS/500\ndata:{\"code\":\"InternalError\",\"message\":\"x\"}\n\n";
    let opened = block_on(ChatStream::open(
        script(&[native.as_bytes()], false, false),
        policy(true),
    ));
    assert!(matches!(opened, Err(OpenError::Event(data)) if data.starts_with(b"{\"code\"")));
    let (text, end) = block_on(run(
        script(&[CONTENT.as_bytes(), native.as_bytes()], false, false),
        policy(true),
    ));
    let told = "data: {\"error\":{\"message\":\"x\",\"type\":\"api_error\",\"param\":null,\"code\":\"InternalError\"}}\n\n";
    assert_eq!(text, [CONTENT, told].concat());
    assert_eq!(end.ended, Ended::UpstreamError);
}

#[test]
fn what_is_no_stream_of_json_is_garbage() {
    let half = "x".repeat(HELD_EVENT_BYTES_MAX / 2 + 1);
    let comment = format!(": {half}\n\n");
    for parts in [
        vec!["data: <html>\n\n", CONTENT],
        vec!["data: {\"choices\":[\n\n"],
        vec!["data: []\n\n"],
        vec![&half, &half, &half, CONTENT],
        vec![&comment, &comment, CONTENT],
    ] {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        let opened = block_on(ChatStream::open(script(&parts, false, true), policy(true)));
        assert!(matches!(opened, Err(OpenError::Garbage)));
    }
}

#[test]
fn after_the_end_marker_nothing_can_go_wrong() {
    let all = [CONTENT, FINISH, DONE].concat();
    let (text, end) = block_on(run(script(&[all.as_bytes()], false, true), policy(true)));
    assert_eq!((text, end.ended), (all.clone(), Ended::Complete));
    let (text, end) = block_on(run(script(&[all.as_bytes()], true, false), policy(true)));
    assert_eq!((text, end.ended), (all.clone(), Ended::Complete));
    let stop = CancellationToken::new();
    let policy = StreamPolicy {
        stop: stop.clone(),
        ..policy(true)
    };
    let stream = block_on(ChatStream::open(
        script(&[all.as_bytes()], false, true),
        policy,
    ));
    let mut stream = stream.ok().unwrap();
    assert_eq!(
        stream.end().ended,
        Ended::ClientGone,
        "nothing was sent yet"
    );
    let frame = block_on(stream.frame()).unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), all.as_bytes());
    assert_eq!(stream.end().ended, Ended::Complete, "the client may leave");
    stop.cancel();
    assert!(block_on(stream.frame()).is_none());
    assert_eq!(stream.end().ended, Ended::Complete);
}

#[test]
fn members_are_found_however_they_are_spaced() {
    let finish = "data: {\"choices\": [{\"x\":\"finish_reason\", \"finish_reason\" :null}, {\"finish_reason\" : \"stop\"}]}\n\n";
    let usage = "data: {\"choices\" : [ ], \"usage\" : {\"prompt_tokens\" : 3}}\n\n";
    let parts = [finish, usage].concat();
    let (text, end) = block_on(run(script(&[parts.as_bytes()], false, false), policy(true)));
    assert_eq!(text, [finish, DONE].concat());
    assert_eq!(end.usage.unwrap().input_tokens, 3);
}

#[test]
fn silence_and_shutdown_say_so() {
    let (text, end) = block_on(run(
        script(&[CONTENT.as_bytes()], false, true),
        policy(true),
    ));
    assert!(text.contains("went silent"));
    assert_eq!(end.ended, Ended::Silent);
    let stop = CancellationToken::new();
    let policy = StreamPolicy {
        stop: stop.clone(),
        ..policy(true)
    };
    let (text, end) = block_on(async {
        let stream = ChatStream::open(script(&[CONTENT.as_bytes()], false, true), policy)
            .await
            .ok()
            .unwrap();
        let end = Arc::new(Mutex::new(None));
        let report = Arc::clone(&end);
        let stream = stream.on_end(move |seen| *report.lock().unwrap() = Some(seen));
        stop.cancel();
        let text = stream.collect().await.unwrap().to_bytes();
        (text, end.lock().unwrap().unwrap())
    });
    assert!(String::from_utf8_lossy(&text).contains("gateway_shutdown"));
    assert_eq!(end.ended, Ended::Stopped);
}

#[test]
fn a_client_that_leaves_is_reported() {
    let end = Arc::new(Mutex::new(None));
    let report = Arc::clone(&end);
    block_on(async {
        let stream = ChatStream::open(script(&[CONTENT.as_bytes()], false, true), policy(true))
            .await
            .ok()
            .unwrap();
        drop(stream.on_end(move |seen| *report.lock().unwrap() = Some(seen)));
    });
    assert_eq!(end.lock().unwrap().unwrap().ended, Ended::ClientGone);
}

proptest! {
    #[test]
    fn any_split_forwards_the_same_bytes(cuts in prop::collection::vec(any::<usize>(), 0..20), strip in any::<bool>()) {
        let all = [CONTENT, CONTENT, FINISH, USAGE, DONE].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % all.len()).collect();
        cuts.sort_unstable();
        cuts.push(all.len());
        let mut parts = Vec::new();
        let mut at = 0;
        for cut in cuts { parts.push(&all.as_bytes()[at..cut]); at = cut; }
        let (text, end) = block_on(run(script(&parts, false, false), policy(strip)));
        let expected = if strip { [CONTENT, CONTENT, FINISH, DONE].concat() } else { all.clone() };
        prop_assert_eq!(text, expected);
        prop_assert_eq!((end.events, end.ended), (4, Ended::Complete));
    }
}

/// A Messages stream as a host sends it.
const MESSAGE: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":6,\"output_tokens\":0}}}\n\n",
    "event: ping\ndata: {\"type\":\"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":6,\
     \"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":0,\"output_tokens\":7}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn native(format: Format) -> StreamPolicy {
    StreamPolicy {
        format,
        ..policy(true)
    }
}

#[test]
fn a_stream_of_another_format_goes_on_as_it_came_however_it_is_cut() {
    for cut in 0..MESSAGE.len() {
        let (head, tail) = MESSAGE.as_bytes().split_at(cut);
        let (text, end) = block_on(run(
            script(&[head, tail], false, false),
            native(Format::Messages),
        ));
        assert_eq!(
            (text.as_str(), end.ended),
            (MESSAGE, Ended::Complete),
            "{cut}"
        );
        let usage = end.usage.unwrap();
        let counts = (usage.input_tokens, usage.cached_tokens, usage.output_tokens);
        assert_eq!(counts, (11, 5, 7));
    }
}

#[test]
fn a_stream_of_another_format_that_breaks_off_says_so_in_that_format() {
    let begun = MESSAGE.split_once("event: message_delta").unwrap().0;
    for (broken, then_wait, ended) in [
        (true, false, Ended::UpstreamCut),
        (false, false, Ended::UpstreamCut),
        (false, true, Ended::Silent),
    ] {
        let body = script(&[begun.as_bytes()], broken, then_wait);
        let (text, end) = block_on(run(body, native(Format::Messages)));
        let last = text.strip_prefix(begun).unwrap();
        let shape = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"";
        assert!(last.starts_with(shape), "{last}");
        assert_eq!(end.ended, ended);
    }
    let created = "event:response.created\n:HTTP_STATUS/200\ndata:{\"type\":\"response.created\",\"sequence_number\":0}\n\n";
    let body = script(&[created.as_bytes()], true, false);
    let (text, _) = block_on(run(body, native(Format::Responses)));
    let last = text.strip_prefix(created).unwrap();
    let shape =
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":1,";
    assert!(last.starts_with(shape), "{last}");
}

#[test]
fn an_error_in_a_stream_of_another_format_keeps_the_key_to_itself() {
    let begun = MESSAGE.split_once("event: message_delta").unwrap().0;
    let own = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n";
    let repeats = own.replace("\"m\"", "\"sk-upstream-key is bad\"");
    let other = "data: {\"code\":\"Throttling\",\"message\":\"m\",\"request_id\":\"r\"}\n\n";
    for (event, forwarded, message) in [
        (own, true, "\"m\""),
        (repeats.as_str(), false, "[redacted] is bad"),
        (other, false, "\"m\""),
    ] {
        let parts = [begun.as_bytes(), event.as_bytes()];
        let (text, end) = block_on(run(script(&parts, false, false), native(Format::Messages)));
        let last = text.strip_prefix(begun).unwrap();
        assert_eq!(last == event, forwarded, "{last}");
        assert!(
            last.starts_with("event: error\n") && last.contains(message),
            "{last}"
        );
        assert_eq!(end.ended, Ended::UpstreamError);
        // In place of the first event it is a failure that can still be answered with a status.
        let opened = block_on(ChatStream::open(
            script(&[event.as_bytes()], false, false),
            native(Format::Messages),
        ));
        assert!(matches!(opened, Err(OpenError::Event(_))));
    }
}
