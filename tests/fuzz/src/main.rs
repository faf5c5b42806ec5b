//! Mutation fuzzers with a time budget: `sysloom-fuzz [TARGET...] [--seconds N] [--seed N]`.
//!
//! A target takes an input and panics if a rule is broken. Inputs come from seeds that the target names and a seeded
//! generator, so that every finding can be repeated; the README says how.
#![forbid(unsafe_code)]

mod mutate;
mod targets;

use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// One thing to fuzz.
struct Target {
    name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]),
}

const TARGETS: &[Target] = &[
    Target { name: "config", seeds: targets::config::seeds, run: targets::config::run },
    Target { name: "framing", seeds: targets::framing::seeds, run: targets::framing::run },
    Target { name: "rfc3164", seeds: targets::rfc3164::seeds, run: targets::rfc3164::run },
    Target { name: "rfc5424", seeds: targets::rfc5424::seeds, run: targets::rfc5424::run },
];

fn main() -> ExitCode {
    let Some(order) = Order::of_arguments(std::env::args().skip(1)) else {
        eprintln!("usage: sysloom-fuzz [TARGET...] [--seconds N] [--seed N]");
        eprintln!("targets: {}", TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(" "));
        return ExitCode::from(2);
    };
    // The finding is printed once, below.
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = false;
    for target in order.targets {
        failed |= !fuzz(target, order.seconds, order.seed);
    }
    ExitCode::from(u8::from(failed))
}

struct Order {
    targets: Vec<&'static Target>,
    seconds: u64,
    seed: u64,
}

impl Order {
    fn of_arguments(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut order = Self { targets: Vec::new(), seconds: 10, seed: 1 };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => order.seconds = arguments.next()?.parse().ok()?,
                "--seed" => order.seed = arguments.next()?.parse().ok()?,
                name => order.targets.push(TARGETS.iter().find(|target| target.name == name)?),
            }
        }
        if order.targets.is_empty() {
            order.targets.extend(TARGETS);
        }
        Some(order)
    }
}

/// Runs one target until its time is over; false if an input broke a rule.
fn fuzz(target: &Target, seconds: u64, seed: u64) -> bool {
    let mut mutator = Mutator::new(seed, (target.seeds)());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0u64;
    while !rounds.is_multiple_of(256) || Instant::now() < end {
        let input = mutator.next_input();
        rounds += 1;
        if let Err(cause) = catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            let text = cause.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            println!("{}: seed {seed}, round {rounds}: {text}\n{}", target.name, input.escape_ascii());
            return false;
        }
    }
    println!("{}: seed {seed}, {rounds} inputs in {seconds} s, no finding", target.name);
    true
}
