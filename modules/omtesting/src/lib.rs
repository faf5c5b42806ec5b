//! omtesting: an output that sleeps, fails and comes back on command, for tests of what the daemon does then.
#![forbid(unsafe_code)]

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use sysloom_sdk::{Commit, Complaint, Host, Outcome, Output, Params, Records, Worker, plugin};

/// `:omtesting:COMMAND`.
#[derive(Params)]
pub struct ActionParams {
    /// `sleep SEC USEC`, `fail FREQ RESUMEAFTER`, `randfail` or `always_suspend`; anything else is `sleep 1 0`.
    #[param(selector_text)]
    pub command: Option<String>,
    /// Print each message that succeeds.
    #[param(name = "echoStdout", default = "off", legacy = "ActionOMTestingEchoStdout:sticky")]
    pub echo: bool,
    /// Template of the records.
    #[param(template)]
    pub template: Option<String>,
}

/// One action. Its state is shared by all of its workers.
pub struct Omtesting {
    conduct: Mutex<Conduct>,
    echo: bool,
}

/// What an action does with messages.
#[derive(Debug, PartialEq, Eq)]
enum Conduct {
    Sleep(Duration),
    Fail { every: u64, resume_after: u64, calls: u64, failed: bool, resumes: u64 },
    Random(u64),
    Never,
}

impl Conduct {
    fn parse(text: &str) -> Self {
        let mut words = text.split_ascii_whitespace();
        let word = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        match word {
            "sleep" => {
                let seconds = Duration::from_secs(number());
                Self::Sleep(seconds.saturating_add(Duration::from_micros(number())))
            }
            "fail" => {
                let (every, resume_after) = (number(), number());
                Self::Fail { every, resume_after, calls: 1, failed: false, resumes: 0 }
            }
            "randfail" => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Self::Random(now.as_nanos() as u64 | 1)
            }
            "always_suspend" => Self::Never,
            _ => Self::Sleep(Duration::from_secs(1)),
        }
    }

    /// One message: how long it takes, or `None` if the action suspends itself.
    fn call(&mut self) -> Option<Duration> {
        match self {
            Self::Sleep(time) => Some(*time),
            Self::Fail { failed: true, .. } | Self::Never => None,
            Self::Fail { every, calls, failed, resumes, .. } => {
                let now = *calls;
                *calls += 1;
                if *every > 0 && now.is_multiple_of(*every) {
                    (*failed, *resumes) = (true, 0);
                    return None;
                }
                Some(Duration::ZERO)
            }
            Self::Random(state) => chance(state).then_some(Duration::ZERO),
        }
    }

    fn resume(&mut self) -> bool {
        match self {
            Self::Sleep(_) => true,
            Self::Never => false,
            Self::Random(state) => chance(state),
            Self::Fail { failed: false, .. } => true,
            Self::Fail { resume_after, failed, resumes, .. } => {
                *resumes += 1;
                *failed = *resumes < *resume_after;
                !*failed
            }
        }
    }
}

/// A toss of a coin.
fn chance(state: &mut u64) -> bool {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 63 == 0
}

impl Output for Omtesting {
    const NAME: &'static str = "omtesting";
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_TraditionalForwardFormat";
    type Module = ();
    type Settings = ActionParams;
    type Worker = Tester;

    fn new((): &(), params: ActionParams, _: Host) -> Result<Self, Complaint> {
        let conduct = Conduct::parse(params.command.as_deref().unwrap_or_default());
        Ok(Self { conduct: Mutex::new(conduct), echo: params.echo })
    }
}

impl Omtesting {
    fn conduct(&self) -> MutexGuard<'_, Conduct> {
        self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Tester;

impl Worker<Omtesting> for Tester {
    fn new(_: &Omtesting) -> Result<Self, Complaint> {
        Ok(Self)
    }

    fn commit(&mut self, output: &Omtesting, records: &Records<'_>) -> Commit {
        for (done, row) in records.rows().enumerate() {
            let time = output.conduct().call();
            let Some(time) = time else {
                if done == 0 {
                    return Commit::Suspended(Complaint::default());
                }
                let outcome = |at| if at < done { Outcome::Done } else { Outcome::Retry };
                return Commit::Each((0..records.len()).map(outcome).collect(), Complaint::default());
            };
            if !time.is_zero() {
                std::thread::sleep(time);
            }
            if output.echo {
                let mut stdout = std::io::stdout().lock();
                // Nobody may be reading; the message has succeeded all the same.
                let _ = stdout.write_all(row).and_then(|()| stdout.flush());
            }
        }
        Commit::Done
    }

    fn resume(&mut self, output: &Omtesting) -> Result<(), Complaint> {
        if output.conduct().resume() { Ok(()) } else { Err(Complaint::default()) }
    }
}

plugin! { name: "omtesting", outputs: [Omtesting] }

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use sysloom_sdk::testing::{Rows, TestHost, settings};

    fn commit(output: &Omtesting, n: usize) -> Commit {
        let host = TestHost::new();
        Rows::new(vec!["x\n"; n]).lend(&host, |records| Tester.commit(output, records))
    }

    fn make(command: &str) -> Omtesting {
        let host = TestHost::new();
        Omtesting::new(&(), settings(&[("command", command)]).unwrap(), host.host()).unwrap()
    }

    #[test]
    fn every_third_call_fails_and_the_second_resume_mends_it() {
        let output = make("fail 3 2");
        let Commit::Each(outcomes, _) = commit(&output, 4) else { panic!("the third call fails") };
        assert_eq!(outcomes, [Outcome::Done, Outcome::Done, Outcome::Retry, Outcome::Retry]);
        assert!(matches!(commit(&output, 1), Commit::Suspended(_)));
        assert!(Tester.resume(&output).is_err());
        assert!(Tester.resume(&output).is_ok());
        // Call 3 was the one that failed; 4 and 5 succeed, 6 fails.
        assert!(matches!(commit(&output, 2), Commit::Done));
        assert!(matches!(commit(&output, 1), Commit::Suspended(_)));
    }

    #[test]
    fn a_message_takes_its_time() {
        let (output, before) = (make("sleep 0 30000"), Instant::now());
        assert!(matches!(commit(&output, 2), Commit::Done));
        assert!(before.elapsed() >= Duration::from_millis(60));
        assert!(Tester.resume(&output).is_ok());
    }

    #[test]
    fn always_suspend_never_comes_back_and_randfail_does_both() {
        let output = make("always_suspend");
        assert!(matches!(commit(&output, 1), Commit::Suspended(_)) && Tester.resume(&output).is_err());
        let output = make("randfail");
        let fates: Vec<bool> = (0..200).map(|_| matches!(commit(&output, 1), Commit::Done)).collect();
        assert!(fates.contains(&true) && fates.contains(&false));
        let resumes: Vec<bool> = (0..200).map(|_| Tester.resume(&output).is_ok()).collect();
        assert!(resumes.contains(&true) && resumes.contains(&false));
    }

    #[test]
    fn an_unknown_command_sleeps_for_a_second() {
        for command in ["", "dance"] {
            assert_eq!(Conduct::parse(command), Conduct::Sleep(Duration::from_secs(1)));
        }
    }

    #[test]
    fn the_readme_has_the_tables() {
        use sysloom_sdk::testing::{check_readme, table};
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("action", table::<ActionParams>())]);
    }
}
