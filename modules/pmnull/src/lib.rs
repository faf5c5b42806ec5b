//! pmnull: a parser that parses nothing. All of the text is the message; PRI and tag are what its parameters say.
#![forbid(unsafe_code)]

use sysloom_sdk::{Complaint, Host, Message, Params, Parse, Parser, Property, plugin};

/// `parser(type="pmnull")`.
#[derive(Params)]
pub struct ParserParams {
    /// The tag of all messages.
    pub tag: Option<String>,
    /// Their facility, a number or a name.
    // rsyslog: a name means eight times its number here, which is another facility or none.
    #[param(word, default = "1")]
    pub syslogfacility: String,
    /// Their severity.
    #[param(severity, max = 7, default = "5")]
    pub syslogseverity: u8,
}

/// One `parser()`, or `rsyslog.pmnull`.
pub struct Null {
    rawmsg: Property,
    msg: Property,
    pri: Property,
    syslogtag: Property,
    pri_text: String,
    tag: String,
}

impl Parser for Null {
    const NAME: &'static str = "pmnull";
    const PARSER_NAME: &'static str = "rsyslog.pmnull";
    type Module = ();
    type Settings = ParserParams;

    fn new(_: &(), params: ParserParams, host: Host) -> Result<Self, Complaint> {
        let facility = facility(&params.syslogfacility).ok_or_else(|| {
            let text =
                format!("'{}' is no facility: 0 to 23, or a name such as local0", params.syslogfacility);
            Complaint::new(text).param("syslogfacility")
        })?;
        Ok(Self {
            rawmsg: host.property("rawmsg")?,
            msg: host.property("msg")?,
            pri: host.property("pri")?,
            syslogtag: host.property("syslogtag")?,
            pri_text: (facility * 8 + usize::from(params.syslogseverity)).to_string(),
            tag: params.tag.unwrap_or_default(),
        })
    }

    fn parse(&self, message: &mut Message<'_>) -> Parse {
        let len = message.get(self.rawmsg).map_or(0, <[u8]>::len);
        message.set_part(self.msg, self.rawmsg, 0..len);
        message.set(self.pri, self.pri_text.as_bytes());
        if !self.tag.is_empty() {
            message.set(self.syslogtag, self.tag.as_bytes());
        }
        Parse::Accept
    }
}

plugin! { name: "pmnull", parsers: [Null] }

fn facility(text: &str) -> Option<usize> {
    let named = FACILITIES.split(' ').position(|name| name.eq_ignore_ascii_case(text));
    named.or_else(|| text.parse().ok().filter(|number| *number < 24))
}

/// By their numbers.
const FACILITIES: &str = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock \
    local0 local1 local2 local3 local4 local5 local6 local7";

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{TestHost, TestMessage, check_readme, settings, table};

    fn parsed(pairs: &[(&'static str, &str)]) -> TestMessage {
        let host = TestHost::new();
        let parser = Null::new(&(), settings(pairs).unwrap(), host.host()).unwrap();
        let mut message = TestMessage::new(&host, "<34>Oct 11 22:14:15 host su: text");
        message.set("msg", "text");
        assert_eq!(message.lend(|message| parser.parse(message)), Parse::Accept);
        message
    }

    #[test]
    fn everything_is_msg() {
        let message = parsed(&[]);
        assert_eq!(message.get("msg"), "<34>Oct 11 22:14:15 host su: text");
        assert_eq!((message.get("pri").as_str(), message.has("syslogtag")), ("13", false));
    }

    #[test]
    fn pri_and_tag_are_given() {
        let message = parsed(&[("tag", "raw:"), ("syslogfacility", "16"), ("syslogseverity", "3")]);
        assert_eq!((message.get("pri").as_str(), message.get("syslogtag").as_str()), ("131", "raw:"));
        assert_eq!(parsed(&[("syslogfacility", "LOCAL7")]).get("pri"), "189");
    }

    #[test]
    fn what_is_no_facility_is_refused() {
        for word in ["24", "-1", "nonsense", ""] {
            let why = Null::new(&(), settings(&[("syslogfacility", word)]).unwrap(), TestHost::new().host());
            assert_eq!(why.err().unwrap().param, Some("syslogfacility"), "{word}");
        }
    }

    #[test]
    fn the_readme_has_the_tables() {
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("parser", table::<ParserParams>())]);
    }
}
