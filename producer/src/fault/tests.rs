use super::*;
use crate::output::golden::golden;

fn away() -> Fault {
    Fault::Unreachable {
        server: Server {
            name: "Postgres",
            url: "postgres://sync:***@db:5432/cafe24".to_owned(),
            setting: "postgres.url, from DATABASE_URL".to_owned(),
        },
        why: "nothing answered within 5 s".to_owned(),
        now: "nothing was changed".to_owned(),
    }
}

#[test]
fn an_error_says_code_what_why_now_and_do() {
    golden("error", |_| away().text());
}

#[test]
fn an_error_for_programs_is_one_document() {
    let document: serde_json::Value = serde_json::from_str(&away().json()).expect("JSON");
    assert_eq!(document["error"]["code"], "E-NET-01");
    assert_eq!(document["exit"], 5);
}

#[test]
fn exit_codes_are_those_of_the_handbook() {
    let codes = [
        (Exit::Done, 0),
        (Exit::Failed, 1),
        (Exit::Usage, 2),
        (Exit::Attention, 3),
        (Exit::Authorise, 4),
        (Exit::Unreachable, 5),
        (Exit::Config, 6),
        (Exit::Refused, 7),
        (Exit::Partial, 8),
        (Exit::TimedOut, 124),
        (Exit::Interrupted, 130),
    ];
    assert!(codes.iter().all(|(exit, code)| exit.code() == *code));
    assert_eq!(Fault::NoMasterKey.exit(), Exit::Config);
    assert_eq!(Fault::SchemaOlder(5).exit(), Exit::Failed);
}

#[test]
fn a_file_that_cannot_be_used_says_what_to_do() {
    let fault = Fault::File { path: "malls.csv".to_owned(), problem: "no such file".to_owned() };
    let document: serde_json::Value = serde_json::from_str(&fault.json()).expect("JSON");
    assert_eq!(document["error"]["do"], "mend that, or name another file, and repeat the command");
}
