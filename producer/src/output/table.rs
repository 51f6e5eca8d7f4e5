//! Tables for people: a heading, columns as wide as their widest cell, two blanks between.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::paint::bold;
use super::text::clean;

/// On which side a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Renders `rows` under `columns`. Cells are cleaned; rows shorter than `columns` end early.
pub fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, (name, _))| {
            let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.width());
            cells.chain([name.width()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (i, cell) in cells.enumerate() {
            let Some((width, (_, align))) = widths.get(i).zip(columns.get(i)) else { break };
            let gap = if i == 0 { "" } else { "  " };
            let pad = " ".repeat(width - cell.width());
            let _ = match align {
                Align::Left => write!(line, "{gap}{cell}{pad}"),
                Align::Right => write!(line, "{gap}{pad}{cell}"),
            };
        }
        line.trim_end().to_owned()
    };
    let mut out = format!("{}\n", bold(line(&mut columns.iter().map(|(name, _)| *name))));
    for row in &rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::paint::bare;

    #[test]
    fn columns_line_up_also_with_wide_characters() {
        let rows = vec![
            vec!["hanbit".to_owned(), "8".to_owned(), "일시 중지".to_owned(), "x".to_owned()],
            vec!["a".to_owned(), "1,080".to_owned(), "ok\u{1b}[31m".to_owned(), "y".to_owned()],
        ];
        let columns =
            [("MALL", Align::Left), ("QUEUED", Align::Right), ("STATUS", Align::Left), ("E", Align::Left)];
        assert_eq!(
            bare(&table(&columns, &rows)),
            "MALL    QUEUED  STATUS     E\nhanbit       8  일시 중지  x\na        1,080  ok[31m     y\n"
        );
    }
}
