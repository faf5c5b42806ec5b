//! What a `ratelimit()` object and its policy files say. The files are read at the start, and again when they change.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use sysloom_config::plan::Object;
use sysloom_config::{Diagnostic, policy};
use sysloom_wire::pri;

/// What holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub bound: Bound,
    /// Only messages of this severity number and above are limited.
    pub severity: u8,
    /// For actions: what is above the burst waits rather than being lost.
    pub paces: bool,
    /// Each source is limited by itself.
    pub sources: Option<BySource>,
}

/// So many messages in so much time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bound {
    pub interval: Duration,
    pub burst: usize,
}

/// The bounds of sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BySource {
    /// None = the object's own.
    pub bound: Option<Bound>,
    pub single: HashMap<Vec<u8>, Bound>,
}

impl BySource {
    pub fn bound(&self, key: &[u8], usual: Bound) -> Bound {
        self.single.get(key).copied().or(self.bound).unwrap_or(usual)
    }
}

/// The object, whose files may say something else later.
#[derive(Default)]
pub(super) struct Given {
    rules: Rules,
    pub policy: Option<String>,
    pub source_policy: Option<String>,
    /// Files are watched, and read again after so much quiet.
    pub watch: Option<Duration>,
}

/// Something in a policy file that cannot be used.
pub(super) struct Complaint {
    /// The parameter that names the file.
    param: &'static str,
    pub text: String,
}

impl Complaint {
    pub fn at(self, object: &Object) -> Diagnostic {
        let span = object.values.span(self.param).unwrap_or(object.span);
        let then = if self.text.ends_with(UNKNOWN) { " and ignored" } else { "" };
        Diagnostic::error(super::WRONG, "rate-limit", format!("{}{then}", self.text), span)
    }
}

impl Given {
    pub fn new(object: &Object, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let values = &object.values;
        let number = |name| values.int(name).and_then(|n| u64::try_from(n).ok());
        let is_on = |name| values.bool(name).unwrap_or(false);
        let file = |name| values.str(name).filter(|name| !name.is_empty()).map(str::to_owned);
        let interval = Duration::from_secs(number("interval").unwrap_or(0));
        let quiet = values.str("policyWatchDebounce").map(|text| (text, time(text)));
        if let Some((text, None)) = quiet {
            let text = format!(
                "ratelimit '{}': policyWatchDebounce '{text}' is no time such as 500ms, 5s, 2m or 1h: it is 5s",
                object.name
            );
            let span = values.span("policyWatchDebounce").unwrap_or(object.span);
            diagnostics.push(Diagnostic::error(super::WRONG, "rate-limit", text, span));
        }
        Self {
            rules: Rules {
                bound: Bound { interval, burst: number("burst").unwrap_or(BURST) as usize },
                severity: number("severity").unwrap_or(0) as u8,
                paces: false,
                sources: is_on("perSource").then(BySource::default),
            },
            policy: file("policy"),
            source_policy: file("perSourcePolicy"),
            watch: is_on("policyWatch").then(|| quiet.and_then(|(_, time)| time).unwrap_or(QUIET)),
        }
    }

    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.policy.iter().chain(&self.source_policy).map(Path::new)
    }

    /// What the files are at the moment.
    pub fn stamps(&self) -> Vec<Stamp> {
        let stamp = |file: &Path| {
            let facts = std::fs::metadata(file).ok()?;
            Some((facts.dev(), facts.ino(), facts.size(), facts.mtime(), facts.mtime_nsec()))
        };
        self.files().map(stamp).collect()
    }

    /// Reads the files. What is not understood is left out, and said.
    pub fn read(&self) -> (Rules, Vec<Complaint>) {
        let mut reading = Reading { rules: self.rules.clone(), complaints: Vec::new(), sources: Vec::new() };
        if let Some(file) = &self.policy {
            reading.file("policy", file, "");
        }
        if let Some(file) = &self.source_policy {
            reading.file("perSourcePolicy", file, "perSource.");
        }
        reading.finish()
    }
}

/// What tells a file from what it was before; None = it is not there.
pub type Stamp = Option<(u64, u64, u64, i64, i64)>;

struct Reading {
    rules: Rules,
    complaints: Vec<Complaint>,
    /// What files say of sources, in their order; the first is for all that are not named.
    sources: Vec<Source>,
}

#[derive(Default)]
struct Source {
    /// Its place in the list of its file.
    place: String,
    key: Option<String>,
    interval: Option<Duration>,
    burst: Option<usize>,
}

impl Reading {
    fn file(&mut self, param: &'static str, file: &str, before: &str) {
        let mut wrong = |text: String| {
            self.complaints.push(Complaint { param, text: format!("policy file '{file}': {text}") });
        };
        let entries = match std::fs::read_to_string(file).map_err(|e| e.to_string()) {
            Ok(text) => policy::read(&text),
            Err(why) => Err(why),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(why) => return wrong(why),
        };
        for (key, value) in entries {
            let full = format!("{before}{key}");
            let understood = match full.strip_prefix("perSource") {
                Some(rest) if rest.is_empty() || rest.starts_with('.') => {
                    let (sources, rules) = (&mut self.sources, &mut self.rules);
                    of_sources(rest.trim_start_matches('.'), &value, rules, sources)
                }
                _ => of_all(&full, &value, &mut self.rules),
            };
            if !understood {
                wrong(format!("{key}: '{value}'{UNKNOWN}"));
            }
        }
    }

