//! The forms in which a program may write a secret without meaning to.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// So much of a secret is a leak, too: what a cut left of it.
const BEGINNING: usize = 12;

/// The form that is none.
pub(super) const PLAIN: &str = "plain";

/// Each form with its name. Base64 of a longer text holds the secret in one of three ways, by where it begins.
pub(super) fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![
        (PLAIN, secret.to_vec()),
        ("hex", hex(secret, |byte| format!("{byte:02x}"))),
        ("upper hex", hex(secret, |byte| format!("{byte:02X}"))),
        ("url-encoded", percent(secret).into_bytes()),
        ("url-encoded whole", hex(secret, |byte| format!("%{byte:02X}"))),
        ("form-encoded", percent(secret).replace("%20", "+").into_bytes()),
        ("numbers", numbers(secret)),
    ];
    let text = String::from_utf8_lossy(secret);
    let quoted = |text: String| text.get(1..text.len() - 1).unwrap_or_default().as_bytes().to_vec();
    forms.push(("Debug", quoted(format!("{text:?}"))));
    forms.push(("JSON", quoted(serde_json::Value::from(text.as_ref()).to_string())));
    for before in 0..3 {
        forms.push(("base64", base64_inside(&STANDARD_NO_PAD, secret, before)));
        forms.push(("base64url", base64_inside(&URL_SAFE_NO_PAD, secret, before)));
    }
    if secret.len() > BEGINNING {
        forms.push(("its beginning", secret[..BEGINNING].to_vec()));
    }
    forms
}

/// Percent-encoding of all but RFC 3986's unreserved characters.
pub fn percent(bytes: impl AsRef<[u8]>) -> String {
    let encoded = |byte: &u8| match *byte {
        b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.as_ref().iter().map(encoded).collect()
}

fn hex(bytes: &[u8], digits: impl Fn(&u8) -> String) -> Vec<u8> {
    bytes.iter().map(digits).collect::<String>().into_bytes()
}

/// As `{:?}` writes bytes.
fn numbers(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes()
}

/// What is surely in the base64 of anything that has `before` bytes (modulo 3) in front of `secret`.
fn base64_inside(engine: &GeneralPurpose, secret: &[u8], before: usize) -> Vec<u8> {
    let padded = [&vec![0; before][..], secret].concat();
    let text = engine.encode(&padded);
    let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    text.as_bytes()[first..end].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_longer_text_holds_one_of_the_three_forms() {
        let secret = b"a secret of some length";
        for before in 0..7 {
            for after in 0..4 {
                let text = [&vec![b'u'; before][..], secret, &vec![b'v'; after][..]].concat();
                let encoded = STANDARD_NO_PAD.encode(text);
                let inside = String::from_utf8(base64_inside(&STANDARD_NO_PAD, secret, before % 3));
                let inside = inside.expect("base64 is ASCII");
                assert!(inside.len() >= secret.len() && encoded.contains(&inside), "{before} {after}");
            }
        }
    }

    #[test]
    fn reserved_characters_are_encoded() {
        assert_eq!(percent("a/+ ~"), "a%2F%2B%20~");
    }
}
