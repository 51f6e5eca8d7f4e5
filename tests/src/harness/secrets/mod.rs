//! Looks for the secrets of a run where none may be (`docs/reliability.md` I7).
//!
//! Every secret of the run is a text that occurs nowhere else. [`Canaries`] knows each of them in every form in which a
//! program might write it (`forms.rs`), and looks for all of them at once in [`Place`]s: what was logged and printed,
//! what lies in queues, in Redis and in Postgres, what pages show and what `ps` sees ([`places`]). It shares no code
//! with the programs, so it does not know what they strike out, or how.

mod forms;
pub mod places;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

pub use self::forms::percent;
use self::forms::{PLAIN, forms};
use super::trouble::{Context as _, Result, Trouble};

/// Shorter texts occur by chance.
const SHORTEST: usize = 12;
/// Bytes shown on both sides of a find.
const AROUND: usize = 80;

/// Something that is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is, for the report.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The secrets of a run.
#[derive(Debug, Default)]
pub struct Canaries {
    /// What each text is, and in which form.
    known: HashMap<Vec<u8>, (String, &'static str)>,
}

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Which secret.
    pub secret: String,
    /// How it was written.
    pub form: &'static str,
    /// Where it was.
    pub place: String,
    /// What stands around it.
    pub around: String,
}

impl Place {
    /// Takes out what shows a secret on purpose: `text` is exactly that, to be found exactly once in exactly one of
    /// `places`, the one called `name`. All else in it is still searched.
    ///
    /// # Errors
    /// [`Trouble`] if it is not there, or more than once: then nobody knows which was meant.
    pub fn without(places: &mut [Self], name: &str, text: &str) -> Result<()> {
        let searcher = AhoCorasick::new([text]).context("what is shown on purpose")?;
        let mut named = places.iter_mut().filter(|place| place.name == name);
        let (Some(place), None) = (named.next(), named.next()) else {
            return Err(Trouble::new(format!("there is not one place called {name}")));
        };
        let found: Vec<_> = searcher.find_iter(&place.bytes).map(|found| found.range()).collect();
        let [shown] = &found[..] else {
            return Err(Trouble::new(format!("what is there on purpose is {} times in {name}", found.len())));
        };
        place.bytes.drain(shown.clone());
        Ok(())
    }
}

impl Canaries {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more secret, called `name` in the report.
    ///
    /// # Errors
    /// [`Trouble`] if it is so short that it would be found by chance.
    pub fn add(&mut self, name: &str, secret: &str) -> Result<()> {
        if secret.len() < SHORTEST {
            return Err(Trouble::new(format!("{name} has {} bytes: too short to look for", secret.len())));
        }
        for (form, text) in forms(secret.as_bytes()) {
            self.known.entry(text).or_insert_with(|| (name.to_owned(), form));
        }
        Ok(())
    }

    /// What kinds of secrets there are, by the names that they were given.
    pub fn kinds(&self) -> BTreeSet<&str> {
        self.known.values().map(|(name, _)| name.as_str()).collect()
    }

    /// Every secret as it is, with its name.
    pub fn plain(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let plain = self.known.iter().filter(|(_, (_, form))| *form == PLAIN);
        plain.map(|(text, (name, _))| (name.as_str(), text.as_slice()))
    }

    /// How many texts are looked for.
    pub fn texts(&self) -> usize {
        self.known.len()
    }

    /// Every secret in every place where it is; the first find of each.
    pub fn search(&self, places: &[Place]) -> Result<Vec<Leak>> {
        let (texts, what): (Vec<_>, Vec<_>) = self.known.iter().unzip();
        // A secret's beginning is looked for as well; the longer find says more.
        let searcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
        let searcher = searcher.context("too many secrets to look for")?;
        let mut leaks: Vec<Leak> = Vec::new();
        for place in places {
            for found in searcher.find_iter(&place.bytes) {
                let (secret, form) = what[found.pattern().as_usize()];
                let told = leaks.iter().any(|leak| leak.place == place.name && leak.secret == *secret);
                if !told {
                    let (from, to) = (found.start().saturating_sub(AROUND), found.end() + AROUND);
                    let around = &place.bytes[from..to.min(place.bytes.len())];
                    let around = String::from_utf8_lossy(around).into_owned();
                    leaks.push(Leak { secret: secret.clone(), form, place: place.name.clone(), around });
                }
            }
        }
        Ok(leaks)
    }

    /// Trouble that names every leak, if there is one.
    pub fn none_in(&self, places: &[Place]) -> Result<()> {
        let leaks = self.search(places)?;
        if leaks.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = leaks.iter().map(ToString::to_string).collect();
        Err(Trouble::new(format!("{} leaks\n{}", leaks.len(), lines.join("\n"))))
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, form, place, around } = self;
        write!(f, "{secret} ({form}) in {place}: …{}…", around.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, bytes: impl Into<Vec<u8>>) -> Place {
        Place { name: name.to_owned(), bytes: bytes.into() }
    }

    #[test]
    fn i07_a_secret_is_found_in_every_form_inside_anything_else() {
        let secret = "s3cr/t+\"canary=0451Ω";
        let mut canaries = Canaries::new();
        canaries.add("the secret", secret).expect("long enough");
        for (form, text) in forms(secret.as_bytes()) {
            let bytes = [b"before\0 ", &text[..], b" after\xff"].concat();
            let leaks = canaries.search(&[place(form, bytes)]).expect("a search");
            assert_eq!(leaks.len(), 1, "{form}");
            assert_eq!(leaks[0].secret, "the secret");
        }
    }

    #[test]
    fn i07_what_only_looks_alike_is_no_secret() {
        let mut canaries = Canaries::new();
        canaries.add("the secret", "abcdefghijklmnopqrstuv").expect("long enough");
        let harmless = place("log", "abcdefghijk lmnopqrstuv ABCDEFGHIJKLMNOPQRSTUV YWJjZGVmZ2hp");
        assert_eq!(canaries.search(&[harmless]).expect("a search"), []);
        assert!(canaries.add("short", "abc").is_err());
    }

    #[test]
    fn i07_what_is_shown_on_purpose_is_let_go_once_in_one_place() {
        let mut canaries = Canaries::new();
        canaries.add("the secret", "abcdefghijklmnopqrstuv").expect("long enough");
        let shown = "open /abcdefghijklmnopqrstuv";
        let mut places = [place("answer", format!("1. {shown}\n")), place("log", shown)];
        Place::without(&mut places, "answer", shown).expect("there once");
        let leaks = canaries.search(&places).expect("a search");
        assert_eq!(leaks.iter().map(|leak| &leak.place).collect::<Vec<_>>(), ["log"]);
        // It is gone; a second one would not be let go; and there is no such place.
        assert!(Place::without(&mut places, "answer", shown).is_err());
        let mut twice = [place("answer", shown.repeat(2))];
        assert!(Place::without(&mut twice, "answer", shown).is_err());
        assert!(Place::without(&mut twice, "another", shown).is_err());
    }

    #[test]
    fn i07_each_secret_is_told_once_a_place() {
        let mut canaries = Canaries::new();
        canaries.add("one", "abcdefghijklmnopqrstuv").expect("long enough");
        canaries.add("two", "zyxwvutsrqponmlkjihgfe").expect("long enough");
        let text = "abcdefghijklmnopqrstuv zyxwvutsrqponmlkjihgfe ".repeat(3);
        let leaks = canaries.search(&[place("a", text.clone()), place("b", text)]).expect("a search");
        assert_eq!(leaks.len(), 4);
    }
}
