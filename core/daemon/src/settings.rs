//! What must be known before the configuration is read: defaults, then /etc/sysloom/sysloomd.toml, then `SYSLOOM_*`
//! variables, then the command line. Anything that rsyslog.conf can say is refused here.

use crate::arguments::Arguments;
use config::{Config, ConfigError, Environment, File, FileFormat};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sysloom_engine::plugin::Search;

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub config_file: PathBuf,
    /// Directories to look for modules in, in order.
    pub module_path: Vec<PathBuf>,
    /// The daemon's own: beside its executable, and where an installation puts them.
    pub own_modules: Vec<PathBuf>,
    /// None = write none, and do not look for a running daemon.
    pub pid_file: Option<PathBuf>,
    pub foreground: bool,
    pub colour: Colour,
    /// How long a start in the background may take before whoever started it is told that it failed.
    pub start_timeout: Duration,
}

/// Whether diagnostics have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// On a terminal.
    Auto,
    Always,
    Never,
}

/// The settings file or a variable says something that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("settings: {0}")]
pub struct SettingsError(#[from] ConfigError);

/// The words of the file and of the variables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    config_file: Option<PathBuf>,
    moddir: Option<String>,
    pid_file: Option<String>,
    foreground: bool,
    colour: Colour,
    /// In seconds.
    start_timeout: u32,
}

impl Settings {
    /// Where plugins are looked for.
    pub fn search(&self) -> Search {
        Search { directories: self.module_path.clone(), own: self.own_modules.clone() }
    }

    /// Puts the layers together. `name` is the one that the daemon was started under; `executable` its own file.
    pub fn new(
        name: &str,
        arguments: &Arguments,
        file: &Path,
        executable: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let words: Words = Config::builder()
            .set_default("foreground", false)?
            .set_default("colour", "auto")?
            // rsyslog's.
            .set_default("start_timeout", 60)?
            .add_source(File::from(file).format(FileFormat::Toml).required(false))
            .add_source(Environment::with_prefix("SYSLOOM").source(Some(variables())))
            .build()?
            .try_deserialize()?;
        let pid_file =
            arguments.pid_file.clone().or(words.pid_file).unwrap_or_else(|| format!("/var/run/{name}.pid"));
        let path = arguments
            .module_path
            .clone()
            .or(words.moddir)
            .or_else(|| std::env::var("RSYSLOG_MODDIR").ok())
            .filter(|path| !path.is_empty());
        // Drivers are looked for when a listener starts, and the daemon stands in / by then.
        let dir = |dir: &str| match arguments.keep_directory {
            true => Ok(PathBuf::from(dir)),
            false => std::path::absolute(dir).map_err(|e| ConfigError::Foreign(Box::new(e))),
        };
        let beside = executable.and_then(Path::parent).map(Path::to_path_buf);
        let own_modules: Vec<_> = beside.into_iter().chain([PathBuf::from(INSTALLED)]).collect();
        let module_path = match path {
            Some(path) => path.split(':').filter(|dir| !dir.is_empty()).map(dir).collect::<Result<_, _>>()?,
            None => own_modules.clone(),
        };
        Ok(Self {
            config_file: arguments
                .config_file
                .clone()
                .or(words.config_file)
                .unwrap_or_else(|| PathBuf::from("/etc/rsyslog.conf")),
            module_path,
            own_modules,
            pid_file: (pid_file != "NONE").then(|| pid_file.into()),
            foreground: arguments.foreground || words.foreground,
            colour: words.colour,
            start_timeout: Duration::from_secs(words.start_timeout.into()),
        })
    }
}

/// The variables that are settings; others of the prefix belong to somebody else.
fn variables() -> HashMap<String, String> {
    let known = ["CONFIG_FILE", "MODDIR", "PID_FILE", "FOREGROUND", "COLOUR", "START_TIMEOUT"];
    let named = known.map(|word| format!("SYSLOOM_{word}"));
    named.into_iter().filter_map(|name| Some((name.clone(), std::env::var(&name).ok()?))).collect()
}

/// Where the settings file stands.
pub const SETTINGS_FILE: &str = "/etc/sysloom/sysloomd.toml";
/// Where an installation puts its modules.
const INSTALLED: &str = "/usr/lib/sysloom";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_unknown_words_are_refused() {
        let directory = std::env::temp_dir().join(format!("sysloom-settings-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("sysloomd.toml");
        std::fs::write(&file, "moddir = \"/a:/b\"\npid_file = \"NONE\"\nconfig_file = \"/x.conf\"\n")
            .unwrap();
        let arguments = Arguments { config_file: Some("/y.conf".into()), ..Arguments::default() };
        let got = Settings::new("sysloomd", &arguments, &file, Some(Path::new("/opt/sysloomd"))).unwrap();
        assert_eq!(got.config_file, Path::new("/y.conf"));
        assert_eq!(got.module_path, ["/a", "/b"].map(PathBuf::from));
        assert_eq!(got.own_modules, ["/opt", INSTALLED].map(PathBuf::from));
        assert_eq!(got.pid_file, None);
        assert!(!got.foreground);
        assert_eq!(got.start_timeout, Duration::from_secs(60));
        let relative = Arguments { module_path: Some("here".into()), ..Arguments::default() };
        let absolute = Settings::new("sysloomd", &relative, &file, None).unwrap().module_path;
        assert_eq!(absolute, [std::env::current_dir().unwrap().join("here")]);
        let staying = Arguments { keep_directory: true, ..relative };
        let kept = Settings::new("sysloomd", &staying, &file, None).unwrap().module_path;
        assert_eq!(kept, [PathBuf::from("here")]);
        std::fs::write(&file, "MaxMessageSize = 1\n").unwrap();
        let refused = Settings::new("sysloomd", &arguments, &file, None).unwrap_err().to_string();
        assert!(refused.contains("MaxMessageSize"), "{refused}");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
