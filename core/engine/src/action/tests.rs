//! The retry machine against a scripted output.

use super::*;
use std::collections::VecDeque;

/// Answers from two lists; when a list is empty everything works.
struct Scripted {
    commits: VecDeque<Delivered>,
    resumes: VecDeque<Result<(), Fault>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Deliver for Scripted {
    fn commit(&mut self, records: &Outbox) -> Delivered {
        let answer = self.commits.pop_front().unwrap_or(Delivered::Done);
        if matches!(answer, Delivered::Done) {
            let mut seen = self.seen.lock().unwrap();
            for row in 0..records.len() {
                seen.push(String::from_utf8(records.cell(row, 0).to_vec()).unwrap());
            }
        }
        answer
    }

    fn resume(&mut self) -> Result<(), Fault> {
        self.resumes.pop_front().unwrap_or(Ok(()))
    }
}

fn action(retry_count: i64) -> Action {
    let policy = Policy {
        retry_count,
        interval: Duration::from_millis(1),
        interval_max: Duration::from_secs(1800),
        report_suspension: true,
        report_continuation: false,
    };
    let log = Logger::root(slog::Discard, slog::o!());
    Action::new("a".into(), "m".into(), policy, log, &Stats::default())
}

fn run(
    action: &Action,
    commits: Vec<Delivered>,
    resumes: Vec<Result<(), Fault>>,
    texts: &[&str],
) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let script = Scripted { commits: commits.into(), resumes: resumes.into(), seen: Arc::clone(&seen) };
    let mut attempt = Attempt::new(Box::new(script));
    let mut outbox = Outbox::new(1);
    for (i, text) in texts.iter().enumerate() {
        outbox.add(i as u64, |_, out| out.extend_from_slice(text.as_bytes()));
    }
    action.commit(&mut attempt, &mut outbox);
    assert!(outbox.is_empty());
    seen.lock().unwrap().clone()
}

#[test]
fn a_failure_that_a_resume_mends_loses_nothing() {
    let action = action(0);
    let got = run(&action, vec![Delivered::Suspended(Fault::new("gone"))], vec![], &["a", "b"]);
    assert_eq!(got, ["a", "b"]);
    assert_eq!(action.failed.load(Ordering::Relaxed), 0);
}

#[test]
fn without_retries_a_failed_resume_loses_the_batch_and_counts_it() {
    let action = action(0);
    let got =
        run(&action, vec![Delivered::Suspended(Fault::new("gone"))], vec![Err(Fault::new("still"))], &["a"]);
    assert!(got.is_empty());
    assert_eq!(action.failed.load(Ordering::Relaxed), 1);
    assert_eq!(action.suspended.load(Ordering::Relaxed), 1);
}

#[test]
fn retries_go_on_for_ever_when_asked_to() {
    let resumes = (0..30).map(|n| Err(Fault::new(format!("try {n}")))).collect();
    let got = run(&action(-1), vec![Delivered::Suspended(Fault::new("gone"))], resumes, &["a"]);
    assert_eq!(got, ["a"]);
}

#[test]
fn rows_have_fates_of_their_own() {
    let action = action(0);
    let each = Delivered::Each(vec![Row::Done, Row::Reject, Row::Retry], Fault::new("bad row"));
    let got = run(&action, vec![each], vec![], &["a", "b", "c"]);
    assert_eq!(got, ["c"]);
    assert_eq!(action.failed.load(Ordering::Relaxed), 1);
}

#[test]
fn a_disabled_action_stays_so() {
    let action = action(-1);
    assert!(run(&action, vec![Delivered::Disabled(Fault::new("no such thing"))], vec![], &["a"]).is_empty());
    assert!(run(&action, vec![], vec![], &["b"]).is_empty());
    assert_eq!(action.failed.load(Ordering::Relaxed), 2);
}