    fn finish(self) -> (Rules, Vec<Complaint>) {
        let Self { mut rules, mut complaints, sources } = self;
        let Some(by_source) = &mut rules.sources else { return (rules, complaints) };
        let usual = rules.bound;
        let over = |source: &Source, usual: Bound| Bound {
            interval: source.interval.unwrap_or(usual.interval),
            burst: source.burst.unwrap_or(usual.burst),
        };
        let general = sources.iter().find(|source| source.place.is_empty());
        by_source.bound = general.map(|source| over(source, usual));
        let usual = by_source.bound.unwrap_or(usual);
        for source in sources.iter().filter(|source| !source.place.is_empty()) {
            match &source.key {
                Some(key) => {
                    by_source.single.insert(key.clone().into_bytes(), over(source, usual));
                }
                None => {
                    let text = format!("entry {} of the overrides has no key", source.place);
                    complaints.push(Complaint { param: "policy", text });
                }
            }
        }
        (rules, complaints)
    }
}

/// Takes over what a policy says of all messages; false = it is not understood.
fn of_all(key: &str, value: &str, rules: &mut Rules) -> bool {
    match key {
        "interval" => time(value).map(|time| rules.bound.interval = time).is_some(),
        "burst" => value.parse::<u32>().map(|n| rules.bound.burst = n as usize).is_ok(),
        "severity" => {
            let number = value.parse().ok().filter(|n| (0..=7).contains(n));
            number.or_else(|| pri::severity_of(value)).map(|severity| rules.severity = severity).is_some()
        }
        "scope" => matches!(value, "input" | "output"),
        "mode" | "output.mode" => {
            rules.paces = value == "pace";
            matches!(value, "drop" | "pace")
        }
        _ => false,
    }
}

/// Takes over what a policy says of sources; false = it is not understood.
fn of_sources(key: &str, value: &str, rules: &mut Rules, sources: &mut Vec<Source>) -> bool {
    if key.is_empty() || key == "enabled" {
        let on = match value.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" => true,
            "off" | "false" | "no" => false,
            _ => return false,
        };
        rules.sources = if on { rules.sources.take().or_else(|| Some(BySource::default())) } else { None };
        return true;
    }
    let (place, what) = match key.strip_prefix("overrides.") {
        Some(rest) => match rest.split_once('.') {
            Some(split) => split,
            None => return false,
        },
        None => ("", key.strip_prefix("default.").unwrap_or(key)),
    };
    let at = sources.iter().position(|source| source.place == place).unwrap_or_else(|| {
        sources.push(Source { place: place.into(), ..Source::default() });
        sources.len() - 1
    });
    let Some(source) = sources.get_mut(at) else { return false };
    // Whoever says how much a source may send means that sources are limited.
    rules.sources.get_or_insert_default();
    match what {
        "key" if !place.is_empty() => source.key = Some(value.into()),
        "max" | "burst" => match value.parse::<u32>() {
            Ok(n) => source.burst = Some(n as usize),
            Err(_) => return false,
        },
        "window" | "interval" => match time(value) {
            Some(time) => source.interval = Some(time),
            None => return false,
        },
        _ => return false,
    }
    true
}

/// A time such as `500ms`, `5s`, `2m` or `1h`; a number alone is seconds.
fn time(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        _ => None,
    }
}

const UNKNOWN: &str = " is not understood";
const BURST: u64 = 10_000;
/// How quiet it must be about a file before it is read again.
const QUIET: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(policy: &str, source_policy: &str) -> (Rules, Vec<String>) {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("it is ours");
            (!text.is_empty()).then(|| path.display().to_string())
        };
        let rules = Rules { bound: bound(9, 9), ..Rules::default() };
        let (policy, source_policy) = (write("a", policy), write("b", source_policy));
        let (rules, wrong) = Given { rules, policy, source_policy, watch: None }.read();
        (rules, wrong.into_iter().map(|complaint| complaint.text).collect())
    }

    fn bound(seconds: u64, burst: usize) -> Bound {
        Bound { interval: Duration::from_secs(seconds), burst }
    }

    #[test]
    fn a_policy_speaks_of_all_and_of_each_source() {
        let of_sources = "default:\n  max: 5\n  window: 2m\noverrides:\n- key: big\n  max: 50\n- key: slow\n  window: 1h\n";
        let single = HashMap::from([(b"big".to_vec(), bound(120, 50)), (b"slow".to_vec(), bound(3600, 5))]);
        let by_source = BySource { bound: Some(bound(120, 5)), single };
        let nested = format!("interval: 3\nperSource:\n  {}", of_sources.trim_end().replace('\n', "\n  "));
        for (policy, source_policy, all) in [("interval: 3\n", of_sources, 3), (&nested, "", 3)] {
            let (rules, wrong) = read(policy, source_policy);
            assert_eq!(
                rules,
                Rules { bound: bound(all, 9), sources: Some(by_source.clone()), ..Rules::default() }
            );
            assert!(wrong.is_empty(), "{wrong:?}");
        }
        assert_eq!(read("perSource: on\n", "").0.sources, Some(BySource::default()));
        assert_eq!(read("perSource: off\n", "").0.sources, None);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (policy, named) in [
            ("burst: many\n", "burst: 'many'"),
            ("severity: 8\n", "severity: '8'"),
            ("perSource: maybe\n", "perSource: 'maybe'"),
            ("perSource:\n  window: 5 weeks\n", "perSource.window: '5 weeks'"),
            ("perSource:\n  overrides:\n  - max: 5\n", "entry 0 of the overrides has no key"),
            ("- 1\n", "only a mapping"),
        ] {
            let (_, wrong) = read(policy, "");
            assert!(matches!(&wrong[..], [one] if one.contains(named)), "{policy}: {wrong:?}");
        }
    }
}
