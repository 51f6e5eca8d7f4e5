//! Strikes secrets out of texts that are kept as evidence.
//!
//! A server in trouble may repeat what it was sent, or show what it would have answered: headers, forms, whole token
//! answers. We know our own access token and can look for it; a refresh token, a client secret, or what belongs to
//! another mall is found by what stands before it.

/// Takes a secret's place.
const STRUCK: &str = "[secret]";
/// What names a secret that follows, in any case.
const NAMES: [&str; 9] = [
    "access_token",
    "access-token",
    "accesstoken",
    "refresh_token",
    "refresh-token",
    "refreshtoken",
    "client_secret",
    "client-secret",
    "clientsecret",
];
/// The header, whose value may have blanks in it.
const HEADER: &str = "authorization";
/// What precedes a token in that header.
const SCHEMES: [&str; 2] = ["bearer", "basic"];
/// Shorter words after a scheme are prose: `bearer authentication`.
const TOKEN_MIN: usize = 16;
/// What may stand between a name and its value, as it is and encoded.
const BETWEEN: [&str; 10] = ["\\\"", "\"", "'", ":", "=", " ", "\t", "%22", "%3d", "%3a"];

/// `text` without the values that follow the names of secrets, in JSON, forms, headers and prose.
pub(super) fn strike_named(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((before, value)) = secret_at(rest) {
            kept.push_str(&rest[..before]);
            kept.push_str(STRUCK);
            rest = &rest[before + value..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

/// If a name stands at the beginning: the bytes before its value, and the bytes of the value.
fn secret_at(text: &str) -> Option<(usize, usize)> {
    if let Some(scheme) = SCHEMES.iter().find(|scheme| starts(text, scheme)) {
        let after = &text[scheme.len()..];
        let blanks = ["%20", "+", " "].into_iter().find(|blank| after.starts_with(*blank))?.len();
        let before = scheme.len() + blanks + after[blanks..].bytes().take_while(|byte| *byte == b' ').count();
        let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=%".contains(byte);
        let value = text[before..].bytes().take_while(|byte| token(byte)).count();
        return (value >= TOKEN_MIN).then_some((before, value));
    }
    let header = starts(text, HEADER);
    let name = if header { HEADER } else { NAMES.into_iter().find(|name| starts(text, name))? };
    let before = name.len() + between(&text[name.len()..])?;
    let value = &text[before..];
    if header && SCHEMES.iter().any(|scheme| starts(value, scheme)) {
        // The scheme says more than that there was one.
        return None;
    }
    Some((before, length(value, quote(&text[..before]), header))).filter(|(_, length)| *length > 0)
}

fn starts(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// The bytes between a name and its value; `None` if nothing says that a value follows.
fn between(text: &str) -> Option<usize> {
    let mut length = 0;
    let mut assigned = false;
    while let Some(part) = BETWEEN.iter().find(|part| starts(&text[length..], part)) {
        let assigns = matches!(*part, ":" | "=" | "%3d" | "%3a");
        if assigned && assigns {
            break;
        }
        assigned |= assigns;
        length += part.len();
    }
    assigned.then_some(length)
}

/// The quotation mark that a value began with.
fn quote(before: &str) -> Option<&'static str> {
    ["\\\"", "\"", "'", "%22"].into_iter().find(|quote| before.ends_with(quote))
}

/// How long a value is: to its closing mark, or to what ends a bare word.
fn length(value: &str, quote: Option<&str>, header: bool) -> usize {
    let Some(quote) = quote else {
        let ends = |c: char| match c {
            '"' | '\'' | '<' | '\\' | '\r' | '\n' => true,
            '&' | ',' | ';' | '}' | ')' => !header,
            other => !header && other.is_whitespace(),
        };
        return value.find(ends).unwrap_or(value.len());
    };
    let mut place = 0;
    while place < value.len() {
        if value[place..].starts_with(quote) {
            return place;
        }
        let escaped = quote != "\\\"" && value[place..].starts_with('\\');
        let step = |text: &str| text.chars().next().map_or(0, char::len_utf8);
        place += step(&value[place..]);
        if escaped {
            place += step(&value[place..]);
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::json(r#"{"refresh_token": "aB3/+==", "x":1}"#, r#"{"refresh_token": "[secret]", "x":1}"#)]
    #[case::json_with_a_quote(r#"{"client_secret":"a\"b c","x":1}"#, r#"{"client_secret":"[secret]","x":1}"#)]
    #[case::json_in_json(
        r#"{"d":"{\"access_token\":\"abc\",\"x\":1}"}"#,
        r#"{"d":"{\"access_token\":\"[secret]\",\"x\":1}"}"#
    )]
    #[case::cut(r#"{"refresh_token":"abcdef"#, r#"{"refresh_token":"[secret]"#)]
    #[case::form(
        "grant_type=x&refresh_token=abc%2F&client_secret=d e",
        "grant_type=x&refresh_token=[secret]&client_secret=[secret] e"
    )]
    #[case::encoded_form("refresh_token%3Dabc&x", "refresh_token%3D[secret]&x")]
    #[case::other_case("Access_Token = abc\nnext", "Access_Token = [secret]\nnext")]
    #[case::camel_case("accessToken: 'a b'", "accessToken: '[secret]'")]
    #[case::bearer("Authorization: Bearer abcdefghijklmnop012 sent", "Authorization: Bearer [secret] sent")]
    #[case::basic(r#""authorization":"basic YWJjZGVmZ2hpamts""#, r#""authorization":"basic [secret]""#)]
    #[case::no_scheme("Authorization: abc def\r\nHost: x", "Authorization: [secret]\r\nHost: x")]
    fn x05_what_follows_the_name_of_a_secret_is_struck_out(#[case] text: &str, #[case] kept: &str) {
        assert_eq!(strike_named(text), kept);
    }

    #[rstest]
    #[case("the access_token is expired")]
    #[case("bearer authentication is required, basic information follows")]
    #[case(r#"{"error":{"code":401,"message":"Invalid refresh_token"}}"#)]
    #[case("한빛: 접근이 거부되었습니다 \u{fffd}")]
    #[case("")]
    fn what_is_no_secret_stays_as_evidence(#[case] text: &str) {
        assert_eq!(strike_named(text), text);
    }

    proptest! {
        #[test]
        fn x05_no_text_makes_it_panic_and_a_second_pass_finds_nothing(text in "(access_token|bearer|authorization|[:=\"\\\\' %]|.){0,24}") {
            let once = strike_named(&text);
            prop_assert_eq!(strike_named(&once), once);
        }

        #[test]
        fn x05_a_token_after_its_name_never_stays(token in "[A-Za-z0-9]{22}", before in ".{0,20}", form in 0..4) {
            let text = match form {
                0 => format!("{before}\"refresh_token\":\"{token}\""),
                1 => format!("{before}refresh_token={token}&"),
                2 => format!("{before}Bearer {token}"),
                _ => format!("{before}{{\\\"access_token\\\": \\\"{token}\\\"}}"),
            };
            prop_assert!(!strike_named(&text).contains(&token), "{text}");
        }
    }
}
