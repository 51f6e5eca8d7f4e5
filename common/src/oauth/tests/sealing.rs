use chrono::{DateTime, TimeDelta};
use rstest::rstest;

use super::super::*;
use crate::config::Secret;
use crate::domain::ids::{AppId, MallId};

fn hanbit() -> MallId {
    "hanbit".parse().expect("valid")
}

fn place<'a>(agency: &'a str, mall: &'a MallId) -> Place<'a> {
    Place::Tokens { agency, mall }
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
    let sealed = sealer.seal(&pair(), place("agency", &hanbit()));
    let json = serde_json::to_string(&sealed).expect("JSON");
    assert!(!json.contains("canary") && !format!("{:?} {:?}", pair(), sealer).contains("canary"));
    let sealed: Sealed = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(sealer.open(&sealed, place("agency", &hanbit())), Ok(pair()));
    assert_ne!(
        sealer.seal(&pair(), place("agency", &hanbit())).nonce,
        sealed.nonce,
        "a nonce is never used twice"
    );
}

#[test]
fn x6_what_is_copied_to_another_place_does_not_open() {
    let sealer = sealer(&[&generate_key()]);
    let (mall, other) = (hanbit(), "hanbit2".parse().expect("valid"));
    let sealed = sealer.seal(&pair(), place("agency", &mall));
    assert_eq!(sealer.open(&sealed, place("agency", &other)), Err(SealError::Broken));
    assert_eq!(sealer.open(&sealed, place("agency2", &mall)), Err(SealError::Broken));
    let app: AppId = "hanbit".parse().expect("valid");
    assert!(sealer.open_text(&sealed, Place::App(&app)).is_err());
    let secret = sealer.seal_text(&Secret::new("canary-app"), Place::App(&app));
    assert_eq!(sealer.open_text(&secret, Place::App(&app)), Ok(Secret::new("canary-app")));
    assert!(sealer.open_text(&secret, Place::App(&"other".parse().expect("valid"))).is_err());
    assert!(sealer.open(&secret, place("agency", &mall)).is_err());
}

#[test]
fn x6_a_pair_of_the_first_format_opens_for_its_mall_and_is_due_for_sealing_again() {
    // Sealed by the release before, whose associated data was the mall and the column.
    let key = Secret::new("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    let sealed: Sealed = serde_json::from_str(include_str!("sealed_v1.json")).expect("its JSON");
    let sealer = sealer(&[&key]);
    assert_eq!(sealer.open(&sealed, place("any", &hanbit())), Ok(pair()));
    assert!(sealer.open(&sealed, place("any", &"hanbit2".parse().expect("valid"))).is_err());
    assert!(!sealer.is_current(&sealed));
    // The format stands outside the seal; claiming another one opens nothing.
    let claimed = Sealed { v: 2, ..sealed };
    assert_eq!(sealer.open(&claimed, place("any", &hanbit())), Err(SealError::Broken));
}

#[test]
fn keys_rotate_the_first_seals_and_all_open() {
    let (old, new) = (generate_key(), generate_key());
    let before = sealer(&[&old]).seal(&pair(), place("agency", &hanbit()));
    let both = sealer(&[&new, &old]);
    assert_eq!(both.open(&before, place("agency", &hanbit())), Ok(pair()));
    assert!(!both.is_current(&before));
    let after = both.seal(&pair(), place("agency", &hanbit()));
    assert!(both.is_current(&after));
    assert!(matches!(
        sealer(&[&old]).open(&after, place("agency", &hanbit())),
        Err(SealError::UnknownKey(_))
    ));
}

#[test]
fn every_changed_byte_is_noticed() {
    let sealer = sealer(&[&generate_key()]);
    let sealed = sealer.seal(&pair(), place("agency", &hanbit()));
    for at in 0..sealed.ciphertext.len() {
        let mut broken = sealed.clone();
        let other = if broken.ciphertext.as_bytes()[at] == b'A' { "B" } else { "A" };
        broken.ciphertext.replace_range(at..=at, other);
        assert_eq!(sealer.open(&broken, place("agency", &hanbit())), Err(SealError::Broken), "at {at}");
    }
    let newer = Sealed { v: 3, ..sealed };
    assert_eq!(sealer.open(&newer, place("agency", &hanbit())), Err(SealError::UnknownFormat(3)));
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

#[test]
fn x6_a_key_that_is_put_first_in_the_file_is_used_from_then_on() {
    let path = std::env::temp_dir().join(format!("cafe24-sync-keys-{}", uuid::Uuid::new_v4().simple()));
    let (old, new) = (generate_key(), generate_key());
    let config = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        let env = [("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE".to_owned(), path.display().to_string())];
        crate::config::Config::from_parts("", env.into_iter())
    };
    std::fs::write(&path, old.expose()).expect("a file");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("ours");
    let before = config(old.expose()).expect("valid");
    let running = Sealer::from_config(&before.oauth).expect("keys").expect("a key");
    let first = running.seal(&pair(), place("agency", &hanbit()));

    let both = format!("{}\n{}\n", new.expose(), old.expose());
    std::fs::write(&path, both).expect("a file");
    let theirs = sealer(&[&new]).seal(&pair(), place("agency", &hanbit()));
    assert_eq!(running.open(&theirs, place("agency", &hanbit())), Ok(pair()), "sealed by another process");
    assert_eq!(running.open(&first, place("agency", &hanbit())), Ok(pair()));
    assert_eq!(running.seal(&pair(), place("agency", &hanbit())).kid, theirs.kid);

    // A file that is broken meanwhile changes nothing.
    std::fs::write(&path, "broken").expect("a file");
    assert_eq!(running.seal(&pair(), place("agency", &hanbit())).kid, theirs.kid);
    std::fs::remove_file(&path).expect("ours");
}
