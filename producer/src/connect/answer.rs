//! What a redirected address says: `?code=…&state=…`, or `?error=…&state=…`.

use common::config::Secret;

/// Longest error code that is repeated to anybody.
const ERROR_MAX: usize = 40;

/// The query of a callback. Nothing of it is logged.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// As we gave it out; unset if it stands there twice.
    pub(crate) state: Option<Secret>,
    /// Buys the first pair.
    pub(crate) code: Option<Secret>,
    /// Why there is no code.
    pub(crate) error: Option<String>,
    /// Cafe24 names a mall when it opens an app by itself.
    pub(crate) names_a_mall: bool,
}

impl Answer {
    /// Reads a query, without the question mark.
    pub(crate) fn read(query: &str) -> Self {
        let value = |name: &str| {
            let mut found =
                query.split('&').filter_map(|part| part.split_once('=')).filter(|(key, _)| *key == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Some(decode(value)).filter(|value| !value.is_empty()),
                _ => None,
            }
        };
        Self {
            state: value("state").map(Secret::new),
            code: value("code").map(Secret::new),
            error: value("error").map(|code| tame(&code)),
            names_a_mall: value("mall_id").is_some(),
        }
    }
}

/// The query of an address that was typed in, if the address is the one that we redirect to.
pub(crate) fn pasted<'a>(address: &'a str, redirect_uri: &str) -> Result<&'a str, String> {
    let address = address.trim();
    let Some((base, query)) = address.split_once('?') else {
        return Err("the address has no `?code=…`: paste all of it".to_owned());
    };
    if base.trim_end_matches('/') != redirect_uri.trim_end_matches('/') {
        return Err(format!("the address does not begin with {redirect_uri}"));
    }
    Ok(query.split('#').next().unwrap_or_default())
}

/// OAuth's error codes are lower-case words; anything else could be anything.
fn tame(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(ERROR_MAX).collect()
}

/// Percent-decoding; what is no escape stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = escaped.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const URI: &str = "https://sync.agency.kr/oauth/callback";

    #[test]
    fn code_and_state_are_read_with_their_escapes() {
        let answer = Answer::read("code=a%2Fb%3D&state=s1&x");
        assert_eq!(answer.code.expect("a code").expose(), "a/b=");
        assert_eq!(answer.state.expect("a state").expose(), "s1");
        assert!(answer.error.is_none() && !answer.names_a_mall);
    }

    #[rstest]
    #[case::none("code=x")]
    #[case::empty("code=x&state=")]
    #[case::two("state=s2&code=x&state=s1")]
    fn a_state_that_is_not_there_once_is_not_there(#[case] query: &str) {
        assert!(Answer::read(query).state.is_none());
    }

    #[test]
    fn x2_an_error_can_carry_nothing_but_a_word() {
        let answer = Answer::read("error=access_denied%0d%0aSet-Cookie%3A%20a%3Cscript%3E&state=s");
        assert_eq!(answer.error.as_deref(), Some("access_deniedetookieascript"));
    }

    #[test]
    fn a_code_is_never_printed() {
        assert!(!format!("{:?}", Answer::read("code=canary&state=canary")).contains("canary"));
    }

    #[test]
    fn the_address_of_our_own_question_is_taken() {
        assert_eq!(pasted(&format!(" {URI}?code=x&state=s1#top\n"), URI), Ok("code=x&state=s1"));
        assert!(pasted("https://evil.example/?code=x&state=s1", URI).is_err());
        assert!(pasted(URI, URI).is_err_and(|why| why.contains("paste all of it")));
    }
}
