//! A string generator that reads what there is to read of a message: `HOST says MSG (VARIABLE)`.
#![forbid(unsafe_code)]

use sysloom_sdk::{Complaint, Generator, Host, Message, Params, Property, Sink, plugin};

/// `module(load="phrase")`.
#[derive(Params)]
pub struct ModuleParams {
    /// What stands between host and text.
    #[param(default = "says")]
    pub verb: String,
}

/// The generator.
pub struct Phrase {
    verb: String,
    hostname: Property,
    msg: Property,
    variable: Property,
}

impl Generator for Phrase {
    const NAME: &'static str = "phrase";
    type Settings = ModuleParams;

    fn new(settings: ModuleParams, host: Host) -> Result<Self, Complaint> {
        Ok(Self {
            verb: settings.verb,
            hostname: host.property("hostname")?,
            msg: host.property("msg")?,
            variable: host.property("$!why")?,
        })
    }

    fn generate(&self, message: &mut Message<'_>, out: &mut Sink<'_>) {
        if message.get(self.msg) == Some(b" panic") {
            panic!("as asked for");
        }
        out.write(message.get(self.hostname).unwrap_or_default());
        out.write(format!(" {}", self.verb).as_bytes());
        out.write(message.get(self.msg).unwrap_or_default());
        if let Some(why) = message.get(self.variable) {
            out.write(&[b" (", why, b")"].concat());
        }
        // Nothing can be set here.
        assert!(!message.set(self.msg, b"other"));
    }
}

plugin! { name: "phrase", generators: [Phrase] }
