//! Adds an entry at the end of an object or list, in the style of the entries before it.

use serde_json::Value;

use super::Splice;
use crate::text::lexeme::{Kind, is_blank, lexemes};
use crate::text::outline::{Item, Node};
use crate::text::style::{Layout, Style};

/// A container on one line whose entries fit is continued on that line up to this many characters.
const INLINE_CHARS_MAX: usize = 100;

const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// Returns the splices that add an entry to the innermost node of `chain`.
pub(super) fn splices(
    source: &str,
    chain: &[&Node],
    key: Option<&str>,
    value: &Value,
) -> Vec<Splice> {
    let Some((container, outer)) = chain.split_last() else {
        return Vec::new();
    };
    let style = Style::of(source, chain);
    let place = Place {
        source,
        container,
        style,
        key,
        value,
    };
    match container.items().split_last() {
        Some((last, before)) => place.behind(last, before.last()),
        None => place.first(outer.last().is_none_or(|parent| has_lines(source, parent))),
    }
}

/// Returns the blanks that the line of an offset starts with.
pub(super) fn indent(source: &str, offset: usize) -> &str {
    let line = source.get(line_start(source, offset)..).unwrap_or_default();
    let end = line
        .find(|c| !matches!(c, ' ' | '\t'))
        .unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Returns the offset at which the line of an offset starts.
pub(super) fn line_start(source: &str, offset: usize) -> usize {
    source
        .get(..offset)
        .and_then(|before| before.rfind(LINE_ENDS))
        .map_or(0, |end| end + 1)
}

/// Returns whether the last entry of a container stands on a line of its own; an empty one counts as spread.
pub(super) fn has_lines(source: &str, container: &Node) -> bool {
    let Some((last, before)) = container.items().split_last() else {
        return true;
    };
    starts_line(source, container, last, before.last())
}

fn starts_line(source: &str, container: &Node, item: &Item, before: Option<&Item>) -> bool {
    let from = before.map_or(container.range.start, Item::end);
    source
        .get(from..item.range().start)
        .is_some_and(|gap| gap.contains(LINE_ENDS))
}

/// The end of the comments that follow an offset on its line.
pub(super) struct CommentsEnd {
    pub(super) offset: usize,
    /// Whether the last of them goes to the end of the line.
    pub(super) ends_line: bool,
}

impl CommentsEnd {
    /// Looks from `from`, where an entry ends, to `limit`, where the next one or the bracket stands.
    pub(super) fn of(source: &str, from: usize, limit: usize) -> Self {
        let mut end = Self {
            offset: from,
            ends_line: false,
        };
        let gap = source.get(from..limit).unwrap_or_default();
        for lexeme in lexemes(gap) {
            let blank = source
                .get(end.offset..from + lexeme.range.start)
                .unwrap_or_default();
            let comment = matches!(lexeme.kind, Kind::LineComment | Kind::BlockComment);
            if end.ends_line || !comment || blank.contains(LINE_ENDS) {
                break;
            }
            end = Self {
                offset: from + lexeme.range.end,
                ends_line: lexeme.kind == Kind::LineComment,
            };
        }
        end
    }
}

struct Place<'a> {
    source: &'a str,
    container: &'a Node,
    style: Style,
    key: Option<&'a str>,
    value: &'a Value,
}

impl Place<'_> {
    fn slice(&self, range: std::ops::Range<usize>) -> &str {
        self.source.get(range).unwrap_or_default()
    }

    /// The offset of the closing bracket.
    fn close(&self) -> usize {
        self.container.range.end.saturating_sub(1)
    }

    fn entry(&self, layout: &Layout) -> String {
        self.style.entry(self.key, self.value, layout)
    }

    /// Adds behind the last entry.
    fn behind(&self, last: &Item, before: Option<&Item>) -> Vec<Splice> {
        let own_line = starts_line(self.source, self.container, last, before);
        let comments = CommentsEnd::of(self.source, last.end(), self.close());
        let mut text = if own_line || comments.ends_line {
            let indent = self.entry_indent(last, own_line);
            let layout = self.layout_like(last, &indent, own_line);
            format!("{}{indent}{}", self.style.newline, self.entry(&layout))
        } else {
            format!(
                "{}{}",
                self.separator(last, before),
                self.entry(&Layout::Inline)
            )
        };
        if last.comma.is_some() {
            text.push(',');
            return vec![Splice::insert(comments.offset, text)];
        }
        vec![
            Splice::insert(last.value.range.end, ","),
            Splice::insert(comments.offset, text),
        ]
    }

    fn entry_indent(&self, last: &Item, own_line: bool) -> String {
        let blanks = indent(self.source, last.range().start);
        if own_line {
            blanks.to_owned()
        } else {
            format!("{blanks}{}", self.style.unit)
        }
    }

    /// A new object beside objects that each fit on a line also stays on one, if it is short.
    fn layout_like(&self, last: &Item, indent: &str, own_line: bool) -> Layout {
        let sibling = self.slice(last.value.range.clone());
        let sibling_inline = !last.value.items().is_empty() && !sibling.contains(LINE_ENDS);
        let short =
            || self.entry(&Layout::Inline).chars().count() + indent.len() <= INLINE_CHARS_MAX;
        if !own_line || (sibling_inline && short()) {
            return Layout::Inline;
        }
        Layout::Lines(indent.to_owned())
    }

    fn separator(&self, last: &Item, before: Option<&Item>) -> String {
        let gap = before.map(|before| self.slice(before.end()..last.range().start));
        match gap {
            Some(gap) if gap.chars().all(is_blank) => gap.to_owned(),
            _ => self.style.blank().to_owned(),
        }
    }

    /// Adds to a container without entries; there may be comments in it.
    fn first(&self, spread: bool) -> Vec<Splice> {
        let start = self.container.range.start + 1;
        let inside = self.slice(start..self.close());
        let comments: Vec<_> = lexemes(inside).collect();
        let anchor = comments
            .last()
            .map_or(start, |comment| start + comment.range.end);
        let tail = self.slice(anchor..self.close());
        if !spread && !inside.contains(LINE_ENDS) {
            let pad = if self.key.is_some() {
                self.style.blank()
            } else {
                ""
            };
            let before = if comments.is_empty() { pad } else { " " };
            let entry = format!("{before}{}{pad}", self.entry(&Layout::Inline));
            return vec![Splice {
                range: anchor..self.close(),
                with: entry,
            }];
        }
        let outer = indent(self.source, self.container.range.start);
        let first_line = comments.iter().find(|comment| {
            self.slice(start..start + comment.range.start)
                .contains(LINE_ENDS)
        });
        let inner = match first_line {
            Some(comment) => indent(self.source, start + comment.range.start).to_owned(),
            None => format!("{outer}{}", self.style.unit),
        };
        let comma = if self.style.trailing_comma { "," } else { "" };
        let newline = self.style.newline;
        let entry = format!(
            "{newline}{inner}{}{comma}",
            self.entry(&Layout::Lines(inner.clone()))
        );
        if tail.contains(LINE_ENDS) {
            return vec![Splice::insert(anchor, entry)];
        }
        vec![Splice {
            range: anchor..self.close(),
            with: format!("{entry}{newline}{outer}"),
        }]
    }
}
