//! Counts tokens the same way every time: four characters are one.

/// Characters that make one token.
pub(crate) const TOKEN_CHARS: u64 = 4;

/// Tokens that every message costs besides its text.
pub(crate) const MESSAGE_TOKENS: u64 = 4;

/// Returns the tokens of a text, rounded up.
pub(crate) fn of(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(TOKEN_CHARS)
}

/// Cuts a text to at most `tokens`; tells whether something was cut off.
pub(crate) fn cut(text: &mut String, tokens: u64) -> bool {
    let chars = usize::try_from(tokens.saturating_mul(TOKEN_CHARS)).unwrap_or(usize::MAX);
    match text.char_indices().nth(chars) {
        Some((end, _)) => {
            text.truncate(end);
            true
        }
        None => false,
    }
}

/// Splits a text in words, each with the white space before it.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() && in_word {
            words.extend(text.get(start..at).map(str::to_owned));
            start = at;
        }
        in_word = !character.is_whitespace();
    }
    if start < text.len() {
        words.extend(text.get(start..).map(str::to_owned));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_on_character_borders() {
        let mut text = "ééééé".to_owned();
        assert!(cut(&mut text, 1));
        assert_eq!(text, "éééé");
        assert!(!cut(&mut text, 1));
        assert_eq!(of("ééééé"), 2);
    }

    #[test]
    fn words_join_to_the_same_text() {
        for text in ["", " ", "a", " a  b\nc ", "日本 語"] {
            assert_eq!(words(text).concat(), text, "{text:?}");
        }
        assert_eq!(words("a b  c"), ["a", " b", "  c"]);
    }
}
