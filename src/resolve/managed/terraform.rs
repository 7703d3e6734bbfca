//! Terraform and OpenTofu.

use std::collections::BTreeMap;

use hcl_edit::{
    Span,
    expr::{Expression, ObjectKey, Traversal, TraversalOperator},
    structure::{Block, Body},
    visit::{self, Visit},
};

use super::{Found, Kind, Known, Names, Target, Tool, Writer, kind};

pub(super) const CLUES: &[&str] = &[
    "\"github_actions_",
    "\"github_dependabot_",
    "\"github_codespaces_",
    "\"gitlab_",
    "\"circleci_",
    "\"kubernetes_secret",
    "\"vault_",
    "\"aws_iam_access_key\"",
];

/// Larger files are generated, and cost more than they tell.
const LARGEST: usize = 1 << 20;

/// Attributes that hold what is never shown; only what they refer to is looked at.
const VALUES: [&str; 6] =
    ["plaintext_value", "encrypted_value", "value", "value_wo", "data_json", "data"];

pub(super) fn parse(text: &str) -> Found {
    let mut found = Found::default();
    if text.len() > LARGEST {
        found.troubles.push((1, format!("larger than {} MB", LARGEST >> 20)));
        return found;
    }
    let lines = Lines::of(text);
    match hcl_edit::parser::parse_body(text) {
        Ok(body) => file(&body, &lines, 0, &mut found),
        Err(error) => {
            // The parser's own words quote the line, and with it perhaps a value.
            let line = u32::try_from(error.location().line()).unwrap_or(u32::MAX);
            found.troubles.push((line, "not valid HCL".to_owned()));
            for (offset, block) in blocks(text) {
                if let Ok(body) = hcl_edit::parser::parse_body(block) {
                    file(&body, &lines, offset, &mut found);
                }
            }
        }
    }
    found
}

/// Resources of a file that is broken elsewhere: from `resource` to the brace, both at the start of a line.
fn blocks(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("resource ") {
            start = Some(at);
        }
        at += line.len();
        if line.starts_with('}')
            && let Some(from) = start.take()
        {
            found.push((from, &text[from..at]));
        }
    }
    found
}

/// Byte offset → line.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|end| *end < offset) + 1).unwrap_or(u32::MAX)
    }
}

fn file(body: &Body, lines: &Lines, offset: usize, found: &mut Found) {
    let settings = settings(body);
    let line =
        |span: Option<std::ops::Range<usize>>| lines.at(offset + span.map_or(0, |span| span.start));
    for block in body.blocks().filter(|block| block.ident.as_str() == "resource") {
        let [of, name] = &block.labels[..] else { continue };
        let Some(kind) = kind(of.as_str()) else { continue };
        let resource = format!("{}.{}", of.as_str(), name.as_str());
        let read = Read { block, kind, line: &line, settings: &settings };
        found.writers.push(Writer {
            tool: Tool::Terraform,
            line: line(block.span()),
            target: kind.target,
            names: read.names(),
            repository: read.known(kind.repository),
            environment: read.known(kind.environment),
            sources: read.sources(),
            ignores_changes: read.ignores_changes(),
            resource,
        });
    }
}

/// Locals and defaults of variables, by the reference to them.
fn settings(body: &Body) -> BTreeMap<String, &Expression> {
    let mut found = BTreeMap::new();
    for block in body.blocks() {
        match (block.ident.as_str(), &block.labels[..]) {
            ("locals", []) => {
                for attribute in block.body.attributes() {
                    found.insert(format!("local.{}", attribute.key.as_str()), &attribute.value);
                }
            }
            ("variable", [name]) => {
                if let Some(default) = block.body.get_attribute("default") {
                    found.insert(format!("var.{}", name.as_str()), &default.value);
                }
            }
            _ => {}
        }
    }
    found
}

struct Read<'a> {
    block: &'a Block,
    kind: Kind,
    line: &'a dyn Fn(Option<std::ops::Range<usize>>) -> u32,
    settings: &'a BTreeMap<String, &'a Expression>,
}

