//! Plugins and their host: files that are no plugins, plugins that do wrong, and a plugin in C. The engine's services
//! are a stand-in here, so that each test sees exactly what a plugin asked for.

#[path = "plugin/c.rs"]
mod c;
#[path = "plugin/calls.rs"]
mod calls;
#[path = "plugin/engine.rs"]
mod engine;
#[path = "plugin/files.rs"]
mod files;
#[path = "plugin/layers.rs"]
mod layers;
#[path = "plugin/libraries.rs"]
mod libraries;
#[path = "plugin/panics.rs"]
mod panics;
