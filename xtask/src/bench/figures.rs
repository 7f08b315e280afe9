//! Medians, pairs and tables.

/// The middle of the values: the mean of the two middle ones when their number is even.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

pub(super) fn smallest(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

pub(super) fn largest(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

/// A measured whole number as the number it is.
#[expect(
    clippy::cast_precision_loss,
    reason = "measured counts have far fewer than 52 significant bits"
)]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// The value with the given decimals, or a dash.
pub(super) fn shown(value: Option<f64>, n_decimals: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.n_decimals$}"))
}

/// A table that reads well in a terminal and as Markdown.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            longest.max(head.get(column).map_or(0, |cell| cell.chars().count()))
        })
        .collect();
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(&widths);
        let padded: Vec<_> = padded
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let rules: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(head) + &line(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let text = table(&["a", "long"], &[vec!["xyz".to_owned(), "1".to_owned()]]);
        assert_eq!(text, "| a   | long |\n| --- | ---- |\n| xyz | 1    |\n");
    }
}