impl Read<'_> {
    fn value(&self, attribute: &str) -> Option<&Expression> {
        Some(&self.block.body.get_attribute(attribute)?.value)
    }

    fn known(&self, attribute: &str) -> Known {
        let Some(value) = self.value(attribute) else { return Known::Absent };
        match value {
            Expression::String(text) => Known::Text(text.as_str().to_owned()),
            other => Known::Expression(described(&references(other))),
        }
    }

    fn names(&self) -> Names {
        let none = Names { literal: Vec::new(), doubt: None };
        let attribute = self.block.body.get_attribute(self.kind.name);
        let Some(attribute) = attribute else { return none };
        if matches!(self.kind.target, Target::Store(_)) {
            return Names { literal: self.keys(&attribute.value), doubt: None };
        }
        let line = (self.line)(attribute.span());
        if let Expression::String(text) = &attribute.value {
            return Names { literal: vec![(text.as_str().to_owned(), line)], doubt: None };
        }
        let references = references(&attribute.value);
        let doubt =
            Some(format!("the name is an expression: only {} tells", described(&references)));
        let each = references.iter().any(|from| from.starts_with("each."));
        let bare = matches!(attribute.value, Expression::Traversal(_));
        let literal = match self.value("for_each") {
            // Something put together from the key is none of the keys.
            Some(list) if each && bare => self.candidates(list, line),
            _ if bare => references
                .first()
                .and_then(|from| self.settings.get(from))
                .and_then(|value| value.as_str())
                .map(|text| vec![(text.to_owned(), line)])
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        Names { literal, doubt }
    }

    /// Texts that a `for_each` goes through, as far as this file holds them.
    fn candidates(&self, list: &Expression, line: u32) -> Vec<(String, u32)> {
        let own = texts(list);
        if !own.is_empty() {
            return own.into_iter().map(|text| (text, line)).collect();
        }
        let from = references(list);
        let values = from.iter().filter_map(|from| self.settings.get(from));
        values.flat_map(|value| texts(value)).map(|text| (text, line)).collect()
    }

    fn keys(&self, value: &Expression) -> Vec<(String, u32)> {
        let object = match value {
            Expression::Object(object) => object,
            Expression::FuncCall(call) => match call.args.iter().next() {
                Some(Expression::Object(object)) => object,
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        object
            .iter()
            .filter_map(|(key, _)| Some((key_text(key)?, (self.line)(key.span()))))
            .collect()
    }

    fn sources(&self) -> Vec<String> {
        let values = VALUES.iter().filter_map(|name| self.value(name));
        values.flat_map(references).filter(|from| kind_of(from)).collect()
    }

    fn ignores_changes(&self) -> bool {
        let mut lifecycles = self.block.body.get_blocks("lifecycle");
        lifecycles.any(|block| {
            block.body.get_attribute("ignore_changes").is_some_and(|list| {
                let mut seen = Seen::default();
                seen.visit_expr(&list.value);
                seen.variables.iter().any(|name| name == "all" || VALUES.contains(&name.as_str()))
            })
        })
    }
}

/// Whether the address is that of a resource of interest.
fn kind_of(address: &str) -> bool {
    address.split_once('.').is_some_and(|(of, _)| kind(of).is_some())
}

fn key_text(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::String(text)) => Some(text.as_str().to_owned()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(_) => None,
    }
}

/// What an expression refers to, as `kind.name`.
fn references(value: &Expression) -> Vec<String> {
    let mut seen = Seen::default();
    seen.visit_expr(value);
    seen.references
}

/// Keys of objects and elements of lists that are plain text.
fn texts(value: &Expression) -> Vec<String> {
    let mut seen = Seen::default();
    seen.visit_expr(value);
    seen.texts
}

fn described(references: &[String]) -> String {
    match references {
        [] => "Terraform".to_owned(),
        [first, ..] => format!("`{first}`"),
    }
}

#[derive(Default)]
struct Seen {
    references: Vec<String>,
    variables: Vec<String>,
    texts: Vec<String>,
}

impl Visit for Seen {
    fn visit_traversal(&mut self, node: &Traversal) {
        let attribute = node.operators.iter().find_map(|operator| match operator.value() {
            TraversalOperator::GetAttr(name) => Some(name.as_str()),
            _ => None,
        });
        if let (Expression::Variable(root), Some(attribute)) = (&node.expr, attribute) {
            self.references.push(format!("{}.{attribute}", root.as_str()));
        }
        visit::visit_traversal(self, node);
    }

    fn visit_expr(&mut self, node: &Expression) {
        match node {
            Expression::String(text) => self.texts.push(text.as_str().to_owned()),
            Expression::Variable(name) => self.variables.push(name.as_str().to_owned()),
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_object_item(&mut self, key: &ObjectKey, value: &hcl_edit::expr::ObjectValue) {
        self.texts.extend(key_text(key));
        visit::visit_object_item(self, key, value);
    }
}
