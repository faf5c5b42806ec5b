//! The world as the configuration sees it: files, users, and the modules that the plugin loader finds.

use crate::parsers;
use crate::plugin::{self, Loader, Plugin};
use nix::unistd::{Group, User};
use std::collections::HashMap;
use std::sync::Arc;
use sysloom_config::catalogue::{Kinds, ModuleSpec};
use sysloom_config::{Environment, Span};

/// The modules that a configuration loaded, by the word that it uses for them.
#[derive(Default)]
pub struct Modules {
    by_name: HashMap<String, Arc<Plugin>>,
}

/// What [`sysloom_config::load`] asks.
pub struct World {
    loader: Arc<Loader>,
    modules: Modules,
    unknown: Vec<String>,
}

impl Modules {
    /// The plugin whose interface has this name.
    pub fn plugin(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.by_name.get(name)
    }
}

impl World {
    pub fn new(loader: Arc<Loader>) -> Self {
        Self { loader, modules: Modules::default(), unknown: Vec::new() }
    }

    /// Users and groups that were asked for and do not exist, in words.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// What was loaded.
    pub fn into_modules(self) -> Modules {
        self.modules
    }
}

impl Environment for World {
    fn user(&mut self, name: &str) -> Option<u32> {
        let found = User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
        self.unknown.extend(found.is_none().then(|| format!("user '{name}'")));
        found
    }

    fn group(&mut self, name: &str) -> Option<u32> {
        let found = Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        self.unknown.extend(found.is_none().then(|| format!("group '{name}'")));
        found
    }

    fn load_module(&mut self, name: &str, _at: Span) -> Result<Arc<ModuleSpec>, String> {
        let name = name.strip_prefix("builtin:").unwrap_or(name);
        if let Some(parser) = parsers::module(name) {
            return Ok(Arc::new(parser));
        }
        self.spec(self.loader.module(name))
    }

    fn load_builtin(&mut self, name: &str) -> Result<Arc<ModuleSpec>, String> {
        self.spec(self.loader.builtin(name))
    }

    fn known_modules(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for directory in &self.loader.search().directories {
            let Ok(entries) = std::fs::read_dir(directory) else { continue };
            for entry in entries.flatten() {
                let file = entry.file_name();
                let Some(stem) = file.to_str().and_then(|name| name.strip_suffix(".so")) else { continue };
                names.push(stem.strip_prefix("lib").unwrap_or(stem).to_owned());
            }
        }
        names.sort();
        names.dedup();
        names
    }
}

impl World {
    /// Keeps what was loaded, and says what a configuration can do with it.
    fn spec(&mut self, loaded: Result<Arc<Plugin>, plugin::LoadFailure>) -> Result<Arc<ModuleSpec>, String> {
        let plugin = loaded.map_err(|failure| reasons(&failure))?;
        let Some(iface) = plugin.ifaces().first() else {
            return Err(format!("{} has no interface", plugin.path().display()));
        };
        let mut spec = plugin::spec(iface);
        // One word may stand for an input and an output that take the same options.
        for other in plugin.ifaces().iter().map(plugin::spec) {
            let same = other.name == spec.name
                && other.instance_params == spec.instance_params
                && other.module_params == spec.module_params;
            if same {
                spec.kinds = spec.kinds | other.kinds;
                spec.uses_streams |= other.uses_streams;
                spec.default_template = spec.default_template.or(other.default_template);
            }
        }
        // A driver is asked for by its stream's parameters, not by an instance.
        if spec.kinds != Kinds::DRIVER {
            self.modules.by_name.insert(spec.name.clone(), Arc::clone(&plugin));
        }
        Ok(Arc::new(spec))
    }
}

/// The reasons of a failure, as they follow "errors:" in rsyslog's line.
fn reasons(failure: &plugin::LoadFailure) -> String {
    let line = failure.to_string();
    match line.split_once("errors: ") {
        Some((_, reasons)) => reasons.into(),
        None => line,
    }
}
