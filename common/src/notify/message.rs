//! A message, in both forms.

use serde::Serialize;
use serde_json::{Value, json};

/// What is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It was first seen.
    Opened,
    /// It is open for another day.
    StillOpen,
    /// It is over.
    Closed,
    /// A person tries the webhook.
    Test,
}

/// One alert, told once.
#[derive(Debug, Clone, Serialize)]
pub struct Message<'a> {
    /// Which installation.
    pub profile: &'a str,
    /// What is told.
    pub event: Event,
    /// The alert's number; `None`: a test.
    pub alert_id: Option<i64>,
    /// What kind of cause.
    pub kind: &'a str,
    /// Malls it concerns.
    pub malls: i64,
    /// What it is.
    pub text: &'a str,
    /// What to do.
    #[serde(rename = "do")]
    pub action: &'a str,
    /// When it was first seen, RFC 3339.
    pub opened_at: &'a str,
    /// When it was over, RFC 3339.
    pub closed_at: Option<&'a str>,
}

impl Message<'_> {
    /// All of it, for programs.
    pub(super) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// For people, as Slack and those who speak like it take it.
    pub(super) fn slack(&self) -> Value {
        let text = escape(self.text);
        let head = match self.event {
            Event::Opened => format!(":rotating_light: {text}"),
            Event::StillOpen => format!(":rotating_light: still: {text}"),
            Event::Closed => format!(":white_check_mark: over: {text}"),
            Event::Test => format!(":wave: {text}"),
        };
        let action = match (self.event, self.action) {
            (Event::Closed, _) | (_, "") => String::new(),
            (_, action) => format!("\n→ {}", escape(action)),
        };
        json!({ "text": format!("[{}] {head}{action}", escape(self.profile)) })
    }
}

/// Slack's three: without them a foreign text could mention everybody (`<!channel>`).
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: Event) -> Message<'static> {
        Message {
            profile: "agency-prod",
            event,
            alert_id: Some(7),
            kind: "needs_consent",
            malls: 4_012,
            text: "not authorised <!channel>: 4,012 malls",
            action: "cafe24-sync connect MALL",
            opened_at: "2026-02-16T10:42:00+09:00",
            closed_at: None,
        }
    }

    #[test]
    fn a_foreign_text_mentions_nobody_in_slack() {
        let text = message(Event::Opened).slack()["text"].to_string();
        assert_eq!(
            text,
            "\"[agency-prod] :rotating_light: not authorised &lt;!channel&gt;: 4,012 malls\\n→ cafe24-sync connect MALL\""
        );
    }

    #[test]
    fn what_is_over_asks_nobody_to_do_anything() {
        assert!(!message(Event::Closed).slack()["text"].to_string().contains('→'));
    }

    #[test]
    fn programs_get_every_field() {
        let json = message(Event::StillOpen).json();
        assert_eq!(
            (&json["event"], &json["malls"], &json["do"]),
            (&"still_open".into(), &4_012.into(), &"cafe24-sync connect MALL".into())
        );
    }
}
