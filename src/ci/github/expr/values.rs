//! The texts an expression may evaluate to.

use std::sync::Arc;

use github_actions_expressions::{
    Expr, SpannedExpr,
    call::{Call, Function},
    context::Context,
    literal::Literal,
    op::{BinExpr, BinOp},
};
use serde_json::Value;

use super::{
    Lookup, Part,
    flow::accesses,
    path::{Access, resolve},
    plain, split, syntax,
};

/// More candidates than this say no more than "anything".
const MAX_VALUES: usize = 16;

/// `format` in `format` in `format` doubles at each level.
const MAX_TEXT: usize = 1024;

/// Placeholders and texts between them, of one template.
const MAX_PIECES: usize = 64;

/// Candidates for a value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Values {
    pub known: Vec<Arc<str>>,
    /// It can be nothing else, save empty or false, if what was looked up was all.
    pub complete: bool,
}

/// The texts that the expression may evaluate to; empty where nothing is known. Not every one that
/// it may: see [`evaluate`].
pub fn values(body: &str, lookup: Lookup<'_>) -> Vec<Arc<str>> {
    evaluate(body, lookup).known
}

/// The texts that the expression may evaluate to, and whether these are all.
pub fn evaluate(body: &str, lookup: Lookup<'_>) -> Values {
    if let Some(resolved) = plain::resolved(body) {
        return Set::of(lookup(&resolved.reference)).into();
    }
    match syntax::parse(&syntax::with_plain_blanks(body)) {
        Ok(None) => Set::one("").into(),
        Ok(Some(expression)) => eval(&expression, lookup).into(),
        Err(_) => Values::default(),
    }
}

/// What `fromJSON(…)` may give, whole; `None` where it is something else or not all is known.
pub fn json(body: &str, lookup: Lookup<'_>) -> Option<Vec<Value>> {
    if !body.to_ascii_lowercase().contains("fromjson") {
        return None;
    }
    let body = syntax::with_plain_blanks(body);
    let set = eval(&syntax::parse(&body).ok()??, lookup);
    let known = set.json && set.complete && !set.texts.is_empty();
    known.then(|| set.texts.iter().map(|json| serde_json::from_str(json).ok()).collect())?
}

/// The texts that a scalar with `${{ … }}` may become.
pub fn values_in_text(text: &str, lookup: Lookup<'_>) -> Values {
    let parts = split(text);
    if parts.len() > MAX_PIECES {
        return Values::default();
    }
    let mut whole = Set::one("");
    for part in parts {
        let next = match part {
            Part::Text(range) => Set::one(&text[range]),
            Part::Expression { body, .. } => {
                let values = evaluate(&text[body], lookup);
                Set { texts: values.known, complete: values.complete, json: false }
            }
            Part::Unterminated { .. } => Set::default(),
        };
        whole = whole.followed_by(&next);
    }
    whole.into()
}

/// Candidates of a sub-expression. No candidate at all: unknown.
#[derive(Clone, Debug, Default)]
struct Set {
    texts: Vec<Arc<str>>,
    complete: bool,
    /// The texts are JSON that stands for itself, not a text: `fromJSON(…)`.
    json: bool,
}

fn eval(expression: &SpannedExpr<'_>, lookup: Lookup<'_>) -> Set {
    match &expression.inner {
        Expr::Literal(Literal::Null) => Set::one(""),
        Expr::Literal(literal) => Set::one(&literal.as_str()),
        Expr::Call(call) => eval_call(call, lookup),
        Expr::Context(context) => eval_context(context, lookup),
        Expr::UnExpr { .. } => Set::boolean(),
        Expr::BinExpr(BinExpr { lhs, op, rhs }) => match op {
            BinOp::Or => eval(lhs, lookup).when(true).or(eval(rhs, lookup)),
            BinOp::And => eval(lhs, lookup).when(false).or(eval(rhs, lookup)),
            BinOp::Eq | BinOp::Neq | BinOp::Gt | BinOp::Ge | BinOp::Lt | BinOp::Le => {
                Set::boolean()
            }
        },
        Expr::Star | Expr::Identifier(_) | Expr::Index(_) => Set::default(),
    }
}

fn eval_call(call: &Call<'_>, lookup: Lookup<'_>) -> Set {
    match call.func {
        Function::Format => eval_format(&call.args, lookup),
        Function::FromJSON => match call.args.first() {
            Some(argument) => Set { json: true, ..eval(argument, lookup).text() },
            None => Set::default(),
        },
        Function::Case => {
            let last = call.args.len().saturating_sub(1);
            let results = call.args.iter().enumerate().filter(|(i, _)| i % 2 == 1 || *i == last);
            results.map(|(_, result)| eval(result, lookup)).reduce(Set::or).unwrap_or_default()
        }
        Function::Contains
        | Function::StartsWith
        | Function::EndsWith
        | Function::Success
        | Function::Always
        | Function::Cancelled
        | Function::Failure => Set::boolean(),
        Function::ToJSON | Function::Join | Function::HashFiles => Set::default(),
    }
}

fn eval_format(arguments: &[SpannedExpr<'_>], lookup: Lookup<'_>) -> Set {
    let Some((template, arguments)) = arguments.split_first() else { return Set::default() };
    let Expr::Literal(template) = &template.inner else { return Set::default() };
    // Once each: a template may name one many times.
    let arguments: Vec<_> = arguments.iter().map(|one| eval(one, lookup).text()).collect();
    filled(&template.as_str(), &arguments).unwrap_or_default()
}

/// `None` where the template is none.
fn filled(template: &str, arguments: &[Set]) -> Option<Set> {
    if template.matches(['{', '}']).count() > 2 * MAX_PIECES {
        return None;
    }
    let mut whole = Set::one("");
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        whole = whole.followed_by(&Set::one(&rest[..brace]));
        rest = &rest[brace..];
        if let Some(after) = rest.strip_prefix("{{").or(rest.strip_prefix("}}")) {
            whole = whole.followed_by(&Set::one(&rest[..1]));
            rest = after;
            continue;
        }
        let (index, after) = rest.strip_prefix('{')?.split_once('}')?;
        whole = whole.followed_by(arguments.get(index.parse::<usize>().ok()?)?);
        rest = after;
    }
    Some(whole.followed_by(&Set::one(rest)))
}

