//! Tab-separated values: one line a row, nothing cut, for `cut`, `awk` and `sort`.

use super::text::clean;

/// A heading line and the rows. Tabs and line ends inside a cell are control characters, so [`clean`] takes them out.
pub fn tsv(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = columns.join("\t");
    out.push('\n');
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| clean(cell)).collect();
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_make_a_column_or_a_line() {
        assert_eq!(tsv(&["a", "b"], &[vec!["x\ty".into(), "z\n".into()]]), "a\tb\nxy\tz\n");
    }
}
