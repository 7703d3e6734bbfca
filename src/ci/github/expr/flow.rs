//! Syntax tree → references, and whether each can become part of the value.

use github_actions_expressions::{
    Expr, SpannedExpr,
    call::{Call, Function},
    context::Context,
    op::{BinExpr, BinOp},
};

use super::{
    Found,
    path::{Access, Shape, resolve},
};

/// What of a sub-expression's value reaches the value of the whole. Ordered: each takes more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Use {
    /// It is compared, counted, tested.
    Nothing,
    /// It is made a text; an object becomes the word `Object`.
    Text,
    /// Its elements are made texts.
    Elements,
    Everything,
}

pub(super) fn references(expression: &SpannedExpr<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    walk(expression, Use::Everything, &mut found);
    found
}

fn walk(expression: &SpannedExpr<'_>, used: Use, found: &mut Vec<Found>) {
    match &expression.inner {
        Expr::Literal(_) | Expr::Star | Expr::Identifier(_) => {}
        Expr::Call(call) => walk_call(call, used, found),
        Expr::Index(index) => walk(index, Use::Nothing, found),
        Expr::Context(context) => walk_context(context, expression, used, found),
        Expr::UnExpr { expr, .. } => walk(expr, Use::Nothing, found),
        Expr::BinExpr(BinExpr { lhs, op, rhs }) => {
            let (left, right) = match op {
                // The left side is the value only where it is empty or false.
                BinOp::And => (Use::Nothing, used),
                BinOp::Or => (used, used),
                BinOp::Eq | BinOp::Neq | BinOp::Gt | BinOp::Ge | BinOp::Lt | BinOp::Le => {
                    (Use::Nothing, Use::Nothing)
                }
            };
            walk(lhs, left, found);
            walk(rhs, right, found);
        }
    }
}

fn walk_call(call: &Call<'_>, used: Use, found: &mut Vec<Found>) {
    let last = call.args.len().saturating_sub(1);
    for (i, argument) in call.args.iter().enumerate() {
        let of_argument = match call.func {
            Function::ToJSON => Use::Everything,
            Function::FromJSON | Function::Format => Use::Text,
            Function::Join => Use::Elements,
            Function::Case if i % 2 == 1 || i == last => used,
            Function::Case
            | Function::Contains
            | Function::StartsWith
            | Function::EndsWith
            | Function::HashFiles
            | Function::Success
            | Function::Always
            | Function::Cancelled
            | Function::Failure => Use::Nothing,
        };
        walk(argument, if used == Use::Nothing { used } else { of_argument }, found);
    }
}

fn walk_context(context: &Context<'_>, whole: &SpannedExpr<'_>, used: Use, found: &mut Vec<Found>) {
    let Some((head, path)) = context.parts.split_first() else { return };
    for part in path {
        walk(part, Use::Nothing, found);
    }
    let Expr::Identifier(name) = &head.inner else {
        // `fromJSON(x).y`: what is inside may be the part that is taken.
        walk(head, if used == Use::Nothing { used } else { Use::Everything }, found);
        return;
    };
    let resolved = resolve(name.as_str(), &accesses(path));
    let in_value = match resolved.shape {
        Shape::Nothing => false,
        Shape::Scalar => used >= Use::Text,
        Shape::Array => used >= Use::Elements,
        Shape::Object => used >= Use::Everything,
    };
    found.push(Found {
        reference: resolved.reference,
        certainty: resolved.certainty,
        in_value,
        at: whole.origin.span.start,
    });
}

/// The accesses behind the head of a context.
pub(super) fn accesses<'a>(path: &'a [SpannedExpr<'_>]) -> Vec<Access<'a>> {
    path.iter()
        .map(|part| match &part.inner {
            Expr::Identifier(name) => Access::Name(name.as_str().into()),
            Expr::Star => Access::Star,
            Expr::Index(index) => match &index.inner {
                Expr::Literal(literal) => Access::Name(literal.as_str()),
                Expr::Star => Access::Star,
                _ => Access::Computed(index.origin.raw),
            },
            _ => Access::Computed(part.origin.raw),
        })
        .collect()
}
