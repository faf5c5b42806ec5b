//! Templates that a plugin writes: `template(type="plugin" plugin="NAME")`.

use crate::message::Message;
use crate::parsers::{Scratch, View};
use crate::plugin::Generator;
use crate::properties::Properties;
use std::collections::HashMap;
use std::sync::Arc;

/// A string generator, and what it asks of messages.
pub struct Generated {
    pub generator: Generator,
    pub properties: Arc<Properties>,
}

/// The generators of the modules that were loaded, by name in small letters.
pub type Generators = HashMap<String, Arc<Generated>>;

impl Generated {
    /// Appends the text for a message.
    pub(super) fn render(&self, message: &Message<'_>, scratch: &mut Scratch, out: &mut Vec<u8>) {
        self.generator.generate(&mut View::new(message, &self.properties, scratch), out);
    }
}
