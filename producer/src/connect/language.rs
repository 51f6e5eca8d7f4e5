//! The texts of the pages, one file a language.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use serde::Deserialize;

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Korean,
}

/// All texts of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) words: Words,
    pub(super) pages: BTreeMap<String, PageText>,
}

/// Words that several pages say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) language: String,
    pub(super) what: String,
    pub(super) data: String,
    pub(super) next: String,
    pub(super) mall: String,
    pub(super) shops: String,
    pub(super) scope: String,
    pub(super) until: String,
    pub(super) released: String,
    pub(super) go_on: String,
}

/// What one page says. `{mall}`, `{agency}` and `{needed}` stand for themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageText {
    pub(super) title: String,
    pub(super) what: String,
    pub(super) data: String,
    pub(super) next: String,
}

#[expect(clippy::expect_used, reason = "files of this crate, and a test reads them")]
static ENGLISH: LazyLock<Texts> =
    LazyLock::new(|| toml::from_str(include_str!("assets/en.toml")).expect("valid texts"));
#[expect(clippy::expect_used, reason = "files of this crate, and a test reads them")]
static KOREAN: LazyLock<Texts> =
    LazyLock::new(|| toml::from_str(include_str!("assets/ko.toml")).expect("valid texts"));

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// As in `lang="…"`.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }

    /// The one that was chosen on a page (`?lang=ko`), else the one that the browser likes best, else English.
    pub(super) fn of(query: &str, headers: &HeaderMap) -> Self {
        let chosen = query.split('&').find_map(|part| part.strip_prefix("lang="));
        let liked = || headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(liked);
        chosen.and_then(Self::named).or_else(liked).unwrap_or(Self::English)
    }

    fn named(tag: &str) -> Option<Self> {
        let first = tag.trim().split('-').next()?;
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(first))
    }
}

/// The best of `ko-KR,ko;q=0.9,en;q=0.8` that we speak; of equals the first.
fn liked(header: &str) -> Option<Language> {
    let mut best: Option<(Language, f32)> = None;
    for part in header.split(',').take(20) {
        let (tag, weight) = part
            .split_once(";q=")
            .map_or((part, 1.0), |(tag, weight)| (tag, weight.trim().parse().unwrap_or(0.0)));
        let Some(language) = Language::named(tag) else { continue };
        if weight > best.map_or(0.0, |(_, weight)| weight) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::super::page::Page;
    use super::*;

    #[rstest]
    #[case::korean_browser("", "ko-KR,ko;q=0.9,en-US;q=0.8", Language::Korean)]
    #[case::english_browser("", "en-US,en;q=0.9,ko;q=0.8", Language::English)]
    #[case::weights_decide("", "en;q=0.3,ko;q=0.7", Language::Korean)]
    #[case::neither("", "fr-FR,de;q=0.5", Language::English)]
    #[case::refused("", "ko;q=0", Language::English)]
    #[case::garbage("", "ko;q=x,;;,", Language::English)]
    #[case::chosen("go=1&lang=ko", "en", Language::Korean)]
    #[case::chosen_but_unknown("lang=fr", "ko", Language::Korean)]
    fn a_page_speaks_the_readers_language(
        #[case] query: &str,
        #[case] header: &str,
        #[case] language: Language,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(header).expect("a header"));
        assert_eq!(Language::of(query, &headers), language);
    }

    /// `{mall}` and the like.
    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_language_has_every_text_of_every_page() {
        let wanted: BTreeSet<_> = Page::all().iter().map(|page| page.key().to_owned()).collect();
        for language in Language::ALL {
            let texts = language.texts();
            let found: BTreeSet<_> = texts.pages.keys().cloned().collect();
            assert_eq!(found, wanted, "{language:?}");
            for (key, page) in &texts.pages {
                let english = &Language::English.texts().pages[key];
                for (text, other) in [
                    (&page.title, &english.title),
                    (&page.what, &english.what),
                    (&page.data, &english.data),
                    (&page.next, &english.next),
                ] {
                    assert!(!text.trim().is_empty(), "{language:?} {key}");
                    assert_eq!(names(text), names(other), "{language:?} {key}: {text}");
                    let known = BTreeSet::from(["mall", "agency", "needed"]);
                    assert!(names(text).is_subset(&known), "{language:?} {key}: {text}");
                }
            }
        }
    }
}
