//! The true window of a model, read from the text that refuses a longer conversation.

/// Smallest number that can be a window, in tokens; smaller ones are counts, dates and status codes.
const WINDOW_TOKENS_MIN: u64 = 512;
/// Words after which the window is named; the first that a text holds decides.
const MARKS: [&str; 6] = [
    "range of input length should be",
    "maximum context length",
    "context window",
    "tokens > ",
    "maximum",
    "limit",
];

/// Returns the window that a lower-case text names: the first number after a word that announces it, else the smallest
/// number, since what was asked is longer than what is allowed.
pub(crate) fn in_message(message: &str) -> Option<u64> {
    let announced = MARKS
        .iter()
        .filter_map(|mark| message.split_once(mark))
        .find_map(|(_, rest)| numbers(rest).next());
    announced.or_else(|| numbers(message).min())
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse::<u64>().ok())
        .filter(|number| *number >= WINDOW_TOKENS_MIN)
}

#[cfg(test)]
mod tests {
    use super::in_message;

    #[test]
    fn finds_the_window_and_not_what_was_asked() {
        let cases = [
            ("range of input length should be [1, 129024]", Some(129_024)),
            (
                "<400> internalerror.algo.invalidparameter: range of input length should be [1, 258048]",
                Some(258_048),
            ),
            (
                "this model's maximum context length is 131072 tokens. however, you requested 200000 tokens (190000 in the messages, 10000 in the completion)",
                Some(131_072),
            ),
            (
                "prompt is too long: 210000 tokens > 200000 maximum",
                Some(200_000),
            ),
            (
                "input length 150000 exceeds the maximum length 131072",
                Some(131_072),
            ),
            (
                "you sent 140000 tokens to a window of 131072",
                Some(131_072),
            ),
            ("context length exceeded", None),
            (
                "range of input length should be [1, 99999999999999999999999]",
                None,
            ),
        ];
        for (message, limit) in cases {
            assert_eq!(in_message(message), limit, "{message}");
        }
    }
}
