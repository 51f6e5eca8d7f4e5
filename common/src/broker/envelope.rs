//! A job as a message: `{ v, job_id, mall_id, … }`, JSON.
//!
//! `v` is the major version. Fields that a version does not know are ignored within a major; a newer major is handed
//! back for a newer worker (`docs/adr/0005`). The message names a job; what is fetched is read from the ledger.

use chrono::{DateTime, Utc};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::job::{Job, WireJob};

/// The major version that this program writes.
const VERSION: u32 = 1;

/// No message of ours is longer, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct Message {
    v: u32,
    #[serde(flatten)]
    job: WireJob,
}

#[derive(Deserialize)]
struct Header {
    v: u32,
    job_id: Option<Uuid>,
    requested_at: Option<DateTime<Utc>>,
}

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope {
    /// A job.
    Job(Box<Job>),
    /// A job of a newer major version.
    Newer {
        /// That version.
        version: u32,
        /// When it was asked for, if it says so.
        requested_at: Option<DateTime<Utc>>,
    },
}

/// A message that is no job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable: {0}")]
pub struct Unreadable(String);

impl Envelope {
    /// Reads a message.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        if body.len() > MAX_BODY {
            return Err(Unreadable(format!("{} bytes, more than {MAX_BODY}", body.len())));
        }
        let header: Header = serde_json::from_slice(body).map_err(|error| Unreadable(error.to_string()))?;
        if header.v > VERSION {
            return Ok(Self::Newer { version: header.v, requested_at: header.requested_at });
        }
        if header.v == 0 {
            return Err(Unreadable("version 0".to_owned()));
        }
        let message: Message = serde_json::from_slice(body).map_err(|error| Unreadable(error.to_string()))?;
        let job = Job::try_from(message.job).map_err(|error| Unreadable(error.to_string()))?;
        Ok(Self::Job(Box::new(job)))
    }

    /// The id of the job that a message names, however little else of it can be read.
    pub fn job_id(body: &[u8]) -> Option<Uuid> {
        if body.len() > MAX_BODY {
            return None;
        }
        serde_json::from_slice::<Header>(body).ok().and_then(|header| header.job_id)
    }

    /// The message for a job.
    ///
    /// # Errors
    /// Never for a valid job; serde's signature asks for it.
    pub(super) fn write(job: &Job) -> Result<(Vec<u8>, BasicProperties), serde_json::Error> {
        let body = serde_json::to_vec(&Message { v: VERSION, job: WireJob::from(job) })?;
        let id = job.id.simple().to_string();
        let mut headers = FieldTable::default();
        // The job's id is the trace's id, so that a job can be followed from here to its commit.
        let trace = LongString::from(format!("00-{id}-{}-00", &id[16..]));
        headers.insert(ShortString::from("traceparent"), AMQPValue::LongString(trace));
        let properties = BasicProperties::default()
            .with_message_id(job.id.to_string().into())
            .with_type(format!("job.v{VERSION}").into())
            .with_app_id("cafe24-sync".into())
            .with_content_type("application/json".into())
            .with_timestamp(u64::try_from(job.requested_at.timestamp()).unwrap_or(0))
            .with_delivery_mode(2)
            .with_headers(headers);
        Ok((body, properties))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::broker::Topology;
    use crate::domain::hostile::texts;
    use crate::domain::ids::MallId;
    use crate::domain::job::Lane;

    proptest! {
        #[test]
        fn x01_no_text_of_a_message_becomes_a_mall_a_lane_or_a_routing_key(text in texts(), field in 0..4_usize) {
            let mut message: serde_json::Value = serde_json::from_str(V1).expect("JSON");
            let field = ["mall_id", "endpoint", "granularity", "lane"][field];
            message[field] = serde_json::Value::from(text.as_str());
            let read = Envelope::read(message.to_string().as_bytes());
            if field == "mall_id" {
                prop_assert_eq!(read.is_ok(), text.parse::<MallId>().is_ok());
            }
            if let Ok(Envelope::Job(job)) = read {
                let topology = Topology::new("");
                prop_assert!(["fresh", "backfill"].contains(&job.lane.as_str()));
                prop_assert!(Lane::ALL.map(|lane| topology.queue(lane)).contains(&topology.queue(job.lane)));
                let (_, properties) = Envelope::write(&job).expect("a valid job");
                // Nothing of the message's texts stands outside its body.
                let shown = format!("{properties:?}");
                prop_assert!(text.len() < 10 || !shown.contains(&text), "{shown}");
            }
        }

        #[test]
        fn d05_no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..300_usize) {
            let _whatever = Envelope::read(&bytes);
            let mut message = V1.as_bytes().to_vec();
            message.truncate(cut);
            message.extend(&bytes);
            let _whatever = Envelope::read(&message);
            let _whatever = Envelope::job_id(&message);
        }
    }

    /// A message of version 1 as it was released; every later version must read it (`docs/reliability.md` W5).
    const V1: &str = r#"{"v":1,"job_id":"4bf92f35-77b3-5da6-a3ce-929d0e0e4736","mall_id":"hanbit","shop_no":1,"endpoint":"visitors","granularity":"day","start":"2026-01-01","end":"2026-01-31","lane":"backfill","requested_at":"2026-02-16T01:00:00Z"}"#;

    #[test]
    fn w05_the_released_message_is_read_and_written_back_the_same() {
        let Ok(Envelope::Job(job)) = Envelope::read(V1.as_bytes()) else { panic!("a job") };
        let (body, _) = Envelope::write(&job).expect("a valid job");
        assert_eq!(String::from_utf8(body).expect("JSON is UTF-8"), V1);
    }

    #[test]
    fn w05_unknown_fields_are_ignored_and_a_newer_major_is_kept_for_a_newer_worker() {
        let more = V1.replace("\"v\":1", "\"v\":1,\"colour\":\"red\"");
        assert!(matches!(Envelope::read(more.as_bytes()), Ok(Envelope::Job(_))));
        let newer = V1.replace("\"v\":1", "\"v\":2");
        assert!(matches!(
            Envelope::read(newer.as_bytes()),
            Ok(Envelope::Newer { version: 2, requested_at: Some(_) })
        ));
    }

    #[rstest]
    #[case::empty("")]
    #[case::not_json("hello")]
    #[case::no_version(r#"{"job_id":"4bf92f35-77b3-5da6-a3ce-929d0e0e4736"}"#)]
    #[case::negative_version(r#"{"v":-1}"#)]
    #[case::no_job(r#"{"v":1}"#)]
    fn d05_what_is_no_job_is_unreadable(#[case] body: &str) {
        assert!(Envelope::read(body.as_bytes()).is_err());
    }

    #[rstest]
    #[case::sql_in_the_mall("hanbit", "'; drop table jobs; --")]
    #[case::unknown_endpoint("visitors", "salary")]
    #[case::negative_range("2026-01-31", "2025-01-31")]
    #[case::unknown_lane("backfill", "express")]
    fn d05_a_job_with_a_bad_field_is_unreadable(#[case] good: &str, #[case] bad: &str) {
        assert!(Envelope::read(V1.replace(good, bad).as_bytes()).is_err());
    }

    #[test]
    fn d05_ten_megabytes_are_not_parsed() {
        assert!(Envelope::read(&vec![b'['; 10 * 1024 * 1024]).is_err());
    }
}
