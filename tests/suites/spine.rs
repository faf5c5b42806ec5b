//! The spine: a message through loaded modules and drivers, what the command line and the signals do, and the seed's
//! channel verbatim. Each file beside this one is a part of it.

#[path = "spine/explain.rs"]
mod explain;
#[path = "spine/forward.rs"]
mod forward;
#[path = "spine/hup.rs"]
mod hup;
#[path = "spine/listen.rs"]
mod listen;
#[path = "spine/loading.rs"]
mod loading;
#[path = "spine/local.rs"]
mod local;
#[path = "spine/mistakes.rs"]
mod mistakes;
#[path = "spine/namespaces.rs"]
mod namespaces;
#[path = "spine/options.rs"]
mod options;
#[path = "spine/renew.rs"]
mod renew;
#[path = "spine/seed.rs"]
mod seed;
#[path = "spine/senders.rs"]
mod senders;
#[path = "spine/sockets.rs"]
mod sockets;
#[path = "spine/streams.rs"]
mod streams;
#[path = "spine/templates.rs"]
mod templates;
#[path = "spine/walk.rs"]
mod walk;
#[path = "spine/write.rs"]
mod write;

/// A listener on a port of the kernel's.
const RECEIVE: &str = "module(load=\"imtcp\")\n\
    input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\")\n";

/// Each message's text as a line of a file.
const TEXT: &str = "template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
    *.* action(type=\"omfile\" file=\"{dir}/log\" template=\"text\")\n";
