//! `db grants`: the three roles, who reads, and what is missing, as SQL for whoever may run it.

mod analyst;

use std::fmt::Write;

use common::domain::ids::ReaderName;
use common::store::{Reader, RightsGranted, RoleMembers};
use serde_json::{Value, json};

use crate::cli::GrantsArgs;
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, with_times};
use crate::output::paint::{command, good, warn};
use crate::output::plain::NONE;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{clean, counted};

/// What there is.
struct Grants {
    roles: Vec<RoleMembers>,
    readers: Vec<Reader>,
    missing: Vec<String>,
}

pub(super) async fn run(context: &Context, args: &GrantsArgs) -> Result<Exit, Fault> {
    if let Some(name) = &args.revoke {
        return revoke(context, name).await;
    }
    if let (Some(name), Some(agency)) = (&args.analyst, &args.agency) {
        return analyst::run(context, args, name, agency).await;
    }
    let control = context.database().await?;
    let store = |error| context.store(error);
    let mut refused = false;
    if args.apply {
        match control.grant_rights().await.map_err(store)? {
            RightsGranted::Done(0) => {}
            RightsGranted::Done(run) => {
                let run = i64::try_from(run).unwrap_or(i64::MAX);
                context.output.note(&format!("{} run", counted(run, "statement", "statements")));
            }
            RightsGranted::NotAllowed(_) => {
                refused = true;
                context
                    .output
                    .note("this role may not run all of them: what is missing below is for whoever may");
            }
        }
    }
    let grants = Grants {
        roles: control.role_members().await.map_err(store)?,
        readers: control.readers().await.map_err(store)?,
        missing: control.missing_rights_sql().await.map_err(store)?,
    };
    if context.output.is_for_programs() {
        context.output.document(&Document::new(grants.document()?, common::clock::now()))?;
    } else {
        context.output.answer(&grants.text(context.output.width()))?;
    }
    Ok(if refused { Exit::Refused } else { Exit::Done })
}

async fn revoke(context: &Context, name: &ReaderName) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let was = control.revoke_reader(name, &Context::actor()).await.map_err(|error| context.store(error))?;
    let text = if was {
        format!("{} {name} sees nothing any more", good("✓"))
    } else {
        format!("{name} was no reader")
    };
    context.say(json!({ "reader": name.as_str(), "revoked": was }), &text)?;
    if was {
        context.output.note(&format!(
            "the role is still there; as who may:  DROP OWNED BY \"{name}\"; DROP ROLE \"{name}\";"
        ));
    }
    Ok(Exit::Done)
}

impl Grants {
    fn document(&self) -> Result<Value, Fault> {
        let readers: Vec<Value> = self
            .readers
            .iter()
            .map(|reader| with_times(reader, &[("granted_at", Some(reader.granted_at))]))
            .collect::<Result<_, _>>()?;
        Ok(json!({ "roles": self.roles, "readers": readers, "missing": self.missing }))
    }

    fn text(&self, width: Option<usize>) -> String {
        let mut out = String::new();
        for role in &self.roles {
            let mark = if role.exists { good("✓") } else { warn("!") };
            let members = match (role.exists, role.members.as_slice()) {
                (false, _) => "not there".to_owned(),
                (true, []) => "nobody logs in as a member".to_owned(),
                (true, members) => members.join(", "),
            };
            let _ = writeln!(out, "{mark} {:<16} {}", role.role, clean(&members));
        }
        if !self.readers.is_empty() {
            out.push('\n');
            out.push_str(&self.readers().text(width));
        }
        if self.missing.is_empty() {
            let _ = writeln!(out, "\n{} granted as it should be", good("✓"));
        } else {
            let missing = i64::try_from(self.missing.len()).unwrap_or(i64::MAX);
            let _ = writeln!(
                out,
                "\n{} {} missing → {}, or as the owner of the tables:",
                warn("!"),
                counted(missing, "statement", "statements"),
                command("cafe24-sync db grants --apply")
            );
            for statement in &self.missing {
                let _ = writeln!(out, "  {statement}");
            }
        }
        out
    }

    fn readers(&self) -> Table {
        let row = |reader: &Reader| {
            vec![
                reader.role.as_str().into(),
                reader.agency.as_str().into(),
                reader.purpose.as_deref().map_or_else(|| Cell::new("any", NONE), Cell::from),
                Cell::count(reader.malls),
                Cell::time(reader.granted_at),
                reader.trouble.as_deref().map_or_else(|| Cell::new("", NONE), Cell::from),
            ]
        };
        Table::new(&COLUMNS, self.readers.iter().map(row))
    }
}

const COLUMNS: [Column; 6] = [
    Column::left("READER", "role"),
    Column::left("AGENCY", "agency"),
    Column::left("PURPOSE", "purpose"),
    Column::right("MALLS", "malls"),
    Column::left("SINCE", "granted_at").may_go(1),
    Column::flowing("TROUBLE", "trouble"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

    #[test]
    fn one_screen_says_who_may_read_and_what_is_missing() {
        let role = |role: &str, exists, members: &[&str]| RoleMembers {
            role: role.to_owned(),
            exists,
            members: members.iter().map(|name| (*name).to_owned()).collect(),
        };
        let reader = |role: &str, purpose: Option<&str>, malls, trouble: Option<&str>| Reader {
            role: role.to_owned(),
            agency: "hanok".to_owned(),
            purpose: purpose.map(str::to_owned),
            malls,
            granted_by: "kim@desk".to_owned(),
            granted_at: at(),
            trouble: trouble.map(str::to_owned),
        };
        let grants = Grants {
            roles: vec![
                role("cafe24_producer", true, &["sync"]),
                role("cafe24_worker", false, &[]),
                role("cafe24_analyst", true, &[]),
            ],
            readers: vec![
                reader("kim", None, 1_204, None),
                reader("lee", Some("ads"), 3, Some("may not log in")),
            ],
            missing: vec![
                "CREATE ROLE cafe24_worker NOLOGIN;".to_owned(),
                "GRANT SELECT, UPDATE ON TABLE jobs TO cafe24_worker;".to_owned(),
            ],
        };
        golden("db_grants", |width| grants.text(width));
        assert_eq!(
            grants.document().expect("a document")["readers"][0]["granted_at"],
            "2026-02-16T10:42:00+09:00"
        );
    }
}
