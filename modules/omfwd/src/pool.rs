//! The targets of an action on streams. Usually one; several share the messages in turn, and the ones that work take
//! over for those that do not. Targets that a domain names have an order instead: the first that is to be had gets all.

use crate::params::Plan;
use crate::tcp::Link;
use crate::{Halt, Omfwd};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;
use sysloom_sdk::{Complaint, Level, Records, net};

pub struct Pool {
    links: Vec<Link>,
    /// The link that is first in turn.
    turn: usize,
    /// The HUP that the targets were asked for after.
    hup: u64,
}

impl Pool {
    pub fn new(plan: &Plan) -> Self {
        let links = plan.targets.iter().map(|target| Link::new(Arc::clone(target), plan)).collect();
        Self { links, turn: 0, hup: 0 }
    }

    /// Asks for the targets, where a domain names them: if there are none yet, after a HUP, and when all are away.
    fn discover(&mut self, output: &Omfwd, all_away: bool) -> Result<(), Complaint> {
        let Some(discovery) = &output.plan.discovery else { return Ok(()) };
        let hup = output.hups.load(SeqCst);
        if !self.links.is_empty() && hup == self.hup && !all_away {
            return Ok(());
        }
        let found = match net::within(&output.plan.namespace, || discovery.find()).and_then(|found| found) {
            Ok(found) => found,
            Err(why) if self.links.is_empty() => return Err(why),
            // Those from before may still be right.
            Err(why) => {
                output.host.log(Level::Warning, why.code, &format!("omfwd: {why}; the known ones stay"));
                self.hup = hup;
                return Ok(());
            }
        };
        self.hup = hup;
        let mut before = std::mem::take(&mut self.links);
        for target in found {
            let same = |link: &Link| (&link.target.host, &link.target.port) == (&target.host, &target.port);
            // Whoever stays keeps its connection.
            self.links.push(match before.iter().position(same) {
                Some(at) => before.swap_remove(at),
                None => Link::new(target, &output.plan),
            });
        }
        Ok(())
    }

    pub(crate) fn commit(&mut self, output: &Omfwd, records: &Records<'_>) -> Result<(), Halt> {
        self.discover(output, false).map_err(|why| Halt { done: Vec::new(), why })?;
        if let [link] = self.links.as_mut_slice() {
            link.ready(output).map_err(|why| Halt { done: Vec::new(), why })?;
            let allowed = output.allowed(records.len());
            return link.send(output, records.rows().take(allowed)).map_err(|(done, why)| Halt {
                done: (0..records.len()).map(|row| row < done || row >= allowed).collect(),
                why,
            });
        }
        self.share(output, records)
    }

    /// Asks whether any target is to be had.
    pub fn resume(&mut self, output: &Omfwd) -> Result<(), Complaint> {
        let mut result = self.discover(output, true);
        for link in &mut self.links {
            match link.ready(output) {
                Ok(()) => return Ok(()),
                Err(why) => result = Err(why),
            }
        }
        result
    }

    fn share(&mut self, output: &Omfwd, records: &Records<'_>) -> Result<(), Halt> {
        let mut done = vec![false; records.len()];
        let mut why = Complaint::new("all targets of the pool are away").code(CODE_POOL);
        let mut first = true;
        loop {
            let live = self.live(output, &mut why);
            if live.is_empty() {
                return Err(Halt { done, why });
            }
            if first {
                let allowed = output.allowed(records.len());
                done.iter_mut().skip(allowed).for_each(|dropped| *dropped = true);
                first = false;
            }
            let open: Vec<usize> = (0..records.len()).filter(|row| done.get(*row) == Some(&false)).collect();
            for (nth, index) in live.iter().enumerate() {
                let nth = (nth + live.len() - self.turn % live.len()) % live.len();
                let mine = || open.iter().copied().skip(nth).step_by(live.len());
                let Some(link) = self.links.get_mut(*index) else { continue };
                let sent = match link.send(output, mine().map(|row| records.cell(row, 0))) {
                    Ok(()) => usize::MAX,
                    Err((sent, cause)) => {
                        link.away_until = Some(Instant::now() + output.plan.pool_resume);
                        why = cause;
                        sent
                    }
                };
                for row in mine().take(sent) {
                    if let Some(done) = done.get_mut(row) {
                        *done = true;
                    }
                }
            }
            self.turn = self.turn.wrapping_add(open.len());
            if !done.contains(&false) {
                return Ok(());
            }
        }
    }

    /// The links that are connected now, after trying those whose waiting time is over.
    fn live(&mut self, output: &Omfwd, why: &mut Complaint) -> Vec<usize> {
        let now = Instant::now();
        let mut live = Vec::with_capacity(self.links.len());
        let ordered = output.plan.discovery.is_some();
        for (index, link) in self.links.iter_mut().enumerate() {
            if ordered && !live.is_empty() {
                break;
            }
            if link.away_until.is_some_and(|until| until > now) {
                continue;
            }
            match link.ready(output) {
                Ok(()) => live.push(index),
                Err(cause) => {
                    output.host.log(Level::Warning, cause.code, &cause.text);
                    link.away_until = Some(now + output.plan.pool_resume);
                    *why = cause;
                }
            }
        }
        live
    }
}

/// rsyslog's code of a destination that is away.
const CODE_POOL: i32 = 2007;
