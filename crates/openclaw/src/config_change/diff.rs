//! A unified diff of two texts, compared as they are and shown as they may be seen.

/// Lines shown before and after a change.
const CONTEXT_LINES: usize = 3;
/// The largest table of the comparison, in cells; larger middles are shown as replaced whole.
const CELLS_MAX: usize = 4_000_000;

/// The lines of a text, beside what people may see of each.
#[derive(Default)]
pub(super) struct Lines {
    rows: Vec<(String, String)>,
}

/// One line of the result, with its position in the old and in the new text, counted from 0.
struct Step<'a> {
    mark: char,
    shown: &'a str,
    old: usize,
    new: usize,
}

impl Lines {
    /// Takes a text and its masked form, which has the same number of lines.
    pub(super) fn new(text: &str, masked: &str) -> Self {
        let rows = text
            .lines()
            .zip(masked.lines().chain(std::iter::repeat("")))
            .map(|(line, shown)| (line.to_owned(), shown.to_owned()))
            .collect();
        Self { rows }
    }
}

/// Returns hunks with three lines around each change; nothing when the texts are equal.
pub(super) fn unified(old: &Lines, new: &Lines) -> Vec<String> {
    let steps = steps(&old.rows, &new.rows);
    let changed: Vec<usize> = (0..)
        .zip(&steps)
        .filter(|(_, step)| step.mark != ' ')
        .map(|(position, _)| position)
        .collect();
    let mut shown = Vec::new();
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first().copied() {
        let mut last = first;
        while let Some(next) = rest
            .first()
            .filter(|next| **next <= last + 2 * CONTEXT_LINES)
        {
            last = *next;
            rest = rest.get(1..).unwrap_or_default();
        }
        let from = first.saturating_sub(CONTEXT_LINES);
        let to = (last + CONTEXT_LINES + 1).min(steps.len());
        hunk(steps.get(from..to).unwrap_or_default(), &mut shown);
    }
    shown
}

fn hunk(steps: &[Step<'_>], shown: &mut Vec<String>) {
    let Some(first) = steps.first() else { return };
    let count = |other: char| steps.iter().filter(|step| step.mark != other).count();
    // An empty side is named by the line before it, as `diff -u` does.
    let side = |start: usize, count: usize| format!("{},{count}", start + usize::from(count > 0));
    let (old, new) = (count('+'), count('-'));
    shown.push(format!(
        "@@ -{} +{} @@",
        side(first.old, old),
        side(first.new, new)
    ));
    shown.extend(
        steps
            .iter()
            .map(|step| format!("{}{}", step.mark, step.shown)),
    );
}

fn steps<'a>(old: &'a [(String, String)], new: &'a [(String, String)]) -> Vec<Step<'a>> {
    let same = |(a, b): &(&(String, String), &(String, String))| a.0 == b.0;
    let head = old.iter().zip(new).take_while(same).count();
    let tail_max = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(tail_max)
        .take_while(same)
        .count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let kept = middle(
        old.get(head..old_end).unwrap_or_default(),
        new.get(head..new_end).unwrap_or_default(),
    );
    let mut pairs: Vec<(usize, usize)> = (0..head).map(|line| (line, line)).collect();
    pairs.extend(kept.into_iter().map(|(a, b)| (a + head, b + head)));
    pairs.extend((old_end..old.len()).zip(new_end..new.len()));
    pairs.push((old.len(), new.len()));
    walk(old, new, &pairs)
}

/// Writes removals and additions between the pairs of lines that stay.
fn walk<'a>(
    old: &'a [(String, String)],
    new: &'a [(String, String)],
    pairs: &[(usize, usize)],
) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for (next_old, next_new) in pairs.iter().copied() {
        let removed = old.get(at_old..next_old).unwrap_or_default();
        steps.extend((at_old..).zip(removed).map(|(line, row)| Step {
            mark: '-',
            shown: &row.1,
            old: line,
            new: at_new,
        }));
        let added = new.get(at_new..next_new).unwrap_or_default();
        steps.extend((at_new..).zip(added).map(|(line, row)| Step {
            mark: '+',
            shown: &row.1,
            old: next_old,
            new: line,
        }));
        if let Some(row) = new.get(next_new) {
            steps.push(Step {
                mark: ' ',
                shown: &row.1,
                old: next_old,
                new: next_new,
            });
        }
        (at_old, at_new) = (next_old + 1, next_new + 1);
    }
    steps
}

/// Returns the longest common subsequence as pairs of positions.
fn middle(old: &[(String, String)], new: &[(String, String)]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    if old.is_empty() || new.is_empty() || (old.len() + 1).saturating_mul(width) > CELLS_MAX {
        return Vec::new();
    }
    // `longest[a * width + b]` is the length for the rest of the texts from lines `a` and `b` on.
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], a: usize, b: usize| table.get(a * width + b).copied().unwrap_or(0);
    for (a, (line, _)) in old.iter().enumerate().rev() {
        for (b, (other, _)) in new.iter().enumerate().rev() {
            let best = if line == other {
                at(&longest, a + 1, b + 1) + 1
            } else {
                at(&longest, a + 1, b).max(at(&longest, a, b + 1))
            };
            if let Some(cell) = longest.get_mut(a * width + b) {
                *cell = best;
            }
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut pairs = Vec::new();
    while let (Some((line, _)), Some((other, _))) = (old.get(a), new.get(b)) {
        if line == other {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if at(&longest, a + 1, b) >= at(&longest, a, b + 1) {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diff(old: &str, new: &str) -> Vec<String> {
        unified(&Lines::new(old, old), &Lines::new(new, new))
    }

    #[test]
    fn shows_hunks_as_diff_u_does() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n";
        let new = old.replace("2\n3", "2\nx\n3").replace("13\n", "");
        assert_eq!(
            diff(old, &new),
            [
                "@@ -1,5 +1,6 @@",
                " 1",
                " 2",
                "+x",
                " 3",
                " 4",
                " 5",
                "@@ -10,5 +11,4 @@",
                " 10",
                " 11",
                " 12",
                "-13",
                " 14"
            ]
        );
        assert_eq!(diff("", "a\n"), ["@@ -0,0 +1,1 @@", "+a"]);
        assert_eq!(diff("a\n", "b\n"), ["@@ -1,1 +1,1 @@", "-a", "+b"]);
        assert!(diff(old, old).is_empty());
    }

    #[test]
    fn compares_the_text_and_shows_the_mask() {
        let shown = unified(
            &Lines::new("k: sk-1", "k: …1"),
            &Lines::new("k: sk-2", "k: …1"),
        );
        assert_eq!(shown, ["@@ -1,1 +1,1 @@", "-k: …1", "+k: …1"]);
    }

    proptest! {
        #[test]
        fn the_new_text_can_be_rebuilt(old in "([ab]\n){0,12}", new in "([ab]\n){0,12}") {
            let (old, new) = (Lines::new(&old, &old), Lines::new(&new, &new));
            let steps = steps(&old.rows, &new.rows);
            let side = |skip: char| steps.iter().filter(|step| step.mark != skip).map(|step| step.shown).collect::<Vec<_>>();
            let shown = |lines: &Lines| lines.rows.iter().map(|row| row.1.clone()).collect::<Vec<_>>();
            prop_assert_eq!(side('+'), shown(&old));
            prop_assert_eq!(side('-'), shown(&new));
        }
    }
}
