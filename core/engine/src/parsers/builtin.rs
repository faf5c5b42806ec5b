//! The parsers that are part of the engine, as `parser(type="pmrfc3164")` and `parser(type="pmrfc5424")` make
//! instances of them.

use super::{Draft, Outcome};
use slog::{Logger, error};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use sysloom_config::catalogue::{Kinds, ModuleSpec, Param, Type};
use sysloom_config::plan::Values;
use sysloom_wire::{Options, rfc3164};

/// RFC 3164 with the parameters of one instance.
#[derive(Default)]
pub struct Rfc3164 {
    /// Only what an instance decides is used of it.
    own: Options,
    headerless: Option<Headerless>,
}

/// What is done with messages without a time stamp (detect.headerless).
pub struct Headerless {
    hostname: Option<String>,
    tag: String,
    drop: bool,
    ruleset: Option<usize>,
    copies: Option<Copies>,
}

/// headerless.errorFile: the raw messages, a line each.
struct Copies {
    path: PathBuf,
    open: Mutex<Option<File>>,
    log: Logger,
}

/// The module of that name as the configuration sees it, if it is one of these.
pub fn module(name: &str) -> Option<ModuleSpec> {
    let spec = |instance_params| ModuleSpec {
        name: name.to_owned(),
        kinds: Kinds::PARSER,
        builtin: true,
        instance_params,
        ..ModuleSpec::default()
    };
    let param = |name: &str, ty, default: Option<&str>, help: &str| Param {
        default: default.map(str::to_owned),
        help: help.to_owned(),
        ..Param::new(name, ty)
    };
    let switch = |name, help| param(name, Type::Binary, Some("off"), help);
    match name {
        "pmrfc5424" => Some(spec(Vec::new())),
        "pmrfc3164" => Some(spec(vec![
            switch("detect.yearAfterTimestamp", "A year may stand behind the time"),
            switch("permit.squareBracketsInHostname", "A host name may stand in square brackets"),
            switch("permit.slashesInHostname", "A host name may contain slashes"),
            switch("permit.atSignsInHostname", "A host name may contain @"),
            switch("force.tagEndingByColon", "Without a colon behind it, a word is no tag but text"),
            switch("remove.msgFirstSpace", "The text loses the blank that it begins with"),
            switch(
                "detect.headerless",
                "Messages without a time stamp are treated as the parameters below say",
            ),
            param("headerless.hostname", Type::String, None, "Their host; unset means the sender"),
            param("headerless.tag", Type::String, Some("headerless"), "Their tag"),
            param("headerless.ruleset", Type::String, None, "The ruleset that they go to"),
            param("headerless.errorFile", Type::String, None, "File that gets them as they came"),
            switch("headerless.drop", "They are thrown away"),
        ])),
        _ => None,
    }
}

impl Rfc3164 {
    /// From the values of a `parser()`. `ruleset` finds one by its name.
    pub fn new(values: &Values, ruleset: impl Fn(&str) -> Option<usize>, log: &Logger) -> Self {
        let on = |name| values.bool(name).unwrap_or(false);
        let text = |name| values.str(name).filter(|text| !text.is_empty());
        let headerless = on("detect.headerless").then(|| Headerless {
            hostname: text("headerless.hostname").map(str::to_owned),
            tag: text("headerless.tag").unwrap_or("headerless").to_owned(),
            drop: on("headerless.drop"),
            ruleset: text("headerless.ruleset").and_then(ruleset),
            copies: text("headerless.errorFile").map(|path| Copies {
                path: path.into(),
                open: Mutex::default(),
                log: log.clone(),
            }),
        });
        let own = Options {
            detect_year_after_timestamp: on("detect.yearAfterTimestamp"),
            permit_square_brackets_in_hostname: on("permit.squareBracketsInHostname"),
            permit_slashes_in_hostname: on("permit.slashesInHostname"),
            permit_at_signs_in_hostname: on("permit.atSignsInHostname"),
            force_tag_ending_by_colon: on("force.tagEndingByColon"),
            remove_msg_first_space: on("remove.msgFirstSpace"),
            detect_headerless: headerless.is_some(),
            ..Options::default()
        };
        Self { own, headerless }
    }

    pub(super) fn parse(&self, draft: &mut Draft<'_>, options: &Options) -> Outcome {
        let options = Options {
            parse_hostname_and_tag: options.parse_hostname_and_tag,
            permit_slash_in_programname: options.permit_slash_in_programname,
            parse_hostname: options.parse_hostname,
            ignore_timestamp: options.ignore_timestamp,
            ..self.own.clone()
        };
        let received = *draft.received();
        draft.spans(|text, parsed| rfc3164::parse(text, &options, &received, parsed));
        match &self.headerless {
            Some(headerless) if draft.is_headerless() => headerless.treat(draft),
            _ => Outcome::Parsed,
        }
    }

    pub(super) fn hup(&self) {
        if let Some(copies) = self.headerless.as_ref().and_then(|headerless| headerless.copies.as_ref()) {
            copies.lock().take();
        }
    }
}

impl Headerless {
    fn treat(&self, draft: &mut Draft<'_>) -> Outcome {
        if let Some(copies) = self.copies.as_ref().filter(|_| !draft.again) {
            copies.add(draft.raw());
        }
        if self.drop {
            return Outcome::Dropped;
        }
        // rsyslog: what looks like a host name or a tag in the text counts all the same.
        draft.fill_in(self.hostname.as_deref(), &self.tag);
        self.ruleset.map_or(Outcome::Parsed, Outcome::Rerouted)
    }
}

impl Copies {
    fn add(&self, raw: &[u8]) {
        let mut open = self.lock();
        let result = match &mut *open {
            Some(file) => Ok(file),
            closed => OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.path)
                .map(|file| closed.insert(file)),
        };
        let written = result.and_then(|file| file.write_all(&[raw, b"\n"].concat()));
        if let Err(e) = written {
            error!(self.log, "file '{}' for messages without header: {e}", self.path.display(); "code" => 2040);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<File>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
