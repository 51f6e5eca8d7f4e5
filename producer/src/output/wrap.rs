//! Lines that fit a screen: words wrap under the text they belong to, and a command stays one that can be pasted.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::paint;
use super::text::style_at;

/// Labels end within so many columns; what is behind hangs there.
const HANG: usize = 32;
/// The fewest blanks that a gap between two parts of a line is shrunk to.
const GAP: usize = 3;
/// What goes on in the next line of a shell.
const ON: &str = " \\";

/// `text` in lines of at most `width`, broken at blanks, and inside a word where the word is wider.
pub(super) fn words(text: &str, width: usize) -> Vec<String> {
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("one at least");
        if !last.is_empty() && last.width() + 1 + word.width() <= width {
            last.push(' ');
            last.push_str(word);
            continue;
        }
        if !last.is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let last = lines.last_mut().expect("one at least");
            if last.width() + c.width().unwrap_or(0) > width && !last.is_empty() {
                lines.push(c.to_string());
            } else {
                last.push(c);
            }
        }
    }
    lines
}

/// `text` with no line wider than `width`, styles and all: first the widest gap of a line shrinks, then it wraps with a
/// hanging indent. A command goes to the next line whole, or on behind a backslash.
pub fn fit(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if wide(line) <= width {
            out.push_str(line);
        } else {
            out.push_str(&Line::read(line).wrapped(width));
        }
        out.push_str(end);
    }
    out
}

/// Columns that `text` takes without its styles.
fn wide(text: &str) -> usize {
    if text.contains('\u{1b}') {
        anstream::adapter::strip_str(text).to_string().width()
    } else {
        text.width()
    }
}

/// A word, and what stands before it.
#[derive(Debug)]
struct Word {
    blanks: usize,
    /// With its styles.
    text: String,
    width: usize,
    part: Part,
}

impl Word {
    fn is(&self, text: &str) -> bool {
        anstream::adapter::strip_str(&self.text).to_string() == text
    }
}

/// What a word is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    /// The first word of a command.
    Begins,
    /// A later one.
    Inside,
}

/// A line in words.
#[derive(Debug)]
struct Line {
    words: Vec<Word>,
    /// Where the text after its label begins.
    hang: usize,
}

impl Line {
    fn read(line: &str) -> Self {
        let command = paint::command_style();
        let (mut words, mut hang): (Vec<Word>, Option<usize>) = (Vec::new(), None);
        let mut word = Word { blanks: 0, text: String::new(), width: 0, part: Part::Text };
        let (mut column, mut style) = (0, Part::Text);
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if let Some(length) = style_at(rest) {
                let (code, behind) = rest.split_at(length);
                if code == command {
                    style = Part::Begins;
                } else if code == paint::RESET {
                    style = Part::Text;
                    // A label with its blanks inside the style ends here.
                    if word.width == 0 && word.blanks > 0 && !words.is_empty() && column <= HANG {
                        hang.get_or_insert(column);
                    }
                }
                word.text.push_str(code);
                rest = behind;
                continue;
            }
            rest = &rest[c.len_utf8()..];
            let width = c.width().unwrap_or(0);
            if c == ' ' && word.width > 0 {
                words.push(std::mem::replace(
                    &mut word,
                    Word { blanks: 1, text: String::new(), width: 0, part: Part::Text },
                ));
            } else if c == ' ' {
                word.blanks += 1;
            } else {
                if word.width == 0 {
                    // What stands apart behind a command explains it.
                    if style == Part::Inside && word.blanks >= GAP {
                        style = Part::Text;
                    }
                    word.part = style;
                    if style == Part::Begins {
                        style = Part::Inside;
                    }
                    if word.blanks >= 2 && !words.is_empty() && column <= HANG {
                        hang.get_or_insert(column);
                    }
                }
                word.text.push(c);
                word.width += width;
            }
            column += width;
        }
        let indent = words.first().map_or(0, |first| first.blanks);
        words.push(word);
        Self { hang: hang.unwrap_or(indent + 2), words }
    }

    fn width(&self) -> usize {
        self.words.iter().map(|word| word.blanks + word.width).sum()
    }

    fn wrapped(mut self, width: usize) -> String {
        let over = self.width().saturating_sub(width);
        let gap = self.words.iter_mut().skip(1).max_by_key(|word| word.blanks);
        if let Some(gap) = gap.filter(|gap| gap.blanks >= GAP + over) {
            gap.blanks -= over;
        }
        let mut page = Page { out: String::new(), column: 0, width, hang: self.hang };
        page.put(&self.words, &PARTS);
        page.out
    }
}

/// Says of two neighbours whether a line may end between them.
type May = fn(&[Word]) -> bool;

/// Where a line ends at best, at second best, and at worst.
const PARTS: [May; 3] = [
    |pair| pair[1].blanks >= GAP && pair[1].part == Part::Text,
    |pair| pair[0].is("·"),
    |pair| match pair[1].part {
        Part::Inside => false,
        Part::Begins => !pair[0].is("→"),
        Part::Text => true,
    },
];

/// Where the next word goes.
struct Page {
    out: String,
    column: usize,
    width: usize,
    hang: usize,
}

