//! Whether a daemon and a worker run: servers alone fetch nothing.

use common::store::Backlog;

use super::finding::Finding;
use super::{Doctor, without_postgres};
use crate::crew::{Absent, Crew, DAEMON, WORKER};
use crate::output::text::counted;

pub(super) const NAME: &str = "programs";

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let asked = async {
        let crew = Crew::read(&doctor.config, &doctor.control).await?;
        Ok((crew, doctor.control.backlog().await?))
    };
    match asked.await {
        Ok((crew, backlog)) => judge(&crew, waiting(&backlog)),
        Err(error) => vec![without_postgres(NAME, &error)],
    }
}

/// Jobs that somebody should be fetching; parked ones wait for a person.
fn waiting(backlog: &[Backlog]) -> i64 {
    backlog.iter().filter(|jobs| jobs.state != "parked").map(|jobs| jobs.jobs).sum()
}

fn judge(crew: &Crew, waiting: i64) -> Vec<Finding> {
    let absent: Vec<(Absent, &str)> = [
        crew.daemon.is_none().then_some((Absent::Daemon, DAEMON)),
        crew.workers.is_some_and(|workers| workers.alive == 0).then_some((Absent::Workers, WORKER)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if absent.is_empty() {
        // What to do about Redis its own check says.
        let workers = crew.workers.map_or_else(
            || "; which workers live is not known without Redis".to_owned(),
            |workers| format!(", {}", counted(workers.alive, "worker", "workers")),
        );
        return vec![Finding::good(NAME, format!("the daemon{workers}"))];
    }
    if waiting == 0 {
        // Before the first start this is as it should be, so it fails no check.
        let what: Vec<&str> = absent.iter().map(|(absent, _)| absent.what()).collect();
        return vec![Finding::note(NAME, format!("{}; nothing waits for them", what.join("; ")))];
    }
    let jobs = counted(waiting, "job waits", "jobs wait");
    let finding = |(absent, program): (Absent, &str)| {
        Finding::problem(NAME, format!("{}, and {jobs}", absent.what()), format!("start {program}"))
    };
    absent.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::crew::Workers;

    #[test]
    fn workers_that_nobody_can_be_asked_about_are_not_left_out() {
        let leader = common::store::Leader { instance: "sync1:4711".to_owned(), since: common::clock::now() };
        let found = judge(&Crew { daemon: Some(leader), workers: None }, 8);
        assert_eq!(found[0].what, "the daemon; which workers live is not known without Redis");
    }

    #[test]
    fn nobody_at_work_is_a_problem_once_something_waits() {
        let nobody = Crew { daemon: None, workers: Some(Workers::default()) };
        let levels = |crew: &Crew, waiting| -> Vec<Level> {
            judge(crew, waiting).into_iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels(&nobody, 0), [Level::Note]);
        assert_eq!(levels(&nobody, 124), [Level::Problem, Level::Problem]);
        let found = judge(&nobody, 124);
        assert_eq!(found[1].what, "no worker runs: nothing is fetched, and 124 jobs wait");
        assert_eq!(found[1].action.as_deref(), Some("start cafe24-sync-worker run"));
    }
}
