//! `docs/endpoints.md` is what the table says.

use std::fmt::Write;

use super::*;

const PAGE: &str = include_str!("../../../../../docs/endpoints.md");

const HEAD: &str = "# Endpoints

Made from the table in `common/src/domain/endpoint/table.rs`; a test compares. A new endpoint is a new entry there, and no
new code: requests, pages, decoding, mapping, chunks and statements all read it.

A mall speaks one of two dialects (`malls import`, column `dialect`; default `cafe24.dialect`): `seed` is the API as it is
specified, `live` as real malls are seen to answer. Both end in the same rows. `endpoints` of the same file says what is
synchronised of a mall; without it, what both dialects have.

- **rows by day**: a row names its day; a request may ask for several. **one total**: a row is summed over the range and
  names no day, so a request asks for one day, and the day is that of the request. Longer chunks are never planned, and a
  job that wants one is refused without a request.
- **extra**: what has no column stands in the column `extra`, under the endpoint's name. So do fields that nobody knows
  yet, as far as they are short scalars and do not look like secrets.
- Week and month: seed only. Live has neither, and they are not made of days: unique visitors of a week are not the sum of
  its days.
- Live answers come in pages of 1,000 rows, sorted by their key. Each page but the first begins with the last row of the
  page before; is it another one by then, all pages are fetched again. All of them are stored, or none;
  of a day that is not over, what came.
- `cafe24.api_version` sends another version than the dialect's, or one where it has none; `cafe24.params` adds parameters to
  all requests.

";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for dialect in Dialect::ALL {
        heading(&mut page, dialect);
        for endpoint in Endpoint::all() {
            if let Some(wire) = endpoint.wire(dialect) {
                row(&mut page, endpoint, wire);
            }
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn heading(page: &mut String, dialect: Dialect) {
    let grammar = dialect.grammar();
    let params = [
        grammar.mall_param,
        grammar.shop_param,
        Some(grammar.start_param),
        Some(grammar.end_param),
        grammar.granularity_param,
    ];
    let params: Vec<String> = params
        .iter()
        .flatten()
        .map(|name| format!("`{name}`"))
        .chain(grammar.params.iter().map(|(name, value)| format!("`{name}={value}`")))
        .chain(grammar.paging.iter().flat_map(|paging| {
            [format!("`{}={}`", paging.limit_param, paging.size), format!("`{}`", paging.offset_param)]
        }))
        .collect();
    let version = grammar.version.map(|version| (VERSION_HEADER, version));
    let headers: Vec<String> =
        version.iter().chain(grammar.headers).map(|(name, value)| format!("`{name}: {value}`")).collect();
    let headers = headers.join(", ");
    let periods: Vec<&str> = grammar.granularities.iter().map(|granularity| granularity.as_str()).collect();
    let lines = format!(
        "## {dialect}\n\nScope `{}`. Headers: {headers}. Parameters: {}. Periods: {}.\n\n\
         | endpoint | path, parameters | rows | field → where |\n|---|---|---|---|\n",
        grammar.scope,
        params.join(", "),
        periods.join(", "),
    );
    page.push_str(&lines);
}

fn row(page: &mut String, endpoint: Endpoint, wire: &Wire) {
    let entity = endpoint.entity().as_str();
    let params: Vec<String> = wire.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let asked = if params.is_empty() { String::new() } else { format!(" `{}`", params.join("&")) };
    let grain = match wire.grain {
        Grain::DayRows { date_field } => format!("by day (`{date_field}`), {} days", wire.max_days),
        Grain::RangeAggregate => "one total".to_owned(),
    };
    let mut fields: Vec<String> = Vec::new();
    if let Some(name) = wire.entity_field {
        fields.push(format!("`{name}` → id"));
    }
    fields.extend(wire.aliases.iter().map(|(text, instead)| format!("`{text}` → `{instead}`")));
    if let Some(name) = wire.label_field {
        fields.push(format!("`{name}` → name"));
    }
    fields.extend(wire.metrics.iter().map(|field| format!("`{}` → {}", field.name, field.column.as_str())));
    fields.extend(wire.extra.iter().map(|field| format!("`{}` → extra", field.name)));
    fields.extend(wire.left_out.iter().map(|name| format!("`{name}` not kept")));
    let line = format!(
        "| `{endpoint}`: {} | `{}`{asked} | `{}`, {grain}, {entity} | {} |",
        endpoint.about(),
        wire.path,
        wire.wrapper,
        fields.join(", ")
    );
    writeln!(page, "{line}").expect("a String takes it");
}

#[test]
fn the_page_of_endpoints_is_what_the_table_says() {
    let made = page();
    assert!(PAGE == made, "docs/endpoints.md should be:\n{made}");
}
