//! The command line: rsyslogd's options, with their values attached or separate, and a help that teaches.
//!
//! Only what is said here and in the settings is known before the configuration is read.

use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    pub task: Task,
    /// `-f`
    pub config_file: Option<PathBuf>,
    /// `-M`
    pub module_path: Option<String>,
    /// `-i`; the word NONE means no file.
    pub pid_file: Option<String>,
    /// `-n`
    pub foreground: bool,
    /// `-C`
    pub keep_directory: bool,
    /// `-d`
    pub debug: bool,
    /// `-T`: the process's root directory.
    pub root: Option<PathBuf>,
    /// `-o`: where the configuration with all includes is written; `-` = stdout.
    pub expanded: Option<PathBuf>,
    /// `-F`: the language that `-o` writes instead.
    pub language: Option<Language>,
    /// Remarks for stderr: options that are accepted but have gone away.
    pub remarks: Vec<String>,
}

/// What `-F` translates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Yaml,
    RainerScript,
}

/// What the process is started for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Task {
    #[default]
    Run,
    /// `-N LEVEL`
    Check { level: u32 },
    /// `-v`
    Version,
    /// `--help`
    Help,
    /// `--explain WORD`
    Explain(String),
    /// `quickstart`, the one word: not under the name rsyslogd.
    Quickstart { once: bool },
    /// `--explain-config`
    ExplainConfig,
}

/// The command line cannot be understood: the text says why, usage follows.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("{0}")]
    Syntax(#[from] lexopt::Error),
    #[error("'{0}' is not an option; a configuration file is given with -f FILE")]
    Word(String),
    #[error("quickstart takes --once and no other option; it writes the configurations that it runs")]
    Quickstart,
    #[error("-F {0}: the languages are yaml and rainerscript")]
    Language(String),
    /// `-h`, `-?`
    #[error("usage")]
    Asked,
}