fn eval_context(context: &Context<'_>, lookup: Lookup<'_>) -> Set {
    let Some((head, path)) = context.parts.split_first() else { return Set::default() };
    let path = accesses(path);
    let Expr::Identifier(name) = &head.inner else {
        return eval(head, lookup).select(&path, lookup);
    };
    Set::of(lookup(&resolve(name.as_str(), &path).reference))
}

impl Set {
    fn one(text: &str) -> Self {
        Self { texts: vec![Arc::from(text)], complete: true, json: false }
    }

    fn boolean() -> Self {
        Self { texts: vec!["true".into(), "false".into()], complete: true, json: false }
    }

    /// `texts` are all there are; none at all is unknown.
    fn of(texts: Vec<Arc<str>>) -> Self {
        let complete = !texts.is_empty();
        let mut set = Self { texts: Vec::new(), complete, json: false };
        texts.into_iter().for_each(|text| set.add(text));
        set
    }

    fn add(&mut self, text: Arc<str>) {
        if self.texts.contains(&text) {
            return;
        }
        if self.texts.len() == MAX_VALUES || text.len() > MAX_TEXT {
            self.complete = false;
        } else {
            self.texts.push(text);
        }
    }

    fn or(self, other: Self) -> Self {
        let (one, other) = (self.text(), other.text());
        let complete = one.complete && other.complete;
        let mut both = Self { texts: one.texts, complete, json: false };
        other.texts.into_iter().for_each(|text| both.add(text));
        both
    }

    /// Those that count as true, or those that do not.
    fn when(self, truth: bool) -> Self {
        let set = self.text();
        let falsy = |text: &str| matches!(text, "" | "false" | "0");
        let texts = set.texts.into_iter().filter(|text| falsy(text) != truth).collect();
        // Of an unknown left side of `&&` nothing but an empty value can come through.
        Self { texts, complete: set.complete || !truth, json: false }
    }

    fn followed_by(&self, next: &Self) -> Self {
        let complete = self.complete && next.complete;
        let mut joined = Self { texts: Vec::new(), complete, json: false };
        for start in &self.texts {
            for end in &next.texts {
                if joined.texts.len() == MAX_VALUES {
                    return Self { complete: false, ..joined };
                }
                joined.add(format!("{start}{end}").into());
            }
        }
        joined
    }

    /// As texts: of JSON, the scalars.
    fn text(self) -> Self {
        if !self.json {
            return self;
        }
        let mut set = Self { texts: Vec::new(), complete: self.complete, json: false };
        for json in self.texts {
            match serde_json::from_str(&json).ok().as_ref().and_then(scalar) {
                Some(text) => set.add(text),
                None => set.complete = false,
            }
        }
        set
    }

    /// `fromJSON(…)` with accesses behind it; of a computed index, every element that it may mean.
    fn select(self, path: &[Access<'_>], lookup: Lookup<'_>) -> Self {
        let mut set = Self { texts: Vec::new(), complete: self.complete, json: false };
        if !self.json {
            return Self { complete: false, ..set };
        }
        // Once each, however many candidates there are.
        let path: Vec<_> = path.iter().map(|access| Keys::of(access, lookup)).collect();
        for json in &self.texts {
            let mut chosen: Vec<Value> = serde_json::from_str(json).into_iter().collect();
            for keys in &path {
                chosen = chosen.iter().flat_map(|value| keys.of_value(value)).collect();
            }
            set.complete &= !chosen.is_empty();
            for value in chosen {
                match scalar(&value) {
                    Some(text) => set.add(text),
                    None => set.complete = false,
                }
            }
        }
        set
    }
}

/// Elements that an access may mean.
enum Keys {
    All,
    Named(Vec<Arc<str>>),
}

impl Keys {
    fn of(access: &Access<'_>, lookup: Lookup<'_>) -> Self {
        match access {
            Access::Star => Self::All,
            Access::Name(name) => Self::Named(vec![Arc::from(&**name)]),
            Access::Computed(index) => match evaluate(index, lookup) {
                Values { known, complete: true } => Self::Named(known),
                Values { complete: false, .. } => Self::All,
            },
        }
    }

    fn of_value(&self, value: &Value) -> Vec<Value> {
        match (value, self) {
            (Value::Array(items), Self::All) => items.clone(),
            (Value::Object(map), Self::All) => map.values().cloned().collect(),
            (Value::Array(items), Self::Named(keys)) => {
                let places = keys.iter().filter_map(|key| key.parse::<usize>().ok());
                places.filter_map(|place| items.get(place)).cloned().collect()
            }
            (Value::Object(map), Self::Named(keys)) => map
                .iter()
                .filter(|(key, _)| keys.iter().any(|wanted| wanted.eq_ignore_ascii_case(key)))
                .map(|(_, value)| value.clone())
                .collect(),
            (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => Vec::new(),
        }
    }
}

fn scalar(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Null => Some("".into()),
        Value::Bool(bool) => Some(bool.to_string().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) => Some(text.as_str().into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

impl From<Set> for Values {
    fn from(set: Set) -> Self {
        let set = set.text();
        Self { complete: set.complete && !set.texts.is_empty(), known: set.texts }
    }
}
