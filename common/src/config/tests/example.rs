//! The annotated example and the README say what the sections declare.

use super::*;

const EXAMPLE: &str = include_str!("../../../../cafe24-sync.example.toml");
const README: &str = include_str!("../../../../README.md");

fn defaults() -> Config {
    config("", &[]).expect("defaults are valid")
}

#[test]
fn the_annotated_example_is_what_the_sections_declare() {
    let made = Config::example().expect("defaults are valid");
    let stale = "run: cafe24-sync config example > cafe24-sync.example.toml";
    for (shown, line) in EXAMPLE.lines().zip(made.lines()) {
        assert_eq!(shown, line, "{stale}");
    }
    assert_eq!(EXAMPLE.len(), made.len(), "{stale}");
    for line in made.lines() {
        assert!(line.chars().count() <= 120, "too long for an editor: {line}");
    }
}

#[test]
fn the_example_as_it_stands_changes_nothing() {
    let config = config(EXAMPLE, &[]).expect("valid");
    assert!(config.keys.iter().all(|info| info.origin == Origin::Default));
}

#[test]
fn every_default_of_the_example_is_the_default() {
    let text: String =
        EXAMPLE.lines().map(|line| line.strip_prefix("#= ").unwrap_or(line).to_owned() + "\n").collect();
    let config = config(&text, &[]).expect("valid");
    for (read, default) in config.keys.iter().zip(&defaults().keys) {
        assert_eq!(read.value, default.value, "{}", read.key);
        let set = matches!(read.origin, Origin::File { .. });
        assert_eq!(set, default.declaration.default.is_some(), "{}", read.key);
    }
}

#[test]
fn every_key_of_the_example_can_be_set_as_it_shows() {
    let secret = secret_file("example", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
    let webhook = secret_file("webhook", "https://hooks.slack.com/services/T0/B0/x\n");
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let setting =
            line.strip_prefix("#= ").or_else(|| line.strip_prefix("# ").filter(|l| l.contains(" = ")));
        let setting = setting.unwrap_or(line);
        let path = setting.split('"').nth(1).filter(|value| value.starts_with("/run/secrets/"));
        let file = if setting.starts_with("webhook_url_file") { &webhook } else { &secret };
        text += &path
            .map_or_else(|| setting.to_owned(), |path| setting.replace(path, &file.display().to_string()));
        text.push('\n');
    }
    let config = config(&text, &[]).expect("valid");
    for info in &config.keys {
        assert!(matches!(info.origin, Origin::File { .. }), "{} is not in the example", info.key);
    }
    for file in [secret, webhook] {
        std::fs::remove_file(file).expect("removed");
    }
}

#[test]
fn every_section_says_what_it_is_about_and_every_key_what_it_means() {
    let config = defaults();
    for info in &config.keys {
        let section = info.declaration.section();
        let announced = section.is_empty() || config.sections.iter().any(|known| known.name == section);
        assert!(announced, "[{section}] is not announced: call `section` before its keys");
        assert!(!info.declaration.doc.is_empty() && !info.declaration.doc.ends_with('.'), "{}", info.key);
    }
}

/// The rows of the README's table: keys and their defaults, as written.
fn readme_rows() -> Vec<(Vec<String>, Vec<String>)> {
    let words = |cell: &str| -> Vec<String> {
        cell.split(", ").map(|word| word.trim().trim_matches('`').to_owned()).collect()
    };
    let (_, table) = README.split_once("| key | default | meaning |").expect("the table of keys");
    table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split('|').collect();
            (words(cells[1]), words(cells[2]))
        })
        .collect()
}

#[test]
fn the_readme_lists_every_key_with_its_default() {
    let config = defaults();
    let mut listed = Vec::new();
    for (keys, shown) in readme_rows() {
        let mut section = String::new();
        for (index, key) in keys.iter().enumerate() {
            // `.cap` after `retry.base` is `retry.cap`.
            let key = if key.starts_with('.') { format!("{section}{key}") } else { key.clone() };
            key.rsplit_once('.').map_or("", |(section, _)| section).clone_into(&mut section);
            let info = config.keys.iter().find(|info| info.key == key || format!("{}_file", info.key) == key);
            let info = info.unwrap_or_else(|| panic!("README: there is no key `{key}`"));
            let default = info.declaration.default.as_deref().filter(|text| !text.is_empty()).unwrap_or("–");
            let shown = shown.get(index).or(shown.last()).expect("a default");
            assert_eq!(shown, default, "README: default of `{key}`");
            listed.push(info.key);
        }
    }
    for info in &config.keys {
        assert!(listed.contains(&info.key), "README: `{}` is missing", info.key);
    }
}

/// What the schema says of a key of the file.
fn property<'a>(schema: &'a serde_json::Value, section: &str, leaf: &str) -> &'a serde_json::Value {
    let root = &schema["properties"];
    let table = if section.is_empty() { root } else { &root[section]["properties"] };
    &table[leaf]
}

#[test]
fn the_schema_knows_every_key_and_takes_every_default() {
    let schema = Config::schema().expect("defaults are valid");
    for info in &defaults().keys {
        let declared = &info.declaration;
        let (section, leaf) = (declared.section(), declared.leaf());
        let file = property(&schema, section, &format!("{leaf}_file"));
        assert_eq!(file.is_object(), declared.place != Place::Here, "{}", info.key);
        let here = property(&schema, section, leaf);
        assert_eq!(
            here.is_object(),
            declared.place != Place::FileOnly,
            "{}: a secret stands in no file",
            info.key
        );
        let default = &here["default"];
        if declared.default.is_none() {
            assert!(default.is_null(), "{}", info.key);
            continue;
        }
        let fits = match here["type"].as_str() {
            Some("integer") => default.is_u64(),
            Some("number") => default.is_number(),
            Some("boolean") => default.is_boolean(),
            Some("string") => default.is_string(),
            _ => here["enum"].as_array().is_some_and(|words| words.contains(default)),
        };
        assert!(fits, "{}: {here}", info.key);
        if default.is_number() {
            let bound = |name: &str| here[name].as_f64().expect("a bound");
            let value = default.as_f64().expect("a number");
            assert!((bound("minimum")..=bound("maximum")).contains(&value), "{}", info.key);
        }
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["worker"]["additionalProperties"], false);
}
