//! Lists: one description of a table gives the screen for people and the tab-separated lines for programs.
//!
//! On a screen the columns are as wide as their widest cell, two blanks between. Where that is too wide, the columns that
//! matter least go, and are named below; then words wrap inside their column. For programs nothing is cut: whole ids,
//! RFC 3339 times, bare numbers, [`NONE`] where there is nothing and [`UNKNOWN`] where nobody could say.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use unicode_width::UnicodeWidthStr;

use super::paint::{bold, dim};
use super::plain::{NONE, UNKNOWN, tsv};
use super::text::{clean, json_time, number, short_time};
use super::wrap::words;

/// The least width in which words are wrapped while another column could go instead.
const ROOM: usize = 24;
/// The least width of any column that has to give way.
const LEAST: usize = 8;
/// What stands between two columns.
const GAP: usize = 2;

/// On which side a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column: how it is called, and how much it matters.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading on a screen; empty: programs alone get it.
    head: &'static str,
    /// Its name for programs; empty: people alone get it.
    key: &'static str,
    align: Align,
    /// Whether its words wrap before a column goes.
    flows: bool,
    /// Columns with more go first; those with 0 never.
    rank: u8,
}

impl Column {
    /// Words.
    pub const fn left(head: &'static str, key: &'static str) -> Self {
        Self { head, key, align: Align::Left, flows: false, rank: 0 }
    }

    /// Numbers.
    pub const fn right(head: &'static str, key: &'static str) -> Self {
        Self { align: Align::Right, ..Self::left(head, key) }
    }

    /// For programs alone.
    pub const fn plain(key: &'static str) -> Self {
        Self::left("", key)
    }

    /// Sentences, which wrap.
    pub const fn flowing(head: &'static str, key: &'static str) -> Self {
        Self { flows: true, ..Self::left(head, key) }
    }

    /// May be left out where the screen is narrow; the greatest `rank` goes first.
    #[must_use]
    pub const fn may_go(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// What stands in a column: for people, and for programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    shown: String,
    plain: String,
}

impl Cell {
    /// Different words for people and for programs.
    pub fn new(shown: impl Into<String>, plain: impl Into<String>) -> Self {
        Self { shown: shown.into(), plain: plain.into() }
    }

    /// `1,204` and `1204`.
    pub fn count(value: i64) -> Self {
        Self::new(number(value), value.to_string())
    }

    /// `02-16 10:42` and RFC 3339.
    pub fn time(time: DateTime<Utc>) -> Self {
        Self::new(short_time(time), json_time(time))
    }

    /// A time, if there is one.
    pub fn time_or_none(time: Option<DateTime<Utc>>) -> Self {
        time.map_or_else(Self::none, Self::time)
    }

    /// A day, if there is one.
    pub fn day_or_none(day: Option<NaiveDate>) -> Self {
        day.map_or_else(Self::none, |day| Self::from(day.to_string()))
    }

    /// A text, if there is one.
    pub fn text_or_none(text: Option<&str>) -> Self {
        text.map_or_else(Self::none, Self::from)
    }

    /// The same for programs, other words for people.
    #[must_use]
    pub fn shown_as(self, shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), ..self }
    }

    /// There is none.
    pub fn none() -> Self {
        Self::new("–", NONE)
    }

    /// Nobody could say.
    pub fn unknown() -> Self {
        Self::new("?", UNKNOWN)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { shown: text.clone(), plain: text }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Columns and what stands in them.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A row has a cell for each column; one that is shorter ends early.
    pub fn new(columns: &[Column], rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        Self { columns: columns.to_vec(), rows: rows.into_iter().collect() }
    }

    /// For programs: a heading and a line a row, nothing cut.
    pub fn plain(&self) -> String {
        let of = |column: &Column| !column.key.is_empty();
        let keys: Vec<&str> =
            self.columns.iter().filter(|column| of(column)).map(|column| column.key).collect();
        let row = |cells: &Vec<Cell>| {
            let cells = self.columns.iter().zip(cells).filter(|(column, _)| of(column));
            cells.map(|(_, cell)| cell.plain.clone()).collect::<Vec<_>>()
        };
        tsv(&keys, &self.rows.iter().map(row).collect::<Vec<_>>())
    }

    /// For programs: the heading only if this is the `first` part of a long list.
    pub fn page(&self, first: bool) -> String {
        let text = self.plain();
        if first { text } else { text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default() }
    }

    /// For people, at most `width` columns wide if that is given.
    pub fn text(&self, width: Option<usize>) -> String {
        let mut fit = Fit::of(self);
        if let Some(width) = width {
            fit.to(width);
        }
        fit.text()
    }
}

/// The columns of a screen while they are made to fit.
struct Fit<'a> {
    columns: Vec<(&'a Column, usize)>,
    /// What stands in each column, row by row.
    cells: Vec<Vec<String>>,
    gone: Vec<&'static str>,
}

