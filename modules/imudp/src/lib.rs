//! imudp: syslog datagrams, one message each.
//!
//! An `input()` listens on its ports for IPv4 and IPv6. Its threads read bursts of datagrams with one call into one
//! block and submit them together. Nobody waits for a full queue: UDP has no way to slow a sender down.
#![forbid(unsafe_code)]

mod listener;
mod params;
mod receiver;
mod schedule;

use listener::Listener;
use params::{InputParams, ModuleParams};
use receiver::Receiver;
use schedule::Schedule;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, OnceLock};
use sysloom_sdk::{Complaint, Host, Input, Level, Limit, plugin};

/// One `input()`: its sockets and what its threads share.
pub struct Imudp {
    host: Host,
    params: InputParams,
    threads: u32,
    batch: usize,
    time_requery: u32,
    schedule: Option<Schedule>,
    /// Sender names keep their case.
    preserve_case: bool,
    /// Who may send, with commas between.
    allowed: String,
    limit: Option<Mutex<Limit>>,
    listeners: OnceLock<Vec<Listener>>,
}

impl Input for Imudp {
    const NAME: &'static str = "imudp";
    const RUNS: bool = true;
    type Module = ModuleParams;
    type Settings = InputParams;

    fn new(module: &ModuleParams, params: InputParams, host: Host) -> Result<Self, Complaint> {
        if params.allowed_sender.as_ref().is_some_and(Vec::is_empty) {
            return Err(Complaint::new("allowedSender names nobody").param("allowedSender"));
        }
        Ok(Self {
            host,
            threads: module.threads,
            batch: module.batch_size as usize,
            time_requery: module.time_requery,
            schedule: Schedule::new(module)?,
            preserve_case: module.preserve_case,
            allowed: params.allowed_sender.as_ref().unwrap_or(&module.allowed_sender).join(","),
            limit: Limit::unless_named(&params.limit_name, params.limit_interval, params.limit_burst)
                .map(Mutex::new),
            listeners: OnceLock::new(),
            params,
        })
    }

    fn activate(&self) -> Result<(), Complaint> {
        let listeners = listener::open(&self.params, self.host)?;
        // The host activates an instance once.
        let _ = self.listeners.set(listeners);
        Ok(())
    }

    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        let Some(listeners) = self.listeners.get() else { return Ok(()) };
        std::thread::scope(|scope| {
            for nth in 1..self.threads {
                let work = move || {
                    self.be_scheduled();
                    Receiver::new(self, listeners, nth).run(stop)
                };
                std::thread::Builder::new()
                    .name(format!("imudp {nth}"))
                    .spawn_scoped(scope, move || {
                        if let Err(why) = work() {
                            self.host.log(Level::Error, why.code, &why.text);
                        }
                    })
                    .map_err(|e| Complaint::io("imudp: cannot start a thread", &e))?;
            }
            self.be_scheduled();
            Receiver::new(self, listeners, 0).run(stop)
        })
    }
}

impl Imudp {
    /// A thread that the system does not schedule as asked works all the same.
    fn be_scheduled(&self) {
        if let Some(Err(why)) = self.schedule.map(Schedule::apply) {
            self.host.log(Level::Error, why.code, &why.text);
        }
    }

    /// The number of a sender, by which its messages get their names.
    fn sender(&self, ip: &str) -> u32 {
        let folded = || self.host.control("sender.folded", ip).ok()?.try_into().ok();
        let folded = if self.preserve_case { None } else { folded() };
        folded.unwrap_or_else(|| self.host.intern(ip, "", 0))
    }
}

plugin! { name: "imudp", inputs: [Imudp] }

#[cfg(test)]
mod tests;
