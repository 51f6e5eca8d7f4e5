//! The pages: one form for all of them, filled and escaped by its template.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use common::domain::calendar::kst_day;
use common::domain::consent::{ConsentOutcome, StateRefusal};
use common::store::Consent;

use super::language::{Language, PageText, Words};
use crate::output::text::number;

/// Everything that can be answered to a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Before Cafe24 is asked.
    Open,
    /// What came of it.
    Ended(ConsentOutcome),
    /// The callback was not believed.
    Refused(StateRefusal),
    /// The callback came again after it had been taken.
    AlreadyConnected,
    /// The code is being exchanged.
    Working,
    /// The command line waits for the address.
    Paste,
    /// The start link is none of ours.
    LinkUnknown,
    /// Its attempt has ended.
    LinkUsed,
    /// Its time is over.
    LinkExpired,
    /// Another browser opened it first.
    LinkElsewhere,
    /// The database does not answer.
    Away,
    /// No page has this address.
    NotFound,
}

/// The template's fields; everything in them is escaped.
#[derive(Template)]
#[template(path = "consent.html")]
struct Sheet<'a> {
    code: &'static str,
    languages: Vec<Choice>,
    words: &'static Words,
    key: &'static str,
    tone: &'static str,
    mark: &'static str,
    title: String,
    what: String,
    data: String,
    /// Text, the command in it, and what follows.
    next: (String, String, String),
    facts: Vec<(&'a str, String)>,
    goes_on: bool,
    refreshes: bool,
}

struct Choice {
    code: &'static str,
    name: &'static str,
}

impl Page {
    /// Every page.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let ended = ConsentOutcome::ALL.map(Self::Ended);
        let refused = StateRefusal::ALL.map(Self::Refused);
        let others = [
            Self::Open,
            Self::AlreadyConnected,
            Self::Working,
            Self::Paste,
            Self::LinkUnknown,
            Self::LinkUsed,
            Self::LinkExpired,
            Self::LinkElsewhere,
            Self::Away,
            Self::NotFound,
        ];
        ended.into_iter().chain(refused).chain(others).collect()
    }

    /// Pages that a callback redirects to without naming an attempt.
    pub(super) const FIXED: [Self; 7] = [
        Self::AlreadyConnected,
        Self::Refused(StateRefusal::Missing),
        Self::Refused(StateRefusal::NotAsked),
        Self::Refused(StateRefusal::Unknown),
        Self::Refused(StateRefusal::Expired),
        Self::Refused(StateRefusal::Reused),
        Self::Refused(StateRefusal::ForeignBrowser),
    ];

    /// Its name in the files of texts, in addresses, and in the page itself.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended(outcome) => outcome.as_str(),
            Self::Refused(refusal) => refusal.as_str(),
            Self::AlreadyConnected => "already_connected",
            Self::Working => "working",
            Self::Paste => "paste",
            Self::LinkUnknown => "link_unknown",
            Self::LinkUsed => "link_used",
            Self::LinkExpired => "link_expired",
            Self::LinkElsewhere => "link_elsewhere",
            Self::Away => "away",
            Self::NotFound => "not_found",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Open
            | Self::Ended(ConsentOutcome::Connected)
            | Self::AlreadyConnected
            | Self::Working
            | Self::Paste => StatusCode::OK,
            Self::LinkUnknown | Self::NotFound => StatusCode::NOT_FOUND,
            Self::LinkUsed | Self::LinkExpired | Self::Refused(StateRefusal::Expired) => StatusCode::GONE,
            Self::Away | Self::Ended(ConsentOutcome::NotStored) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Ended(ConsentOutcome::Unreachable) => StatusCode::BAD_GATEWAY,
            Self::Ended(_) | Self::Refused(_) | Self::LinkElsewhere => StatusCode::BAD_REQUEST,
        }
    }

    fn look(self) -> (&'static str, &'static str) {
        match self.status() {
            _ if matches!(self, Self::Open | Self::Working | Self::Paste) => ("calm", "→"),
            StatusCode::OK => ("good", "✓"),
            _ => ("bad", "!"),
        }
    }

    /// The page in `language`; `consent` fills the names in its texts.
    pub(super) fn answer(self, language: Language, consent: Option<&Consent>) -> Response {
        let texts = language.texts();
        let missing = PageText::default();
        // A test sees to it that no text is missing.
        let text = texts.pages.get(self.key()).unwrap_or(&missing);
        let fill = |text: &str| match consent {
            None => text.to_owned(),
            Some(consent) => text
                .replace("{mall}", consent.mall_id.as_str())
                .replace("{agency}", &consent.agency_id)
                .replace("{needed}", consent.dialect.scope()),
        };
        let (tone, mark) = self.look();
        let sheet = Sheet {
            code: language.code(),
            languages: Language::ALL
                .into_iter()
                .map(|other| Choice { code: other.code(), name: &other.texts().words.language })
                .collect(),
            words: &texts.words,
            key: self.key(),
            tone,
            mark,
            title: fill(&text.title),
            what: fill(&text.what),
            data: fill(&text.data),
            next: around_command(&fill(&text.next)),
            facts: consent
                .filter(|_| self == Self::Ended(ConsentOutcome::Connected))
                .map_or_else(Vec::new, |consent| facts(&texts.words, consent)),
            goes_on: self == Self::Open,
            refreshes: self == Self::Working,
        };
        match sheet.render() {
            Ok(html) => (self.status(), [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            // Writing into a string does not fail; a page without words is better than none.
            Err(_) => self.status().into_response(),
        }
    }
}

/// What the command line says, too.
fn facts<'a>(words: &'a Words, consent: &Consent) -> Vec<(&'a str, String)> {
    let detail = &consent.detail;
    let shops: Vec<String> =
        detail["shops"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    let until = detail["refresh_expires_at"].as_str().and_then(|text| text.parse().ok());
    vec![
        (&words.mall, consent.mall_id.to_string()),
        (&words.shops, shops.join(", ")),
        (&words.scope, consent.dialect.scope().to_owned()),
        (&words.until, until.map(|time| kst_day(time).to_string()).unwrap_or_default()),
        (&words.released, number(detail["jobs_released"].as_i64().unwrap_or_default())),
    ]
}

/// Splits a text around the command in it, which is shown as one.
fn around_command(text: &str) -> (String, String, String) {
    let Some(at) = text.find("cafe24-sync ") else {
        return (text.to_owned(), String::new(), String::new());
    };
    let (head, rest) = text.split_at(at);
    let end = rest.find(". ").unwrap_or(rest.len());
    let (command, tail) = rest.split_at(end);
    (head.to_owned(), command.to_owned(), tail.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_page_is_in_the_list_once() {
        let keys: BTreeSet<_> = Page::all().iter().map(|page| page.key()).collect();
        assert_eq!(keys.len(), Page::all().len());
        assert!(Page::FIXED.iter().all(|page| keys.contains(page.key())));
    }

    #[test]
    fn a_command_stands_apart_from_the_text_around_it() {
        let split = around_command("Try again: cafe24-sync connect hanbit. The log knows more.");
        assert_eq!(split.1, "cafe24-sync connect hanbit");
        assert_eq!(split.2, ". The log knows more.");
        assert_eq!(around_command("You can close this page.").1, "");
    }
}
