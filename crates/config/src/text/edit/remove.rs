//! Takes an entry out of an object or list: whole lines where it has them, and the comma that is left over.

use std::ops::Range;

use super::Splice;
use super::insert::{CommentsEnd, line_start};
use crate::text::lexeme::is_blank;
use crate::text::outline::{Item, Node};

/// Returns the splices that remove the entry at `position`.
pub(super) fn splices(source: &str, container: &Node, position: usize) -> Vec<Splice> {
    let items = container.items();
    let Some(item) = items.get(position) else {
        return Vec::new();
    };
    let close = container.range.end.saturating_sub(1);
    let before = position.checked_sub(1).and_then(|index| items.get(index));
    let after = items.get(position + 1);
    let limit = after.map_or(close, |after| after.range().start);
    let cut = Cut {
        source,
        item,
        before,
        after,
        limit,
    };

    if items.len() == 1 && cut.is_alone(container.range.start + 1) {
        return vec![Splice::cut(container.range.start + 1..close)];
    }
    let range = cut.whole_lines().unwrap_or_else(|| cut.in_line());
    let spare_comma = match (before, after, &item.comma) {
        (Some(before), None, None) => before.comma.clone(),
        _ => None,
    };
    // The comma lies before the entry, so the order holds.
    spare_comma
        .into_iter()
        .chain([range])
        .map(Splice::cut)
        .collect()
}

struct Cut<'a> {
    source: &'a str,
    item: &'a Item,
    before: Option<&'a Item>,
    after: Option<&'a Item>,
    /// Where the next entry or the closing bracket stands.
    limit: usize,
}

impl Cut<'_> {
    fn slice(&self, range: Range<usize>) -> &str {
        self.source.get(range).unwrap_or_default()
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.slice(range).chars().all(is_blank)
    }

    /// Returns whether nothing but this entry and the comment behind it is between the brackets.
    fn is_alone(&self, start: usize) -> bool {
        let end = CommentsEnd::of(self.source, self.item.end(), self.limit).offset;
        self.is_blank(start..self.item.range().start) && self.is_blank(end..self.limit)
    }

    /// Returns the lines of the entry, when it shares them with nothing else.
    fn whole_lines(&self) -> Option<Range<usize>> {
        let start = line_start(self.source, self.item.range().start);
        let end = CommentsEnd::of(self.source, self.item.end(), self.limit).offset;
        let tail = self.slice(end..self.limit);
        let line_end = tail.find(['\n', '\r'])?;
        let alone = start > 0
            && self.is_blank(start..self.item.range().start)
            && self.is_blank(end..end + line_end);
        let skip = if tail.get(line_end..)?.starts_with("\r\n") {
            2
        } else {
            1
        };
        alone.then_some(start..end + line_end + skip)
    }

    /// Returns the entry and the blanks to one neighbour.
    fn in_line(&self) -> Range<usize> {
        let own = self.item.range().start..self.item.end();
        match (self.before, self.after) {
            (_, Some(after)) if self.is_blank(own.end..after.range().start) => {
                own.start..after.range().start
            }
            (Some(before), None) if self.is_blank(before.end()..own.start) => before.end()..own.end,
            _ => own,
        }
    }
}
