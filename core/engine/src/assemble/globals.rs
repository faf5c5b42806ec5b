//! What `global()` and its like say, as the rooms that it concerns take it.

use crate::senders::{self, List, Remark, Rules};
use nix::ifaddrs::getifaddrs;
use std::net::IpAddr;
use std::time::Duration;
use sysloom_config::plan::{self, Plan, Value, Values};
use sysloom_config::{Diagnostic, Span};
use sysloom_wire::{Options, SanitizeRules};

/// This host's name for messages: as configured, or the system's, without its domain unless asked for.
pub(crate) fn hostname(globals: &Values) -> String {
    if let Some(name) = globals.str("localHostname") {
        return name.into();
    }
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".into());
    match name.split_once('.') {
        Some((short, _)) if !globals.bool("preserveFQDN").unwrap_or(false) => short.into(),
        _ => name,
    }
}

pub(super) fn sanitize_rules(globals: &Values) -> SanitizeRules {
    let usual = SanitizeRules::default();
    let on = |name: &str, usual: bool| globals.bool(name).unwrap_or(usual);
    SanitizeRules {
        escape_control: on("parser.escapeControlCharactersOnReceive", usual.escape_control),
        escape_tab: on("parser.escapeControlCharacterTab", usual.escape_tab),
        escape_8bit: on("parser.escape8BitCharactersOnReceive", usual.escape_8bit),
        space_lf: on("parser.spaceLFOnReceive", usual.space_lf),
        drop_trailing_lf: on("parser.dropTrailingLFOnReception", usual.drop_trailing_lf),
        drop_trailing_cr: on("parser.dropTrailingCROnReception", usual.drop_trailing_cr),
        c_style: on("parser.escapeControlCharactersCStyle", usual.c_style),
        prefix: match globals.value("parser.controlCharacterEscapePrefix") {
            Some(Value::Str(text)) => text.bytes().next().unwrap_or(usual.prefix),
            Some(Value::Int(byte)) => u8::try_from(*byte).unwrap_or(usual.prefix),
            _ => usual.prefix,
        },
        max_message: globals
            .int("maxMessageSize")
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(usual.max_message),
    }
}

pub(super) fn parse_options(globals: &Values) -> Options {
    let usual = Options::default();
    Options {
        parse_hostname_and_tag: globals
            .bool("parser.parseHostnameAndTag")
            .unwrap_or(usual.parse_hostname_and_tag),
        permit_slash_in_programname: globals
            .bool("parser.permitSlashInProgramname")
            .unwrap_or(usual.permit_slash_in_programname),
        ..usual
    }
}

/// How long names from DNS hold. None = for ever.
pub(super) fn names_hold(globals: &Values) -> Option<Duration> {
    if globals.bool("reverseLookup.cache.ttl.enable") != Some(true) {
        return None;
    }
    let seconds = globals.int("reverseLookup.cache.ttl.default").and_then(|n| u64::try_from(n).ok());
    Some(Duration::from_secs(seconds.unwrap_or(86_400)))
}

/// The address that stands for this host in its own messages ($LocalHostIPIF); None = the usual one.
pub(super) fn local_address(globals: &Values, diagnostics: &mut Vec<Diagnostic>) -> Option<IpAddr> {
    let parameter = "$LocalHostIPIF";
    let name = globals.str(parameter).filter(|name| !name.is_empty())?;
    let address = address_of(name);
    if address.is_none() {
        let text = format!(
            "{parameter}: interface '{name}' has no IP address: messages of this host have 127.0.0.1"
        );
        let span = globals.span(parameter).unwrap_or(Span::NONE);
        diagnostics.push(Diagnostic::error(0, "no-address", text, span));
    }
    address
}

/// The first address of an interface.
fn address_of(interface: &str) -> Option<IpAddr> {
    let all = getifaddrs().ok()?.filter(|one| one.interface_name == interface);
    let mut addresses = all.filter_map(|one| {
        let address = one.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    });
    addresses.next()
}

/// `$AllowedSender`, the lists of inputs that bring one, and the rules for both.
pub(super) fn allowed_senders(plan: &Plan, diagnostics: &mut Vec<Diagnostic>) -> senders::Settled {
    let is_on = |name, default| plan.globals.bool(name).unwrap_or(default);
    let rules = Rules {
        dns: is_on("net.enableDNS", true),
        resolve: is_on("net.aclResolveHostname", true),
        add_on_fail: is_on("net.aclAddHostnameOnFail", false),
    };
    let mut say = |remarks: Vec<Remark>, span: Span| {
        diagnostics.extend(remarks.into_iter().map(|Remark { code, error, text }| match error {
            true => Diagnostic::error(code, "allowed-sender", text, span),
            false => Diagnostic::warning(code, "allowed-sender", text, span),
        }));
    };
    let mut lists: Vec<(String, List)> = Vec::new();
    for sender in &plan.allowed_senders {
        let at = lists.iter().position(|(protocol, _)| *protocol == sender.protocol).unwrap_or_else(|| {
            lists.push((sender.protocol.clone(), List::default()));
            lists.len() - 1
        });
        say(lists[at].1.add(&sender.pattern, rules), sender.span);
    }
    let mut own = Vec::new();
    let modules = plan.modules.iter().map(|module| &module.values);
    for values in modules.chain(plan.inputs.iter().map(|input| &input.values)) {
        let text = values.list("allowedSender").join(",");
        if !text.is_empty() {
            let (list, remarks) = List::parse(&text, rules);
            say(remarks, values.span("allowedSender").unwrap_or(Span::NONE));
            own.push((text, list));
        }
    }
    senders::Settled { rules, lists, own, warn: is_on("net.permitACLWarning", true) }
}

/// A zone's name and its minutes east of UTC. The configuration has seen that the offset is `+hh:mm`.
pub(super) fn zone(object: &plan::Object) -> Option<(String, i16)> {
    Some((object.name.clone(), offset(object.values.str("offset")?)?))
}

/// The minutes of `+hh:mm` or `-hh:mm`.
pub(super) fn offset(text: &str) -> Option<i16> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (i16::from(hours) * 60 + i16::from(minutes)))
}
