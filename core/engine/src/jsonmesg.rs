//! The property `jsonmesg`: a whole message as one JSON object, its members in rsyslog's order.

use crate::message::{Message, message_tree};
use crate::script::vars;
use crate::template::json_escape;
use sysloom_config::plan::Property;

/// Appends the object.
pub fn write(message: &Message<'_>, out: &mut Vec<u8>) {
    let mut scratch = Vec::new();
    out.push(b'{');
    for property in MEMBERS {
        out.extend_from_slice(b" \"");
        out.extend_from_slice(property.name().as_bytes());
        out.extend_from_slice(b"\": \"");
        if matches!(property, Property::Timereported | Property::Timegenerated) {
            message.time(*property).write_rfc3339(out);
        } else {
            json_escape(message.named(*property, &mut scratch), false, out);
        }
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b" \"uuid\": ");
    match message.vars.known_uuid() {
        Some(_) => {
            out.push(b'"');
            out.extend_from_slice(message.named(Property::Uuid, &mut scratch));
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b", \"$!\": ");
    vars::read(&message_tree(), message.vars, &message.around.globals, |tree| match tree {
        Some(tree) => tree.write(true, out),
        None => out.extend_from_slice(b"null"),
    });
    out.extend_from_slice(b" }");
}

const MEMBERS: &[Property] = &[
    Property::Msg,
    Property::Rawmsg,
    Property::Timereported,
    Property::Hostname,
    Property::Syslogtag,
    Property::Inputname,
    Property::Fromhost,
    Property::FromhostIp,
    Property::Pri,
    Property::Syslogfacility,
    Property::Syslogseverity,
    Property::Timegenerated,
    Property::Programname,
    Property::ProtocolVersion,
    Property::StructuredData,
    Property::AppName,
    Property::Procid,
    Property::Msgid,
];
