//! Random numbers that are used once: a start link's ticket, the state given to Cafe24, the cookie that binds both to a
//! browser.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::Key;
use chacha20poly1305::aead::Generate;
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// 256 random bits, as 43 characters that need no escape in an address or a cookie. Only their SHA-256 is stored: they
/// are too many to be guessed, so nothing slower is needed.
#[derive(Debug)]
pub struct OneTime {
    text: Secret,
}

impl OneTime {
    /// A new one, from the system's generator.
    pub fn random() -> Self {
        Self { text: Secret::new(URL_SAFE_NO_PAD.encode(Key::generate())) }
    }

    /// Goes to the browser.
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// Goes to the store.
    pub fn hash(&self) -> [u8; 32] {
        hash(self.text.expose())
    }

    /// The hash of what a browser shows, if it can be one of ours at all.
    pub fn hash_of(shown: &str) -> Option<[u8; 32]> {
        let fits =
            shown.len() == 43 && shown.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        fits.then(|| hash(shown))
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_out_is_known_again_by_its_hash_alone() {
        let (one, other) = (OneTime::random(), OneTime::random());
        assert_eq!(OneTime::hash_of(one.text().expose()), Some(one.hash()));
        assert_ne!(one.hash(), other.hash());
        assert_eq!(format!("{one:?}"), "OneTime { text: [secret] }");
    }

    #[test]
    fn what_cannot_be_ours_is_not_even_looked_up() {
        let text = OneTime::random();
        let text = text.text().expose();
        for shown in
            ["", &text[1..], &format!("{text}="), &format!("{text}{text}"), &format!("{}/", &text[1..])]
        {
            assert_eq!(OneTime::hash_of(shown), None, "{shown}");
        }
    }
}
