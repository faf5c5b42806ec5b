//! `sysloom-conform FILE`: whether a netstream driver does what the ABI and the RFCs ask of it, one line each.
#![forbid(unsafe_code)]

use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use sysloom_conform::{Kit, Options, lines};

/// What the command line asks for.
struct Order {
    options: Options,
    list: bool,
    json: Option<PathBuf>,
    junit: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let order = match Order::of(&arguments) {
        Ok(order) => order,
        Err(e) => {
            eprintln!("sysloom-conform: {e}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if order.list {
        for line in order.options.lines() {
            println!("{} [{}] {}", line.name, line.rule, line.text);
        }
        return ExitCode::SUCCESS;
    }
    let file = order.options.file.clone();
    // With JSON on standard output nothing else goes there.
    let quiet = [&order.json, &order.junit].into_iter().flatten().any(|path| path.as_os_str() == "-");
    let run = Kit::again_as(order.options, arguments).run(|outcome| {
        if !quiet {
            println!("{outcome}");
        }
    });
    let report = match run {
        Ok(report) => report,
        Err(e) => {
            eprintln!("sysloom-conform: {}: {e}", file.display());
            return ExitCode::from(2);
        }
    };
    if !quiet {
        println!("{}", report.summary());
    }
    for (path, text) in [(order.json, report.json()), (order.junit, report.junit())] {
        let Some(path) = path else { continue };
        if path.as_os_str() == "-" {
            print!("{text}");
        } else if let Err(e) = std::fs::write(&path, text) {
            eprintln!("sysloom-conform: {}: {e}", path.display());
            return ExitCode::from(2);
        }
    }
    ExitCode::from(u8::from(!report.passes()))
}

impl Order {
    fn of(arguments: &[OsString]) -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut order = Self { options: Options::new(""), list: false, json: None, junit: None };
        let mut connect = None;
        while let Some(argument) = parser.next()? {
            let options = &mut order.options;
            match argument {
                Long("list") => order.list = true,
                Long("json") => order.json = Some(parser.value()?.into()),
                Long("junit") => order.junit = Some(parser.value()?.into()),
                Long("only") => {
                    let names = parser.value()?.string()?;
                    options.only.extend(names.split(',').map(str::to_owned));
                }
                Long("module-path") => options.modules.push(parser.value()?.into()),
                Long("listen") => options.listen = parser.value()?.string()?,
                Long("connect") => connect = Some(parser.value()?.string()?),
                Long("port") => options.port = parser.value()?.string()?,
                Long("connections") => options.connections = parser.value()?.parse()?,
                Long("limit") => options.limit = Duration::from_secs(parser.value()?.parse()?),
                Long("jobs") => options.jobs = parser.value()?.parse()?,
                Value(file) if options.file.as_os_str().is_empty() => options.file = file.into(),
                other => return Err(other.unexpected()),
            }
        }
        let options = &mut order.options;
        options.connect = connect.unwrap_or_else(|| options.listen.clone());
        if let Some(name) =
            options.only.iter().find(|o| !lines().iter().any(|l| l.name.starts_with(o.as_str())))
        {
            return Err(format!("no line begins with '{name}'").into());
        }
        if options.file.as_os_str().is_empty() && !order.list {
            return Err("a driver's file is missing".into());
        }
        Ok(order)
    }
}

const USAGE: &str = "\
usage: sysloom-conform [OPTION...] FILE
  --list             the lines and the rules that they stand for, and no more
  --only NAME[,...]  lines whose names begin so
  --json FILE        the report as JSON as well; - = standard output, and nothing else there
  --junit FILE       the same as JUnit's XML
  --module-path DIR  where a layer's transport is found
  --listen ADDRESS   what a transport listens on (127.0.0.1)
  --connect HOST     where it connects to (the same)
  --port PORT        on which port (0: any free one)
  --connections N    at once, in the lines about many (2000)
  --limit SECONDS    for one line (60)
  --jobs N           lines at a time (one a processor)";
