//! Syntax tree of a POSIX-family script, reduced to what decides where bytes go.

use std::rc::Rc;

pub(in crate::ci::shell) type Block = Vec<Stmt>;

/// A parsed text: statements, here-document bodies, and what could not be parsed.
#[derive(Debug, Default)]
pub(in crate::ci::shell) struct Script {
    pub(in crate::ci::shell) body: Block,
    pub(in crate::ci::shell) docs: Vec<Word>,
    pub(in crate::ci::shell) errors: Vec<SyntaxError>,
}

/// A region that the grammar does not cover.
#[derive(Debug)]
pub(in crate::ci::shell) struct SyntaxError {
    pub(in crate::ci::shell) at: usize,
    pub(in crate::ci::shell) end: usize,
    pub(in crate::ci::shell) what: &'static str,
}

#[derive(Debug)]
pub(in crate::ci::shell) struct Stmt {
    pub(in crate::ci::shell) node: Node,
    pub(in crate::ci::shell) redirects: Vec<Redirect>,
    /// Offset of the first word.
    pub(in crate::ci::shell) at: usize,
}

#[derive(Debug)]
pub(in crate::ci::shell) enum Node {
    Simple {
        assigns: Vec<Assign>,
        words: Vec<Word>,
    },
    Pipeline {
        stages: Vec<Stmt>,
        negated: bool,
    },
    AndOr {
        first: Box<Stmt>,
        rest: Vec<(Link, Stmt)>,
    },
    Group(Block),
    Subshell(Block),
    If {
        arms: Vec<(Block, Block)>,
        otherwise: Option<Block>,
    },
    While {
        condition: Block,
        body: Block,
    },
    For {
        variable: String,
        words: Option<Vec<Word>>,
        body: Block,
    },
    Case {
        subject: Word,
        arms: Vec<(Vec<Word>, Block)>,
    },
    Function {
        name: String,
        body: Rc<Stmt>,
    },
    /// `[[ … ]]`, operators as words.
    Test(Vec<Word>),
    /// `(( … ))`
    Arithmetic,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::ci::shell) enum Link {
    And,
    Or,
}

#[derive(Debug)]
pub(in crate::ci::shell) struct Assign {
    pub(in crate::ci::shell) name: String,
    pub(in crate::ci::shell) append: bool,
    pub(in crate::ci::shell) value: AssignValue,
}

#[derive(Debug)]
pub(in crate::ci::shell) enum AssignValue {
    Scalar(Word),
    Array(Vec<Word>),
}

#[derive(Debug)]
pub(in crate::ci::shell) struct Redirect {
    pub(in crate::ci::shell) fd: Option<u32>,
    pub(in crate::ci::shell) kind: RedirectKind,
}

#[derive(Debug)]
pub(in crate::ci::shell) enum RedirectKind {
    In(Word),
    Out {
        target: Word,
        append: bool,
    },
    /// `&>`, `&>>`
    Both {
        target: Word,
        append: bool,
    },
    /// Index into [`Script::docs`].
    HereDoc(usize),
    HereString(Word),
    Duplicate,
}

#[derive(Clone, Debug, Default)]
pub(in crate::ci::shell) struct Word {
    pub(in crate::ci::shell) parts: Vec<Part>,
    pub(in crate::ci::shell) at: usize,
}

impl Word {
    /// The text of a word without any expansion or quoting of parts.
    pub(in crate::ci::shell) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal { text, quoted: false, .. }] => Some(text),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::ci::shell) enum Part {
    /// A run of text that stands unchanged in the source from `at` on.
    Literal {
        text: String,
        at: usize,
        quoted: bool,
    },
    Parameter {
        expansion: Rc<Expansion>,
        quoted: bool,
    },
    Command {
        body: Rc<Block>,
        quoted: bool,
    },
    /// `<( … )`, or `>( … )` where not `input`.
    Process {
        body: Rc<Block>,
        input: bool,
    },
    Arithmetic,
}

#[derive(Debug)]
pub(in crate::ci::shell) struct Expansion {
    pub(in crate::ci::shell) name: String,
    /// `[@]`, `[*]`, `[0]`
    pub(in crate::ci::shell) index: Option<String>,
    pub(in crate::ci::shell) operator: Operator,
    pub(in crate::ci::shell) argument: Word,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::ci::shell) enum Operator {
    None,
    /// `:-`, `-`, `:=`, `=`
    Default,
    /// `:+`, `+`
    Alternative,
    /// `#`, `##`, `%`, `%%`
    TrimPrefix {
        longest: bool,
    },
    TrimSuffix {
        longest: bool,
    },
    /// `/`, `//`
    Replace {
        all: bool,
    },
    Length,
    Indirect,
    /// Substring, case, `@Q`, `:?` keep the origin, not the text.
    Other,
    /// `:?` keeps the text.
    Require,
}
