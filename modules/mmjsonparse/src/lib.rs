//! mmjsonparse: takes the JSON object that a message carries apart, so that its members are variables. An object is
//! known by the cookie before it, `@cee:` unless the configuration has another; `$parsesuccess` says whether one was
//! there.
#![forbid(unsafe_code)]

use sysloom_sdk::{Complaint, Host, Message, Modify, Params, Property, plugin};

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
}

/// One action.
pub struct JsonParse {
    cookie: Vec<u8>,
    source: Property,
    container: Property,
    parsesuccess: Property,
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
            cookie: params.cookie.into_bytes(),
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
        let marked = text.strip_prefix(self.cookie.as_slice());
        json.extend_from_slice(marked.unwrap_or(text));
        let is_object = marked.is_some() && trimmed(json).first() == Some(&b'{');
        let parsed = is_object && message.set_json(self.container, json);
        if !parsed {
            // rsyslog: what is left of the text becomes a member then.
            let object = member(json);
            message.set_json(self.container, &object);
        }
        message.set(self.parsesuccess, if parsed { b"OK" } else { b"FAIL" });
        Ok(())
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
