//! Tab-separated values: one line a row, nothing cut, for `cut`, `awk` and `sort`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::text::clean;

/// What stands where there is nothing: a shell's `read` takes several tabs for one.
pub const NONE: &str = "-";
/// What stands where nobody could say.
pub const UNKNOWN: &str = "?";

/// A heading line and the rows. Tabs and line ends inside a cell are control characters, so [`clean`] takes them out; an
/// empty cell is [`NONE`].
pub fn tsv(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = columns.join("\t");
    out.push('\n');
    for row in rows {
        let cells: Vec<_> = row
            .iter()
            .map(|cell| match clean(cell) {
                cell if cell.is_empty() => NONE.into(),
                cell => cell,
            })
            .collect();
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    out
}

/// A document as lines of a key and a value, for what is one thing and no list. The keys are those of `--json`, with a dot
/// before what lies within (`tokens.scopes`, `dead.0.class`). A document of `items` with nothing of more
/// than one value beside them is a line an item.
pub fn of_document(document: &Value) -> String {
    let is_list = document.as_object().is_some_and(|facts| facts.values().all(|fact| !fact.is_object()));
    if let Some(items) = document["items"].as_array().filter(|_| is_list) {
        return of_items(items);
    }
    let mut rows = Vec::new();
    walk(String::new(), document, &mut rows);
    // How the document was made is no fact of what it shows.
    rows.retain(|row| row[0] != "schema_version");
    tsv(&["key", "value"], &rows)
}

fn of_items(items: &[Value]) -> String {
    let facts: Vec<BTreeMap<String, String>> = items
        .iter()
        .map(|item| {
            let mut rows = Vec::new();
            walk(String::new(), item, &mut rows);
            rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
        })
        .collect();
    let names: BTreeSet<&str> = facts.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let row = |facts: &BTreeMap<String, String>| {
        names.iter().map(|name| facts.get(*name).cloned().unwrap_or_default()).collect()
    };
    tsv(&names, &facts.iter().map(row).collect::<Vec<_>>())
}

fn walk(key: String, value: &Value, rows: &mut Vec<Vec<String>>) {
    let inside = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| walk(inside(name), value, rows)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(place, value)| walk(inside(&place.to_string()), value, rows));
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            rows.push(vec![key, items.join(",")]);
        }
        value => rows.push(vec![key, scalar(value)]),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_cannot_make_a_column_or_a_line_and_none_is_empty() {
        assert_eq!(tsv(&["a", "b"], &[vec!["x\ty".into(), "z\n".into()]]), "a\tb\nxy\tz\n");
        assert_eq!(tsv(&["a", "b"], &[vec![String::new(), "\u{1b}".into()]]), "a\tb\n-\t-\n");
    }

    #[test]
    fn a_document_is_a_line_a_fact() {
        let document = json!({
            "schema_version": 1, "mall_id": "hanbit", "shops": [1, 2], "until": null, "paused": [],
            "tokens": { "scopes": ["a"] }, "dead": [{ "class": "x\ty", "jobs": 1204 }],
        });
        assert_eq!(
            of_document(&document),
            "key\tvalue\ndead.0.class\txy\ndead.0.jobs\t1204\nmall_id\thanbit\npaused\t-\nshops\t1,2\ntokens.scopes\ta\nuntil\t-\n"
        );
        let list =
            json!({ "items": [{ "check": "redis", "do": null }, { "check": "oauth", "level": "problem" }] });
        assert_eq!(of_document(&list), "check\tdo\tlevel\nredis\t-\t-\noauth\t-\tproblem\n");
    }
}