impl Page {
    /// Puts `words` on this line if they fit, else on the next one if they fit there, else in parts.
    fn put(&mut self, words: &[Word], parts: &[May]) {
        let Some(first) = words.first() else { return };
        let whole: usize = words.iter().map(|word| word.blanks + word.width).sum();
        let begun = self.column > self.hang;
        if self.column + whole <= self.width {
            self.words(words, first.blanks);
        } else if begun && self.hang + whole - first.blanks <= self.width {
            self.next_line(self.hang);
            self.words(words, 0);
        } else if let Some((may, finer)) = parts.split_first() {
            let mut rest = words;
            while !rest.is_empty() {
                let end = rest.windows(2).position(may).map_or(rest.len(), |place| place + 1);
                let (part, behind) = rest.split_at(end);
                self.put(part, finer);
                rest = behind;
            }
        } else {
            self.command(words, begun);
        }
    }

    /// A word or a command that is wider than a line.
    fn command(&mut self, words: &[Word], begun: bool) {
        let fits = self.column + words[0].blanks + words[0].width <= self.width;
        if begun && !fits {
            self.next_line(self.hang);
        }
        self.words(&words[..1], if begun && !fits { 0 } else { words[0].blanks });
        // Several commands in a sentence are no line for a shell.
        let (on, hang) =
            if words.iter().any(|word| word.text.ends_with(',')) { ("", 0) } else { (ON, ON.len()) };
        for (place, word) in words.iter().enumerate().skip(1) {
            let room = self.width - if place + 1 == words.len() { 0 } else { on.len() };
            if self.column + word.blanks + word.width > room {
                self.out.push_str(on);
                self.next_line(self.hang + hang);
                self.words(std::slice::from_ref(word), 0);
            } else {
                self.words(std::slice::from_ref(word), word.blanks);
            }
        }
    }

    fn next_line(&mut self, column: usize) {
        self.out.push('\n');
        self.out.push_str(&" ".repeat(column));
        self.column = column;
    }

    /// Words as they stand, the first behind `blanks`.
    fn words(&mut self, words: &[Word], blanks: usize) {
        for (place, word) in words.iter().enumerate() {
            let blanks = if place == 0 { blanks } else { word.blanks };
            self.out.push_str(&" ".repeat(blanks));
            self.out.push_str(&word.text);
            self.column += blanks + word.width;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::paint::{bad, bare, command, dim};

    fn fitted(text: &str, width: usize) -> String {
        bare(&fit(text, width))
    }

    #[test]
    fn words_hang_under_the_text_of_their_label() {
        let line =
            format!("  {}8 jobs wait, none is lost; other malls go on\n", dim(format_args!("{:<6}", "now")));
        assert_eq!(
            fitted(&line, 30),
            "  now   8 jobs wait, none is\n        lost; other malls go\n        on\n"
        );
        assert_eq!(
            fitted("! hanbit   the refresh token is dead", 26),
            "! hanbit   the refresh\n           token is dead"
        );
        assert_eq!(fitted("  a b c d e f g", 8), "  a b c\n    d e\n    f g");
    }

    #[test]
    fn a_line_ends_where_its_parts_do() {
        assert_eq!(
            fitted("agency-prod · Mon 2026-02-16 10:42 KST   208 of 212 malls", 50),
            "agency-prod · Mon 2026-02-16 10:42 KST\n  208 of 212 malls"
        );
        assert_eq!(
            fitted("  done 6,100 · queued 1,173 · failed 3", 30),
            "  done 6,100 · queued 1,173 ·\n    failed 3"
        );
    }

    #[test]
    fn a_gap_shrinks_before_words_wrap() {
        assert_eq!(fitted("error: a mall            E-1", 20), "error: a mall    E-1");
    }

    #[test]
    fn a_command_stays_whole_or_can_be_pasted_all_the_same() {
        let line = format!("{} moonlit  token dead   → {}", bad("!"), command("cafe24-sync connect moonlit"));
        assert_eq!(fitted(&line, 50), "! moonlit  token dead\n           → cafe24-sync connect moonlit");
        let long = format!(
            "run it: {}",
            command("cafe24-sync enqueue --all --last 90d --missing --plan 7c1e02aa --yes")
        );
        assert_eq!(
            fitted(&long, 40),
            "run it: cafe24-sync enqueue --all \\\n    --last 90d --missing --plan \\\n    7c1e02aa --yes"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_the_screen_and_no_word_is_lost(
            parts in prop::collection::vec(("[a-z한→·]{1,12}", 1_usize..5, 0_u8..3), 1..30),
        ) {
            let mut line = String::from("  ");
            for (word, blanks, kind) in &parts {
                match kind {
                    0 => line.push_str(word),
                    1 => line.push_str(&dim(word).to_string()),
                    _ => line.push_str(&command(word).to_string()),
                }
                line.push_str(&" ".repeat(*blanks));
            }
            let shown = fitted(&line, 80);
            prop_assert!(shown.lines().all(|line| line.width() <= 80), "{shown}");
            let words = |text: &str| text.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&shown), words(&bare(&line)));
        }
    }
}
