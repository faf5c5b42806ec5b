//! mmjsonparse: takes the JSON object that a message carries apart, so that its members are variables. An object is
//! known by the cookie before it, `@cee:` unless the configuration has another, or looked for in other text;
//! `$parsesuccess` says whether one was there.
#![forbid(unsafe_code)]

mod scan;

use sysloom_sdk::{Complaint, Counter, CounterKind, Host, Message, Modify, Params, Property, plugin};

/// `action(type="mmjsonparse")`.
#[derive(Params)]
pub struct ActionParams {
    /// What stands before the object, behind blanks; may be empty.
    #[param(default = "@cee:")]
    pub cookie: String,
    /// The variable that gets the object's members: `$!` and `$.` themselves, or anything below them or `$/`.
    #[param(default = "$!")]
    pub container: String,
    /// The whole message as received is looked at, not only its text.
    #[param(name = "useRawMsg", default = "off")]
    pub use_raw_msg: bool,
    /// `cookie`: the object stands behind the cookie; `find-json`: the first object in the text, wherever it stands.
    #[param(choices = "cookie|find-json", default = "cookie")]
    pub mode: String,
    /// So many bytes of the text are searched for an object by `find-json`.
    #[param(name = "max_scan_bytes", default = "65536", min = 1)]
    pub max_scan_bytes: usize,
    /// Text may stand behind an object that `find-json` found.
    #[param(name = "allow_trailing", default = "on")]
    pub allow_trailing: bool,
}

/// One action.
pub struct JsonParse {
    mode: Mode,
    source: Property,
    container: Property,
    parsesuccess: Property,
}

/// How the object is known.
enum Mode {
    Cookie(Vec<u8>),
    FindJson { most: usize, allow_trailing: bool, scans: Box<Scans> },
}

/// What all actions that look for objects count.
struct Scans {
    attempted: Counter,
    found: Counter,
    failed: Counter,
    /// Of those that failed: there was more text than was searched.
    truncated: Counter,
}

impl Modify for JsonParse {
    const NAME: &'static str = "mmjsonparse";
    type Module = ();
    type Settings = ActionParams;
    /// The object's text.
    type Worker = Vec<u8>;

    fn new(_: &(), params: ActionParams, host: Host) -> Result<Self, Complaint> {
        let name = &params.container;
        let bad = |_| {
            let text =
                format!("invalid container name '{name}', name must start with either '$!', '$.', or '$/'");
            Complaint::new(text).param("container").code(NOT_ALLOWED)
        };
        let is_variable = ["$!", "$.", "$/"].iter().any(|root| name.starts_with(root));
        let container = if is_variable { host.property(name) } else { Err(Complaint::new("")) };
        Ok(Self {
            mode: match params.mode.as_str() {
                "find-json" => Mode::FindJson {
                    most: params.max_scan_bytes,
                    allow_trailing: params.allow_trailing,
                    scans: Box::new(Scans::new(host)),
                },
                _ => Mode::Cookie(params.cookie.into_bytes()),
            },
            source: host.property(if params.use_raw_msg { "rawmsg" } else { "msg" })?,
            container: container.map_err(bad)?,
            parsesuccess: host.property("parsesuccess")?,
        })
    }

    fn worker(&self) -> Result<Vec<u8>, Complaint> {
        Ok(Vec::new())
    }

    fn modify(&self, json: &mut Vec<u8>, message: &mut Message<'_>) -> Result<(), Complaint> {
        json.clear();
        let text = trimmed(message.get(self.source).unwrap_or_default());
        let parsed = match &self.mode {
            Mode::Cookie(cookie) => {
                let marked = text.strip_prefix(cookie.as_slice());
                json.extend_from_slice(marked.unwrap_or(text));
                let is_object = marked.is_some() && trimmed(json).first() == Some(&b'{');
                is_object && message.set_json(self.container, json)
            }
            Mode::FindJson { most, allow_trailing, scans } => {
                json.extend_from_slice(text);
                let found = self.find(message, json, *most, *allow_trailing);
                scans.count(found, json.len() > *most);
                found
            }
        };
        if !parsed {
            // rsyslog: what is left of the text becomes a member then.
            let object = member(json);
            message.set_json(self.container, &object);
        }
        message.set(self.parsesuccess, if parsed { b"OK" } else { b"FAIL" });
        Ok(())
    }
}

impl JsonParse {
    /// Takes the first object of the text apart.
    fn find(&self, message: &mut Message<'_>, text: &[u8], most: usize, allow_trailing: bool) -> bool {
        let searched = text.get(..most).unwrap_or(text);
        let mut from = 0;
        while let Some((start, end)) = scan::object(searched, from) {
            if !allow_trailing && !trimmed(text.get(end..).unwrap_or_default()).is_empty() {
                return false;
            }
            if message.set_json(self.container, text.get(start..end).unwrap_or_default()) {
                return true;
            }
            from = start + 1;
        }
        false
    }
}

impl Scans {
    fn new(host: Host) -> Self {
        let counter = |name| host.counter_of("mmjsonparse", "mmjsonparse", name, CounterKind::default());
        Self {
            attempted: counter("scan.attempted"),
            found: counter("scan.found"),
            failed: counter("scan.failed"),
            truncated: counter("scan.truncated"),
        }
    }

