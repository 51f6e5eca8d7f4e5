use chrono::{DateTime, TimeDelta};
use rstest::rstest;

use super::super::*;
use crate::config::Secret;
use crate::domain::ids::MallId;

fn mall(id: &str) -> MallId {
    id.parse().expect("valid")
}

fn pair() -> TokenPair {
    let issued_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    TokenPair {
        access: AccessToken::new("canary-access"),
        access_expires_at: issued_at + TimeDelta::hours(2),
        refresh: RefreshToken::new("canary-refresh"),
        refresh_expires_at: issued_at + TimeDelta::days(14),
        scopes: vec!["mall.analytics".to_owned()],
        issued_at,
    }
}

fn sealer(keys: &[&Secret]) -> Sealer {
    let lines: Vec<_> = keys.iter().map(|key| key.expose()).collect();
    Sealer::from_keys(&Secret::new(format!("# keys\n\n{}\n", lines.join("\n")))).expect("valid keys")
}

#[test]
fn a_sealed_pair_opens_through_json_and_shows_nothing() {
    let sealer = sealer(&[&generate_key()]);
    let sealed = sealer.seal(&pair(), &mall("hanbit"));
    let json = serde_json::to_string(&sealed).expect("JSON");
    assert!(!json.contains("canary") && !format!("{:?} {:?}", pair(), sealer).contains("canary"));
    let sealed: SealedTokens = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(sealer.open(&sealed, &mall("hanbit")), Ok(pair()));
    assert_ne!(sealer.seal(&pair(), &mall("hanbit")).nonce, sealed.nonce, "a nonce is never used twice");
}

#[test]
fn a_sealed_pair_does_not_open_for_another_mall() {
    let sealer = sealer(&[&generate_key()]);
    let sealed = sealer.seal(&pair(), &mall("hanbit"));
    assert_eq!(sealer.open(&sealed, &mall("hanbit2")), Err(SealError::Broken));
}

#[test]
fn keys_rotate_the_first_seals_and_all_open() {
    let (old, new) = (generate_key(), generate_key());
    let before = sealer(&[&old]).seal(&pair(), &mall("hanbit"));
    let both = sealer(&[&new, &old]);
    assert_eq!(both.open(&before, &mall("hanbit")), Ok(pair()));
    assert!(!both.is_current(&before));
    let after = both.seal(&pair(), &mall("hanbit"));
    assert!(both.is_current(&after));
    assert!(matches!(sealer(&[&old]).open(&after, &mall("hanbit")), Err(SealError::UnknownKey(_))));
}

#[test]
fn every_changed_byte_is_noticed() {
    let sealer = sealer(&[&generate_key()]);
    let sealed = sealer.seal(&pair(), &mall("hanbit"));
    for at in 0..sealed.ciphertext.len() {
        let mut broken = sealed.clone();
        let other = if broken.ciphertext.as_bytes()[at] == b'A' { "B" } else { "A" };
        broken.ciphertext.replace_range(at..=at, other);
        assert_eq!(sealer.open(&broken, &mall("hanbit")), Err(SealError::Broken), "at {at}");
    }
    let newer = SealedTokens { v: 2, ..sealed };
    assert_eq!(sealer.open(&newer, &mall("hanbit")), Err(SealError::UnknownFormat(2)));
}

#[rstest]
#[case::hexadecimal("00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", None)]
#[case::base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", None)]
#[case::short("AAAA", Some(InvalidKey::Line(1)))]
#[case::second_line("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nx", Some(InvalidKey::Line(2)))]
#[case::nothing("# none\n", Some(InvalidKey::Empty))]
fn keys_are_hexadecimal_or_base64(#[case] text: &str, #[case] error: Option<InvalidKey>) {
    assert_eq!(Sealer::from_keys(&Secret::new(text)).err(), error);
}
