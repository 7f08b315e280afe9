//! "Did you mean": names close to a mistyped one.

/// Longest text that is compared, in characters; longer ones are cut.
const TEXT_CHARS_MAX: usize = 96;

/// Returns up to `n` candidates close to `text`, closest first; ASCII case is ignored.
///
/// Close means: one contains the other, or at most a third of the characters differ.
pub fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    n: usize,
) -> Vec<&'a str> {
    let wanted = fold(text);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| Some((score(&wanted, &fold(candidate))?, candidate)))
        .collect();
    scored.sort_by_key(|(score, _)| *score);
    scored
        .into_iter()
        .map(|(_, candidate)| candidate)
        .take(n)
        .collect()
}

fn fold(text: &str) -> Vec<char> {
    text.trim()
        .chars()
        .take(TEXT_CHARS_MAX)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Rates a candidate: zero is equal, none is too far.
fn score(wanted: &[char], candidate: &[char]) -> Option<usize> {
    const PART_CHARS_MIN: usize = 3;
    let distance = edit_distance(wanted, candidate);
    let allowed = (wanted.len().max(candidate.len()) / 3).max(1);
    let is_part = |inner: &[char], outer: &[char]| {
        inner.len() >= PART_CHARS_MIN && outer.windows(inner.len()).any(|window| window == inner)
    };
    let contains = is_part(wanted, candidate) || is_part(candidate, wanted);
    (distance <= allowed || contains).then_some(distance)
}

/// Counts the insertions, deletions and replacements between two texts (Levenshtein), in one row of memory.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, to) in row.iter_mut().skip(1).zip(b) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, fold};

    #[test]
    fn distances_count_single_edits() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "abxc", 1),
            ("abxc", "abc", 1),
            ("abc", "axc", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ];
        for (a, b, distance) in cases {
            assert_eq!(edit_distance(&fold(a), &fold(b)), distance, "{a} {b}");
        }
    }
}
