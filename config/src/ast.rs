//! The one tree for every dialect: what was written, with its places, and no name looked up yet. The parsers in
//! [`crate::parse`] and [`crate::yaml`] make it, [`crate::resolve`] turns it into the Plan.

use crate::plan::{BinaryOp, Comparison, UnaryOp};
use crate::source::Span;

/// A word and its place.
#[derive(Clone, Debug)]
pub struct Word {
    pub text: String,
    pub span: Span,
}

/// A statement or object.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: NodeKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    /// `$Name value`
    Directive {
        name: Word,
        value: Word,
    },
    /// Any object that is no ruleset and no action.
    Object(Object),
    Ruleset {
        object: Object,
        body: Vec<Node>,
    },
    Action(Object),
    LegacyAction(ActionText),
    Condition {
        condition: Condition,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// `!prog`, `+host`, `-host`: holds for the selectors that follow.
    Block(Word),
    Stop,
    Continue,
    Set {
        var: Word,
        value: Expr,
        reset: bool,
    },
    Unset(Word),
    Call(Word),
    CallIndirect(Expr),
    Foreach {
        var: Word,
        list: Expr,
        body: Vec<Node>,
    },
    ReloadLookupTable(Vec<Expr>),
}

/// What stands before statements.
#[derive(Clone, Debug)]
pub enum Condition {
    Selector(Word),
    Property { name: Word, negate: bool, op: Comparison, value: Vec<u8> },
    Expr(Expr),
}

/// `word(name="value" ...)`
#[derive(Clone, Debug)]
pub struct Object {
    /// In lower case.
    pub word: String,
    pub span: Span,
    pub params: Vec<Param>,
    /// `property()` and `constant()` of a list template.
    pub children: Vec<Object>,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: Word,
    pub value: Value,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Value {
    Text(Vec<u8>),
    Array(Vec<(Vec<u8>, Span)>),
    /// `` `echo ...` `` or `` `cat ...` ``
    Backtick(String),
}

/// An action in the language of selectors.
#[derive(Clone, Debug)]
pub struct ActionText {
    pub target: Target,
    pub template: Option<Word>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Target {
    File { path: Word, sync: bool },
    DynaFile { template: Word, sync: bool },
    Channel(Word),
    Pipe(Word),
    Forward { tcp: bool, host: Word, port: Option<Word>, options: Vec<Word> },
    Module { word: Word, args: Word },
    Program(Word),
    Users(Word),
    Discard,
}

/// An expression with unresolved names.
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Number(i64),
    Text(Vec<u8>),
    Backtick(String),
    Array(Vec<Vec<u8>>),
    /// With its `$`.
    Variable(String),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Call(Word, Vec<Expr>),
}