    fn count(&self, found: bool, is_longer: bool) {
        self.attempted.add(1);
        if found {
            self.found.add(1);
            return;
        }
        self.failed.add(1);
        if is_longer {
            self.truncated.add(1);
        }
    }
}

plugin! { name: "mmjsonparse", modifiers: [JsonParse] }

/// Without the blanks before it, as C knows blanks.
fn trimmed(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    text.get(blanks..).unwrap_or_default()
}

/// An object whose member `msg` is the text.
fn member(text: &[u8]) -> Vec<u8> {
    let mut json = b"{\"msg\":\"".to_vec();
    for byte in text {
        match byte {
            b'"' | b'\\' => json.extend([b'\\', *byte]),
            0..0x20 => json.extend(format!("\\u{byte:04x}").bytes()),
            _ => json.push(*byte),
        }
    }
    json.extend_from_slice(b"\"}");
    json
}

/// rsyslog's code for a parameter's value that cannot be.
const NOT_ALLOWED: i32 = 2207;

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{TestHost, TestMessage, check_readme, settings, table};

    /// What the container, and `parsesuccess`, are after a message.
    fn parsed(pairs: &[(&'static str, &str)], msg: &str) -> (String, String) {
        let host = TestHost::new();
        let action = JsonParse::new(&(), settings(pairs).unwrap(), host.host()).unwrap();
        let mut message = TestMessage::new(&host, &format!("<13>h su: {msg}"));
        message.set("msg", msg);
        let mut worker = action.worker().unwrap();
        message.lend(|message| action.modify(&mut worker, message)).unwrap();
        let container = pairs.iter().find(|(name, _)| *name == "container").map_or("$!", |(_, name)| name);
        (message.get(container), message.get("parsesuccess"))
    }

    #[test]
    fn objects_behind_the_cookie_are_parsed() {
        for (msg, want, success) in [
            (" @cee: {\"a\":1}", " {\"a\":1}", "OK"),
            ("\t@cee:{}", "{}", "OK"),
            (" @cee: [1]", r#"{"msg":" [1]"}"#, "FAIL"),
            (" @cee: {\"a\":", r#"{"msg":" {\"a\":"}"#, "FAIL"),
            (" @CEE: {}", r#"{"msg":"@CEE: {}"}"#, "FAIL"),
            (" a\\b\u{1}", r#"{"msg":"a\\b\u0001"}"#, "FAIL"),
            ("", r#"{"msg":""}"#, "FAIL"),
        ] {
            assert_eq!(parsed(&[], msg), (want.into(), success.into()), "{msg:?}");
        }
        let bare = [("cookie", ""), ("container", "$.x!y")];
        assert_eq!(parsed(&bare, "  {\"a\":1}"), ("{\"a\":1}".into(), "OK".into()));
        let raw = [("cookie", "<13>h su:"), ("useRawMsg", "on")];
        assert_eq!(parsed(&raw, "{}"), (" {}".into(), "OK".into()));
    }

    #[test]
    fn objects_are_found_in_other_text() {
        let find = |more: &[(&'static str, &str)], msg: &str| {
            let pairs: Vec<_> = [("mode", "find-json")].into_iter().chain(more.iter().copied()).collect();
            parsed(&pairs, msg)
        };
        let ok = |json: &str| (json.to_owned(), "OK".to_owned());
        let fail = |msg: &str| (format!("{{\"msg\":\"{msg}\"}}"), "FAIL".to_owned());
        assert_eq!(find(&[], " a {b} {\"c\":1} d {}"), ok("{\"c\":1}"));
        assert_eq!(find(&[], " nothing"), fail("nothing"));
        let whole = [("allow_trailing", "off")];
        assert_eq!(find(&whole, " a {\"c\":1} \t"), ok("{\"c\":1}"));
        assert_eq!(find(&whole, " a {} d"), fail("a {} d"));
        assert_eq!(find(&[("max_scan_bytes", "4")], "a {}{\"c\":1}"), ok("{}"));
        assert_eq!(find(&[("max_scan_bytes", "3")], "a {}"), fail("a {}"));
    }

    #[test]
    fn searches_are_counted() {
        let host = TestHost::new();
        let pairs = [("mode", "find-json"), ("max_scan_bytes", "5")];
        let action = JsonParse::new(&(), settings(&pairs).unwrap(), host.host()).unwrap();
        for msg in ["{}", "none", "none within five"] {
            let mut message = TestMessage::new(&host, msg);
            message.lend(|message| action.modify(&mut Vec::new(), message)).unwrap();
        }
        let mut counts = Vec::new();
        host.host()
            .walk_stats(false, |stat| counts.extend(stat.map(|stat| (stat.name.to_owned(), stat.value))));
        let want = [("scan.attempted", 3), ("scan.found", 1), ("scan.failed", 2), ("scan.truncated", 1)];
        assert_eq!(counts, want.map(|(name, count)| (name.to_owned(), count)));
    }

    #[test]
    fn a_container_must_be_a_variable() {
        let host = TestHost::new();
        let action = JsonParse::new(&(), settings(&[("container", "msg")]).unwrap(), host.host());
        assert!(action.is_err_and(|why| why.to_string().contains("invalid container name 'msg'")));
    }

    #[test]
    fn the_readme_has_the_tables() {
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("action", table::<ActionParams>())]);
    }
}
