//! What a configuration may say that has no effect here yet: each gets one warning at its place, and nothing is skipped
//! in silence. Whoever implements one of these takes it off its list.

use sysloom_config::catalogue::{Param, Type};
use sysloom_config::plan::{Origin, Plan, Setting, Value, Values};
use sysloom_config::{Diagnostic, Span};

/// What each kind of object may say without effect.
pub const WITHOUT_EFFECT: [(&str, &[&str]); 3] = [("global", GLOBALS), ("queue", QUEUES), ("queue", DISK)];

/// Adds a warning for everything in the Plan that the engine does not honour.
pub fn report(plan: &Plan, diagnostics: &mut Vec<Diagnostic>) {
    let mut say = |name: &str, span: Span| {
        let text = format!("parameter '{name}' is not supported yet and has no effect");
        let mut warning = Diagnostic::warning(2357, "unsupported", text, span);
        warning.help.extend(instead(name).map(str::to_owned));
        diagnostics.push(warning);
    };
    values(&plan.globals, GLOBALS, &mut say);
    if let Some(queue) = &plan.main_queue {
        values(queue, QUEUES, &mut say);
        values(queue, DISK, &mut say);
    }
    for action in &plan.actions {
        if let Some(queue) = &action.queue {
            values(queue, QUEUES, &mut say);
        }
    }
    for ruleset in &plan.rulesets {
        if let Some(queue) = &ruleset.queue {
            values(queue, QUEUES, &mut say);
            values(queue, DISK, &mut say);
        }
    }
}

fn values(values: &Values, lacking: &[&str], say: &mut impl FnMut(&str, Span)) {
    for (param, setting) in values.iter() {
        let Some(setting) = setting else { continue };
        let lacks = lacking.iter().any(|name| param.answers_to(name));
        if lacks && setting.origin != Origin::Default && !is_usual(param, setting) {
            say(&param.name, setting.span);
        }
    }
}

/// What can be done instead.
fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "defaultOpensslEngine" => {
            "OpenSSL's own file (OPENSSL_CONF) names providers, which the driver ossl uses; OpenSSL has given up engines"
        }
        "stdlog.channelspec" => {
            "the daemon's own messages go to syslog(3), or through its rulesets with processInternalMessages=\"on\""
        }
        "compatibility.defaults.secure" => {
            "write out what it stands for: abortOnUncleanConfig=\"on\", streamDriver.mode=\"1\" where TLS is meant, and \
             securePath=\"replace\" in templates of file names"
        }
        "debug.logFile" | "$DebugFile" | "$DebugLevel" => {
            "the option -d begins the debug stream, and the variable RSYSLOG_DEBUGLOG names its file"
        }
        "queue.cry.provider" => "queues are in memory, so that nothing is written that could be read",
        "queue.filename" => "give the queue a queue.size that holds what may have to wait",
        _ => return None,
    })
}

/// Whether a value is the one that holds anyway.
fn is_usual(param: &Param, setting: &Setting) -> bool {
    match (&setting.value, param.default.as_deref()) {
        // Defaults are those of old, without a warning of each.
        (Value::Str(text), _) if param.name == "compatibility.defaults.secure" => {
            !text.eq_ignore_ascii_case("strict")
        }
        (Value::Bool(on), default) => *on == (default == Some("on")),
        (Value::Int(n), Some(default)) if param.ty != Type::Severity => default.parse() == Ok(*n),
        (Value::Str(text), Some(default)) => text.eq_ignore_ascii_case(default),
        _ => false,
    }
}

const GLOBALS: &[&str] = &[
    "defaultOpensslEngine",
    "stdlog.channelspec",
    "compatibility.defaults.secure",
    "compactJsonString",
    "abortOnFailedQueueStartup",
    "reportChildProcessExits",
    "janitor.interval",
    "debug.logFile",
    "debug.gnutls",
    "debug.files",
    "$DebugFile",
    "$DebugLevel",
    "$DebugPrintTemplateList",
    "$DebugPrintModuleList",
    "$DebugPrintCFSyslineHandlerList",
    "$ErrorMessagesToStderr",
];
const QUEUES: &[&str] = &["queue.cry.provider"];
/// Said of the main queue; an action's queue says it when it is made.
const DISK: &[&str] = &["queue.filename"];