impl<'a> Fit<'a> {
    fn of(table: &'a Table) -> Self {
        let mut fit = Self { columns: Vec::new(), cells: Vec::new(), gone: Vec::new() };
        for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| !column.head.is_empty())
        {
            let cells: Vec<String> = table
                .rows
                .iter()
                .map(|row| row.get(place).map(|cell| clean(&cell.shown).into_owned()).unwrap_or_default())
                .collect();
            let widest = cells.iter().map(|cell| cell.width()).chain([column.head.width()]).max();
            fit.columns.push((column, widest.unwrap_or(0)));
            fit.cells.push(cells);
        }
        fit
    }

    fn total(&self, of: impl Fn(&(&Column, usize)) -> usize) -> usize {
        self.columns.iter().map(of).sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    /// Leaves out what matters least, then wraps words, then everything that is wider than others.
    fn to(&mut self, width: usize) {
        let at_least = |(column, own): &(&Column, usize)| if column.flows { (*own).min(ROOM) } else { *own };
        while self.total(at_least) > width {
            let least = self.columns.iter().enumerate().max_by_key(|(_, (column, _))| column.rank);
            let Some((place, (column, _))) = least.filter(|(_, (column, _))| column.rank > 0) else { break };
            self.gone.push(column.head);
            self.columns.remove(place);
            self.cells.remove(place);
        }
        self.narrow(width, |column| column.flows, ROOM);
        self.narrow(width, |column| column.align == Align::Left, LEAST);
    }

    /// Takes from the widest of some columns what is too much, down to `least`.
    fn narrow(&mut self, width: usize, which: impl Fn(&Column) -> bool, least: usize) {
        loop {
            let over = self.total(|(_, own)| *own).saturating_sub(width);
            let widest = self.columns.iter_mut().filter(|(column, own)| which(column) && *own > least);
            match widest.max_by_key(|(_, own)| *own) {
                Some((_, own)) if over > 0 => *own = own.saturating_sub(over).max(least),
                _ => return,
            }
        }
    }

    fn text(&self) -> String {
        let heads: Vec<Vec<String>> =
            self.columns.iter().map(|(column, own)| words(column.head, *own)).collect();
        let mut out = String::new();
        for line in self.lines(&heads) {
            let _ = writeln!(out, "{}", bold(line));
        }
        for row in 0..self.cells.first().map_or(0, Vec::len) {
            let cells: Vec<Vec<String>> = self
                .columns
                .iter()
                .zip(&self.cells)
                .map(|((_, own), cells)| words(&cells[row], *own))
                .collect();
            for line in self.lines(&cells) {
                let _ = writeln!(out, "{line}");
            }
        }
        if !self.gone.is_empty() {
            let _ =
                writeln!(out, "{}", dim(format_args!("no room for {} · all: --plain", self.gone.join(", "))));
        }
        out
    }

    /// The lines of a row whose cells have several.
    fn lines(&self, cells: &[Vec<String>]) -> Vec<String> {
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        (0..height)
            .map(|place| {
                let mut line = String::new();
                for (i, ((column, own), cell)) in self.columns.iter().zip(cells).enumerate() {
                    let cell = cell.get(place).map_or("", String::as_str);
                    let gap = " ".repeat(if i == 0 { 0 } else { GAP });
                    let pad = " ".repeat(own.saturating_sub(cell.width()));
                    let _ = match column.align {
                        Align::Left => write!(line, "{gap}{cell}{pad}"),
                        Align::Right => write!(line, "{gap}{pad}{cell}"),
                    };
                }
                line.trim_end().to_owned()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::paint::bare;

    const COLUMNS: [Column; 5] = [
        Column::left("MALL", "mall_id"),
        Column::right("QUEUED", "queued").may_go(1),
        Column::left("STATUS", "status"),
        Column::plain("agency"),
        Column::flowing("WHY", "why"),
    ];

    fn table() -> Table {
        let row = |mall: &str, queued, status: &str, why: &str| {
            vec![mall.into(), Cell::count(queued), status.into(), "acme".into(), why.into()]
        };
        let why = "the refresh token is dead since yesterday";
        Table::new(&COLUMNS, [row("hanbit", 8, "일시 중지", why), row("a", 1_080, "ok\u{1b}[31m", "x\ty")])
    }

    #[test]
    fn columns_line_up_also_with_wide_characters_and_nothing_is_cut_where_nobody_looks() {
        assert_eq!(
            bare(&table().text(None)),
            "MALL    QUEUED  STATUS     WHY\n\
             hanbit       8  일시 중지  the refresh token is dead since yesterday\n\
             a        1,080  ok[31m     xy\n"
        );
    }

    #[test]
    fn words_wrap_before_a_column_goes_and_one_that_went_is_named() {
        assert_eq!(
            bare(&table().text(Some(56))),
            "MALL    QUEUED  STATUS     WHY\n\
             hanbit       8  일시 중지  the refresh token is dead\n                           since yesterday\n\
             a        1,080  ok[31m     xy\n"
        );
        assert_eq!(
            bare(&table().text(Some(46))),
            "MALL    STATUS     WHY\n\
             hanbit  일시 중지  the refresh token is dead\n                   since yesterday\n\
             a       ok[31m     xy\n\
             no room for QUEUED · all: --plain\n"
        );
    }

    #[test]
    fn a_table_is_never_wider_than_the_screen_also_with_the_longest_names() {
        let long = "m".repeat(90);
        let table = Table::new(&COLUMNS[..1], [vec![Cell::from(long.clone())]]);
        let text = bare(&table.text(Some(80)));
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        assert_eq!(text.lines().skip(1).collect::<String>(), long);
    }

    #[test]
    fn programs_get_every_column_whole() {
        assert_eq!(
            table().plain(),
            "mall_id\tqueued\tstatus\tagency\twhy\n\
             hanbit\t8\t일시 중지\tacme\tthe refresh token is dead since yesterday\n\
             a\t1080\tok[31m\tacme\txy\n"
        );
        let empty = Table::new(&COLUMNS[..2], [vec![Cell::none(), Cell::unknown()]]);
        assert_eq!(empty.plain(), "mall_id\tqueued\n-\t?\n");
    }
}