impl Arguments {
    /// Reads the words after the program's name, which is `name`.
    pub fn parse(name: &str, words: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut words = words.into_iter().peekable();
        if name != RSYSLOGD && words.next_if(|word| word == "quickstart").is_some() {
            return Self::quickstart(words);
        }
        let mut parser = Parser::from_args(words);
        let mut this = Self::default();
        while let Some(word) = parser.next()? {
            match word {
                Arg::Short('f') => this.config_file = Some(parser.value()?.into()),
                Arg::Short('M') => this.module_path = Some(parser.value()?.string()?),
                Arg::Short('i') => this.pid_file = Some(parser.value()?.string()?),
                Arg::Short('n') => this.foreground = true,
                Arg::Short('C') => this.keep_directory = true,
                Arg::Short('d') => this.debug = true,
                Arg::Short('N') => this.task = Task::Check { level: parser.value()?.parse()? },
                Arg::Short('v') | Arg::Long("version") => this.task = Task::Version,
                Arg::Short('T') => this.root = Some(parser.value()?.into()),
                Arg::Short('o') => this.expanded = Some(parser.value()?.into()),
                Arg::Short('F') => {
                    this.language = Some(match parser.value()?.string()?.to_ascii_lowercase().as_str() {
                        "yaml" => Language::Yaml,
                        "rainerscript" => Language::RainerScript,
                        other => return Err(UsageError::Language(other.into())),
                    });
                }
                // rsyslog: these are no options, and end in usage and exit code 1.
                Arg::Short('h' | '?') => return Err(UsageError::Asked),
                Arg::Long("help") => this.task = Task::Help,
                Arg::Long("explain-config") => this.task = Task::ExplainConfig,
                Arg::Long("explain") => this.task = Task::Explain(parser.value()?.string()?),
                Arg::Short('u') => this.old_mask(parser.value()?.parse()?),
                Arg::Short('D') => {}
                // rsyslog: these have gone away there too, and are still accepted.
                Arg::Short(gone @ ('4' | '6' | 'q' | 'Q' | 'w' | 'x' | 'A')) => {
                    this.remarks.push(format!("option -{gone} has gone away; it has no effect"));
                }
                Arg::Short('S') => {
                    parser.value()?;
                    this.remarks.push("option -S has gone away; it has no effect".into());
                }
                Arg::Value(word) => return Err(UsageError::Word(word.to_string_lossy().into_owned())),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(this)
    }

    fn quickstart(words: impl Iterator<Item = OsString>) -> Result<Self, UsageError> {
        let words: Vec<OsString> = words.collect();
        let task = match words.as_slice() {
            [] => Task::Quickstart { once: false },
            [word] if word == "--once" => Task::Quickstart { once: true },
            [word] if word == "--help" => Task::Help,
            _ => return Err(UsageError::Quickstart),
        };
        Ok(Self { task, ..Self::default() })
    }

    /// rsyslog: `-u` is a bit mask; 2 means what `-C` says.
    fn old_mask(&mut self, mask: u32) {
        if mask & 1 != 0 {
            self.remarks.push("option -u1 has no effect; see global(parser.parseHostnameAndTag=)".into());
        }
        if mask & 2 != 0 {
            self.remarks.push("the -u command line option will go away soon; use -C instead of -u2".into());
            self.keep_directory = true;
        }
    }
}

/// The name under which the daemon speaks as rsyslogd.
pub const RSYSLOGD: &str = "rsyslogd";

/// The text of `--help`.
pub fn help(name: &str) -> String {
    let try_it = match name {
        RSYSLOGD => String::new(),
        _ => format!(
            "\x20      {name} quickstart [--once]\n\
             \n\
             Try it\n\
             \x20 quickstart   write certificates and two configurations into a folder, run a client and a TLS\n\
             \x20              collector on them, send a message, and show what arrives; --once ends after that\n"
        ),
    };
    format!(
        "{name} receives, filters, stores and forwards syslog messages, from an rsyslog configuration.\n\
         \n\
         Usage: {name} [OPTIONS]\n\
         {try_it}\n\
         Run\n\
         \x20 -f FILE      configuration to run [default: /etc/rsyslog.conf]\n\
         \x20 -n           stay in the foreground\n\
         \x20 -i FILE      file for the process id, or NONE\n\
         \x20 -M DIR:DIR   where modules and drivers are looked for [or SYSLOOM_MODDIR, RSYSLOG_MODDIR]\n\
         \x20 -C           do not change to the directory / at start\n\
         \x20 -T DIR       change the root directory to DIR first\n\
         \x20 -d           debug output on stdout; SIGINT stops, SIGUSR1 switches the output off and on\n\
         \n\
         Look before running\n\
         \x20 -N LEVEL     check the configuration, say everything that is wrong with it, and exit\n\
         \x20 -o FILE      write the configuration with everything it includes; - is stdout\n\
         \x20 -F LANGUAGE  with -N1 -o FILE: write it as yaml or rainerscript instead\n\
         \x20 --explain X  what a diagnostic means (its name stands below it), or a module's parameters\n\
         \x20 --explain-config\n\
         \x20              where each value of the configuration was set, and which `$` values leak\n\
         \x20 -v           version\n\
         \x20 --help       this text\n\
         \n\
         Write a plugin (not as rsyslogd)\n\
         \x20 new driver|module NAME [--c]   a project that builds, tests itself and can be loaded\n\
         \n\
         Examples\n\
         \x20 {name} -N1 -f server.conf          is this configuration right?\n\
         \x20 {name} -n -i NONE -f server.conf   run it here, and stop it with SIGTERM\n\
         \n\
         Options may be written -f FILE or -fFILE. Settings that must be known before the configuration is read\n\
         can also stand in /etc/sysloom/sysloomd.toml or in SYSLOOM_... variables; the command line wins.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, UsageError> {
        Arguments::parse("sysloomd", words.iter().map(OsString::from))
    }

    #[test]
    fn values_may_be_attached_separate_or_in_a_cluster() {
        let want = Arguments {
            config_file: Some("x:.conf".into()),
            pid_file: Some("x:.pid".into()),
            module_path: Some("a:b".into()),
            foreground: true,
            keep_directory: true,
            ..Arguments::default()
        };
        assert_eq!(parse(&["-C", "-n", "-ix:.pid", "-Ma:b", "-fx:.conf"]).unwrap(), want);
        assert_eq!(parse(&["-nCi", "x:.pid", "-M", "a:b", "-f", "x:.conf"]).unwrap(), want);
        assert_eq!(parse(&["-N1"]).unwrap().task, Task::Check { level: 1 });
        assert!(parse(&["-u2"]).unwrap().keep_directory);
        assert_eq!(parse(&["-4"]).unwrap().remarks.len(), 1);
        assert_eq!(parse(&["-T/jail"]).unwrap().root, Some("/jail".into()));
        let translated = parse(&["-N1", "-o-", "-Fyaml"]).unwrap();
        assert_eq!(translated.expanded, Some("-".into()));
        assert_eq!(translated.language, Some(Language::Yaml));
        assert!(parse(&["-dn"]).unwrap().debug);
    }

    #[test]
    fn a_quick_start_is_a_word_of_sysloomd_alone() {
        assert_eq!(parse(&["quickstart"]).unwrap().task, Task::Quickstart { once: false });
        assert_eq!(parse(&["quickstart", "--once"]).unwrap().task, Task::Quickstart { once: true });
        assert!(matches!(parse(&["quickstart", "-n"]), Err(UsageError::Quickstart)));
        assert!(matches!(parse(&["-n", "quickstart"]), Err(UsageError::Word(_))));
        assert!(parse(&["--once"]).is_err());
        let words = ["quickstart"].map(OsString::from);
        assert!(matches!(Arguments::parse(RSYSLOGD, words), Err(UsageError::Word(_))));
        assert!(help("sysloomd").contains("quickstart") && !help(RSYSLOGD).contains("quickstart"));
    }

    #[test]
    fn words_and_unknown_options_are_refused() {
        assert!(matches!(parse(&["server.conf"]), Err(UsageError::Word(_))));
        assert!(parse(&["-Z"]).is_err());
        assert!(parse(&["-f"]).is_err());
        assert!(matches!(parse(&["-h"]), Err(UsageError::Asked)));
        assert!(matches!(parse(&["-Fxml"]), Err(UsageError::Language(_))));
    }
}
