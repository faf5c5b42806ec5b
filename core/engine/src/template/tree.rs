//! option.jsonftree: members whose names have dots stand inside objects.

use super::{Buffers, Part, part, variable_name};
use crate::message::Message;
use sysloom_config::plan::{Constant, Piece, PropertyRef};

/// Members in the order in which their names first came.
pub struct Tree(Vec<Node>);

enum Node {
    Leaf(Part),
    Object(String, Tree),
}

impl Tree {
    /// The tree of a template's pieces; none if a name is both a value and an object: then all of them stay flat.
    pub fn new(pieces: &[Piece], exact: bool) -> Option<Self> {
        let mut tree = Self(Vec::new());
        let mut leaves: Vec<String> = Vec::new();
        for piece in pieces {
            let Some(name) = name(piece) else {
                tree.0.push(Node::Leaf(part(piece, exact)));
                continue;
            };
            let mut way: Vec<&str> = name.split('.').collect();
            let inside =
                |long: &str, short: &str| long.strip_prefix(short).is_some_and(|r| r.starts_with('.'));
            if leaves.iter().any(|leaf| inside(&name, leaf) || inside(leaf, &name) || *leaf == name)
                || way.iter().any(|word| word.is_empty())
            {
                return None;
            }
            let last = way.pop()?.to_owned();
            let mut at = &mut tree;
            for word in way {
                at = at.object(word)?;
            }
            at.0.push(Node::Leaf(part(&renamed(piece, last), exact)));
            leaves.push(name);
        }
        Some(tree)
    }

    fn object(&mut self, word: &str) -> Option<&mut Self> {
        let known = |node: &Node| matches!(node, Node::Object(name, _) if name == word);
        let at = self.0.iter().position(known).unwrap_or_else(|| {
            self.0.push(Node::Object(word.into(), Self(Vec::new())));
            self.0.len() - 1
        });
        match self.0.get_mut(at)? {
            Node::Object(_, tree) => Some(tree),
            Node::Leaf(_) => None,
        }
    }

    /// Appends the object.
    pub fn render(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        for node in &self.0 {
            let before = out.len();
            if !first {
                out.extend_from_slice(b", ");
            }
            let start = out.len();
            let empty = match node {
                Node::Leaf(part) => {
                    part.render(message, buffers, out);
                    out.len() == start
                }
                Node::Object(name, tree) => {
                    out.push(b'"');
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(b"\":");
                    let inner = out.len();
                    tree.render(message, buffers, out);
                    out.get(inner..) == Some(b"{}")
                }
            };
            if empty {
                out.truncate(before);
            } else {
                first = false;
            }
        }
        out.push(b'}');
    }
}

/// The name of a piece in JSON; none for text between the members.
fn name(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Constant(constant) => constant.outname.clone().filter(|_| constant.jsonf),
        Piece::Property(property, replacer) => Some(match (&replacer.fieldname, property) {
            (Some(name), _) => name.clone(),
            (None, PropertyRef::Named(property)) => property.name().to_owned(),
            (None, PropertyRef::Json(path)) => variable_name(path),
        }),
    }
}

fn renamed(piece: &Piece, name: String) -> Piece {
    match piece {
        Piece::Constant(constant) => Piece::Constant(Constant { outname: Some(name), ..constant.clone() }),
        Piece::Property(property, replacer) => {
            let mut replacer = replacer.clone();
            replacer.fieldname = Some(name);
            Piece::Property(property.clone(), replacer)
        }
    }
}
