//! Log lines as JSON, one object a line: flat, with the fields of all spans around an event.

use std::fmt;
use std::io::Write;

use chrono::SecondsFormat;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields;
use crate::clock;
use crate::domain::text::printable_json;

/// Writes a line an event. An inner span's field hides an outer one's, and the event's own hides both.
pub(super) struct JsonLines<W> {
    pub(super) writer: W,
}

/// The fields of a span, kept with it.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Fields::default();
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        event.record(&mut line);
        let mut text = head(event, &mut line.0);
        for (name, value) in &line.0 {
            push(&mut text, name, value);
        }
        text.push_str("}\n");
        // One write a line, so that lines of threads do not mix. Nobody is left to tell if it fails.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(text.as_bytes());
    }
}

/// What every line begins with, in this order.
fn head(event: &Event<'_>, fields: &mut Map<String, Value>) -> String {
    let metadata = event.metadata();
    let mut text = String::with_capacity(256);
    text.push('{');
    let ts = clock::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    push(&mut text, fields::TS, &ts.into());
    push(&mut text, fields::LEVEL, &metadata.level().as_str().to_ascii_lowercase().into());
    for name in [fields::EVENT, fields::MSG] {
        if let Some(value) = fields.remove(name) {
            push(&mut text, name, &value);
        }
    }
    push(&mut text, fields::TARGET, &metadata.target().into());
    text
}

fn push(text: &mut String, name: &str, value: &Value) {
    if !text.ends_with('{') {
        text.push(',');
    }
    text.push_str(&printable_json(&Value::from(name).to_string()));
    text.push(':');
    text.push_str(&printable_json(&value.to_string()));
}

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        let name = if field.name() == "message" { fields::MSG } else { field.name() };
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}
