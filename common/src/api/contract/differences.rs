//! What an answer has otherwise than the endpoint table.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::shape::{Amount, Field, Kind, Shape};
use crate::domain::endpoint::{Dialect, Grain, Wire};

/// One difference. It names keys and kinds, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The body is no JSON.
    NotJson,
    /// The answer is no object, so there is no wrapper.
    NoObject {
        /// What should be in it.
        wrapper: &'static str,
        /// What it is.
        kind: Kind,
    },
    /// HTTP 200 with `error` in it.
    ErrorKey,
    /// The rows do not stand where they should.
    NoWrapper {
        /// Where they should.
        wrapper: &'static str,
        /// What stands there, if anything.
        there: Option<Kind>,
        /// Other keys that hold lists.
        lists: Vec<String>,
    },
    /// A field that a row must have is missing.
    Missing {
        /// Which.
        field: &'static str,
        /// In all rows, or in some.
        in_all: bool,
    },
    /// A field's values are of other kinds than they should be.
    OtherKind {
        /// Which.
        field: &'static str,
        /// What it should be.
        wants: &'static str,
        /// What it is.
        kinds: BTreeSet<Kind>,
        /// Whether a worker takes it all the same.
        taken: bool,
    },
    /// A row has a field that the table does not know.
    New {
        /// Which.
        field: String,
        /// What it is.
        kinds: BTreeSet<Kind>,
    },
    /// Rows have a day where the table says one total for the range.
    Dated {
        /// The field with the day.
        field: String,
    },
    /// A total of the range where the table says rows by day, or the other way round; or the figures do not fit.
    OtherGrain {
        /// What a range of three days is beside its three days.
        found: super::Found,
    },
    /// A worker would refuse the answer at this place.
    Refused {
        /// As a JSON path.
        path: String,
    },
    /// Another status than 200.
    Status {
        /// Which.
        status: u16,
    },
}

impl Difference {
    /// A name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::ErrorKey => "error_key",
            Self::NoObject { .. } | Self::NoWrapper { .. } => "no_wrapper",
            Self::Missing { .. } => "missing_field",
            Self::OtherKind { field, .. } if field.contains("date") => "date_form",
            Self::OtherKind { .. } => "other_type",
            Self::New { .. } => "new_field",
            Self::Dated { .. } | Self::OtherGrain { .. } => "grain",
            Self::Refused { .. } => "refused",
            Self::Status { .. } => "status",
        }
    }

    /// Whether a worker stores such an answer all the same.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::OtherKind { taken, .. } => *taken,
            Self::New { .. } => true,
            Self::NotJson
            | Self::NoObject { .. }
            | Self::ErrorKey
            | Self::NoWrapper { .. }
            | Self::Missing { .. }
            | Self::Dated { .. }
            | Self::OtherGrain { .. }
            | Self::Refused { .. }
            | Self::Status { .. } => false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => write!(f, "the answer is not JSON"),
            Self::NoObject { wrapper, kind } => {
                write!(f, "there is no `{wrapper}`: the answer is a bare {kind}")
            }
            Self::ErrorKey => write!(f, "HTTP 200 with `error` in it"),
            Self::NoWrapper { wrapper, there, lists } => {
                match there {
                    Some(kind) => write!(f, "`{wrapper}` is no list ({kind})")?,
                    None => write!(f, "there is no `{wrapper}`")?,
                }
                if lists.is_empty() {
                    Ok(())
                } else {
                    write!(f, "; a list stands under {}", lists.join(", "))
                }
            }
            Self::Missing { field, in_all: true } => write!(f, "`{field}` is missing"),
            Self::Missing { field, in_all: false } => write!(f, "`{field}` is missing in some rows"),
            Self::OtherKind { field, wants, kinds, taken } => {
                write!(f, "`{field}` is {}, not {wants}", listed(kinds))?;
                if *taken { write!(f, "; taken all the same") } else { Ok(()) }
            }
            Self::New { field, kinds } => write!(f, "`{field}` is new ({})", listed(kinds)),
            Self::Dated { field } => {
                write!(f, "rows have a day (`{field}`), where one total for the range was known")
            }
            Self::OtherGrain { found } => write!(f, "{found}"),
            Self::Refused { path } => write!(f, "a worker would refuse it at {path}"),
            Self::Status { status } => write!(f, "HTTP {status}"),
        }
    }
}

impl Serialize for Difference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut item = serializer.serialize_struct("Difference", 3)?;
        item.serialize_field("code", self.code())?;
        item.serialize_field("text", &self.to_string())?;
        item.serialize_field("taken", &self.is_taken())?;
        item.end()
    }
}

fn listed(kinds: &BTreeSet<Kind>) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or ")
}

