//! The host's services as methods: log, counters, submit, streams, verdicts.

/// The host, as one instance of a plugin sees it. Cheap to clone; may be used from any thread.
#[derive(Clone, Copy)]
pub struct Host {
    pub(crate) raw: &'static sysloom_abi::Host,
    /// The instance's id.
    pub(crate) me: u64,
}

/// What went wrong, in words that end up in one line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// The parameter at fault, by its name.
    pub param: Option<&'static str>,
    /// rsyslog's error code; 0 = none.
    pub code: i32,
    pub text: String,
}
