//! Takes reasoning out of a text that holds it between `<think>` and `</think>`, while the text arrives in pieces.
//!
//! Only tags at the very beginning count: a model that writes about the tags later on is quoted as it is. Line breaks
//! around the tags belong to them, as the models' own templates write them.

use catalog::ThinkTags;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";
const LINE_BREAKS: [char; 2] = ['\n', '\r'];
/// Most white space held back because a tag may follow, in bytes.
const HELD_BYTES_MAX: usize = 1024;

/// What a piece of text turned out to be; either part may be empty, and the reasoning comes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    pub(crate) reasoning: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing but white space so far; a tag may follow.
    Before,
    /// After the opening tag; line breaks are skipped.
    Opened,
    /// In the reasoning.
    Inside,
    /// After the closing tag; another block may follow.
    Closed,
    /// In the text, for good.
    Text,
}

/// A text that may begin with reasoning.
#[derive(Debug, Clone)]
pub(crate) struct TagSplitter {
    place: Place,
    /// Whether the text begins inside the reasoning, even without an opening tag.
    is_open: bool,
    /// Whether there was reasoning, so that another block of it begins on a line of its own.
    has_reasoned: bool,
    /// What may be part of a tag, or of the line breaks before one.
    held: String,
}

impl TagSplitter {
    pub(crate) fn new(tags: ThinkTags) -> Self {
        Self {
            place: match tags {
                ThinkTags::Never => Place::Text,
                ThinkTags::Leading | ThinkTags::Unopened => Place::Before,
            },
            is_open: tags == ThinkTags::Unopened,
            has_reasoned: false,
            held: String::new(),
        }
    }

    /// Says whether what comes now is text, whatever it is.
    pub(crate) fn is_done(&self) -> bool {
        self.place == Place::Text
    }

    /// Takes the next piece; what cannot be told apart yet is held back, at most the length of a tag and the line
    /// breaks and spaces before it.
    pub(crate) fn push(&mut self, piece: &str) -> Parted {
        let mut parted = Parted::default();
        if self.is_done() {
            piece.clone_into(&mut parted.text);
            return parted;
        }
        self.held.push_str(piece);
        while self.advance(&mut parted) {}
        parted
    }

    /// Gives out what was held back: nothing follows, or what follows is no text.
    pub(crate) fn finish(&mut self) -> Parted {
        let rest = std::mem::take(&mut self.held);
        let mut parted = Parted::default();
        match self.place {
            Place::Before if !self.is_open => parted.text = rest,
            Place::Before | Place::Opened | Place::Inside => {
                rest.trim_end_matches(LINE_BREAKS)
                    .clone_into(&mut parted.reasoning);
            }
            Place::Closed => rest
                .trim_start_matches(LINE_BREAKS)
                .clone_into(&mut parted.text),
            Place::Text => {}
        }
        self.place = Place::Text;
        parted
    }

    /// Takes one step; says whether another one may be possible.
    fn advance(&mut self, parted: &mut Parted) -> bool {
        match self.place {
            Place::Before | Place::Closed => self.look_for_open(parted),
            Place::Opened => {
                let skipped = self.held.len() - self.held.trim_start_matches(LINE_BREAKS).len();
                self.held.drain(..skipped);
                let goes_on = !self.held.is_empty();
                if goes_on {
                    self.place = Place::Inside;
                }
                goes_on
            }
            Place::Inside => self.look_for_close(parted),
            Place::Text => {
                parted.text.push_str(&std::mem::take(&mut self.held));
                false
            }
        }
    }

    fn look_for_open(&mut self, parted: &mut Parted) -> bool {
        let trimmed = self.held.trim_start();
        if let Some(rest) = trimmed.strip_prefix(OPEN) {
            self.held = rest.to_owned();
            if self.has_reasoned {
                parted.reasoning.push('\n');
            }
            self.place = Place::Opened;
        } else if OPEN.starts_with(trimmed) && self.held.len() <= HELD_BYTES_MAX {
            return false;
        } else if self.place == Place::Before && self.is_open {
            self.place = Place::Opened;
        } else {
            if self.place == Place::Closed {
                self.held = self.held.trim_start_matches(LINE_BREAKS).to_owned();
            }
            self.place = Place::Text;
        }
        true
    }