/// What is otherwise in the answer to a request for one day.
pub fn differences(body: &[u8], dialect: Dialect, wire: &'static Wire) -> Vec<Difference> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return vec![Difference::NotJson] };
    let Some(top) = body.as_object() else {
        return vec![Difference::NoObject { wrapper: wire.wrapper, kind: Kind::of(&body) }];
    };
    if top.get("error").is_some_and(|error| !error.is_null()) {
        return vec![Difference::ErrorKey];
    }
    let shape = Shape::of(&body, wire.wrapper);
    if shape.rows.is_none() {
        let lists = shape.top.iter().filter(|(_, kind)| *kind == Kind::List).map(|(key, _)| key.clone());
        let there = top.get(wire.wrapper).map(Kind::of);
        return vec![Difference::NoWrapper { wrapper: wire.wrapper, there, lists: lists.collect() }];
    }
    if shape.rows == Some(Amount::None) {
        return Vec::new();
    }
    let known = known(dialect, wire);
    let mut found: Vec<_> = known.iter().filter_map(|known| known.judge(&shape)).collect();
    found.extend(shape.fields.iter().filter_map(|field| stranger(field, &known, wire)));
    found
}

/// What the table says of a field.
struct Known {
    name: &'static str,
    required: bool,
    wants: &'static str,
    /// As documented.
    kinds: &'static [Kind],
    /// What a worker takes beside.
    taken: &'static [Kind],
}

const NUMBER: &[Kind] = &[Kind::Whole, Kind::Fraction];
const NUMBER_OR_TEXT: &[Kind] = &[Kind::Whole, Kind::Fraction, Kind::NumberText];
const ID: &[Kind] = &[Kind::Whole, Kind::NumberText, Kind::Text, Kind::Day, Kind::DayTime];
const ANY_DAY: &[Kind] = &[Kind::Day, Kind::DayTime];
const ANY: &[Kind] = &[
    Kind::Null,
    Kind::Bool,
    Kind::Whole,
    Kind::Fraction,
    Kind::NumberText,
    Kind::Day,
    Kind::DayTime,
    Kind::Text,
];

fn known(dialect: Dialect, wire: &'static Wire) -> Vec<Known> {
    // Real servers give money and rates in quotes; the specification's gives numbers.
    let (figure, figure_taken) = match dialect {
        Dialect::Seed => (NUMBER, NUMBER_OR_TEXT),
        Dialect::Live => (NUMBER_OR_TEXT, NUMBER_OR_TEXT),
    };
    let (day, day_taken): (&[Kind], _) = match dialect {
        Dialect::Seed => (&[Kind::Day], ANY_DAY),
        Dialect::Live => (ANY_DAY, ANY_DAY),
    };
    let field = |name, required, wants, kinds, taken| Known { name, required, wants, kinds, taken };
    let mut known = Vec::new();
    if let Grain::DayRows { date_field } = wire.grain {
        known.push(field(date_field, true, "a day", day, day_taken));
    }
    known.extend(wire.entity_field.map(|name| field(name, true, "a number or a text", ID, ID)));
    known.extend(wire.label_field.map(|name| field(name, false, "a text", ANY, ANY)));
    known
        .extend(wire.metrics.iter().map(|metric| field(metric.name, true, "a number", figure, figure_taken)));
    known.extend(
        wire.extra.iter().map(|extra| field(extra.name, extra.required, "a number", figure, figure_taken)),
    );
    known.extend(wire.left_out.iter().map(|name| field(name, false, "a number", ANY, ANY)));
    known
}

impl Known {
    fn judge(&self, shape: &Shape) -> Option<Difference> {
        let Some(field) = shape.fields.iter().find(|field| field.name == self.name) else {
            return self.required.then_some(Difference::Missing { field: self.name, in_all: true });
        };
        let others = |known: &[Kind]| field.kinds.iter().any(|kind| !known.contains(kind));
        if others(self.kinds) {
            let taken = !others(self.taken);
            return Some(Difference::OtherKind {
                field: self.name,
                wants: self.wants,
                kinds: field.kinds.clone(),
                taken,
            });
        }
        (self.required && !field.in_all).then_some(Difference::Missing { field: self.name, in_all: false })
    }
}

/// A field that the table does not know.
fn stranger(field: &Field, known: &[Known], wire: &Wire) -> Option<Difference> {
    if known.iter().any(|known| known.name == field.name) {
        return None;
    }
    let dated = field.kinds.iter().all(|kind| ANY_DAY.contains(kind));
    Some(if dated && wire.grain == Grain::RangeAggregate {
        Difference::Dated { field: field.name.clone() }
    } else {
        Difference::New { field: field.name.clone(), kinds: field.kinds.clone() }
    })
}
