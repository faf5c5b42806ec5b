//! What the host knows of an instance while calls go in and out: whose it is, and whether it still may be called.

use super::host::Shared;
use super::watch::{self, Callback, Number, Running};
use super::{Fault, Plugin};
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use sysloom_abi::{log_level, status};

/// Keeps an instance from being freed.
pub(super) type Keep = Arc<dyn Any + Send + Sync>;

/// One instance's link; shared by all wrappers of its objects.
pub(super) struct Link {
    pub(super) me: u64,
    pub(super) plugin: Arc<Plugin>,
    pub(super) number: Number,
    shared: &'static Shared,
    /// The object behind `me`, once it is made.
    owner: OnceLock<Weak<dyn Any + Send + Sync>>,
    /// It has panicked: it is not called any more, not even to be freed.
    broken: AtomicBool,
}

impl Link {
    /// Makes a link and registers it under `me`, so that the host functions find it.
    pub(super) fn new(plugin: &Arc<Plugin>, me: u64) -> Arc<Self> {
        let shared = plugin.host().shared();
        let link = Arc::new(Self {
            me,
            plugin: Arc::clone(plugin),
            number: plugin.number(),
            shared,
            owner: OnceLock::new(),
            broken: AtomicBool::new(false),
        });
        shared.links().insert(me, Arc::downgrade(&link));
        link
    }

    /// Names the object that the callbacks of `me` work on.
    pub(super) fn owned_by(&self, owner: &Keep) {
        // It is set once, right after the object is made.
        let _ = self.owner.set(Arc::downgrade(owner));
    }

    /// A hold of the object; `None` while it is being made or freed.
    pub(super) fn keep(&self) -> Option<Keep> {
        self.owner.get()?.upgrade()
    }

    /// Notes that a callback starts; `Err` when the instance must not be called any more.
    pub(super) fn enter(&self, callback: Callback) -> Result<Running, Fault> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Fault::new(format!(
                "plugin {} has panicked and is not called any more",
                self.name()
            )));
        }
        Ok(watch::enter(self.number, callback))
    }

    /// Judges a callback's result: a panic breaks the link and is logged once.
    pub(super) fn check(&self, result: i64, callback: Callback) {
        if result != status::PANICKED || self.broken.swap(true, Ordering::Relaxed) {
            return;
        }
        let text =
            format!("plugin {} panicked in {}: this instance is suspended", self.name(), callback.name());
        self.shared.services.log(self.me, log_level::ERROR, 0, &text, &[]);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn name(&self) -> &str {
        &self.plugin.facts().name
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut links = self.shared.links();
        // Somebody may have taken the number over.
        if links.get(&self.me).is_some_and(|l| l.strong_count() == 0) {
            links.remove(&self.me);
        }
    }
}