    fn look_for_close(&mut self, parted: &mut Parted) -> bool {
        if let Some((reasoning, rest)) = self.held.split_once(CLOSE) {
            parted
                .reasoning
                .push_str(reasoning.trim_end_matches(LINE_BREAKS));
            self.has_reasoned |= !parted.reasoning.is_empty();
            self.held = rest.to_owned();
            self.place = Place::Closed;
            return true;
        }
        let n_tag_bytes = (1..CLOSE.len())
            .rev()
            .find(|&n| CLOSE.get(..n).is_some_and(|head| self.held.ends_with(head)))
            .unwrap_or_default();
        let before_tag = self.held.len() - n_tag_bytes;
        let certain = self.held.get(..before_tag).unwrap_or_default();
        let certain = match certain.trim_end_matches(LINE_BREAKS).len() {
            trimmed if certain.len() - trimmed <= HELD_BYTES_MAX => trimmed,
            _ => certain.len(),
        };
        self.has_reasoned |= certain > 0;
        let held = self.held.split_off(certain);
        parted
            .reasoning
            .push_str(&std::mem::replace(&mut self.held, held));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(tags: ThinkTags, pieces: &[&str]) -> (String, String) {
        let mut splitter = TagSplitter::new(tags);
        let mut whole = Parted::default();
        let mut add = |part: Parted| {
            whole.reasoning.push_str(&part.reasoning);
            whole.text.push_str(&part.text);
        };
        for piece in pieces {
            add(splitter.push(piece));
        }
        add(splitter.finish());
        (whole.reasoning, whole.text)
    }

    const CASES: [(ThinkTags, &str, &str, &str); 13] = [
        (
            ThinkTags::Leading,
            "<think>\nhm\n\nso\n</think>\n\nhi",
            "hm\n\nso",
            "hi",
        ),
        (ThinkTags::Leading, "\n <think>hm</think>hi\n", "hm", "hi\n"),
        (
            ThinkTags::Leading,
            "<think>\n\n</think>\n\n  hi",
            "",
            "  hi",
        ),
        (
            ThinkTags::Leading,
            "hi <think>x</think>",
            "",
            "hi <think>x</think>",
        ),
        (ThinkTags::Leading, "  <thin", "", "  <thin"),
        (ThinkTags::Leading, "<think>hm </thi n>", "hm </thi n>", ""),
        (ThinkTags::Leading, "<think>hm\n</thin", "hm\n</thin", ""),
        (
            ThinkTags::Leading,
            "<think>a</think>\n<think>b</think> c",
            "a\nb",
            " c",
        ),
        (
            ThinkTags::Leading,
            "<think>a</think>say </think> é",
            "a",
            "say </think> é",
        ),
        (ThinkTags::Leading, "", "", ""),
        (ThinkTags::Unopened, "hm\n</think>\n\nhi", "hm", "hi"),
        (ThinkTags::Unopened, "<think>\nhm</think>hi", "hm", "hi"),
        (
            ThinkTags::Never,
            "<think>hm</think>hi",
            "",
            "<think>hm</think>hi",
        ),
    ];

    #[test]
    fn every_cut_gives_the_same() {
        for (tags, whole, reasoning, text) in CASES {
            let expected = (reasoning.to_owned(), text.to_owned());
            for at in (0..=whole.len()).filter(|&at| whole.is_char_boundary(at)) {
                let (before, after) = whole.split_at(at);
                assert_eq!(
                    split(tags, &[before, after]),
                    expected,
                    "{whole:?} cut at {at}"
                );
            }
            let characters: Vec<String> = whole.chars().map(String::from).collect();
            let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
            assert_eq!(
                split(tags, &characters),
                expected,
                "{whole:?} in characters"
            );
        }
    }

    proptest! {
        #[test]
        fn what_holds_no_leading_tag_is_text(text in "[a-c/<>\n ]{0,30}") {
            prop_assume!(!text.trim_start().starts_with(OPEN));
            prop_assert_eq!(split(ThinkTags::Leading, &[&text]), (String::new(), text));
        }
    }
}
