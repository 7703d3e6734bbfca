//! JSON, edited in its concrete syntax tree: comments, order and blanks stay.

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstNode, CstObject, CstRootNode},
};
use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use zeroize::Zeroizing;

use super::{Leaf, Leaves, Text};

pub(super) fn leaves(text: &str) -> Result<Leaves, Trouble> {
    let mut leaves = Leaves::new();
    if let Some(root) = parse(text)?.value() {
        collect(&root, &mut Vec::new(), &mut leaves);
    }
    Ok(leaves)
}

pub(super) fn set(text: &str, place: &[String], value: &str) -> Result<Text, Trouble> {
    let root = parse(text)?;
    let written = Zeroizing::new(quoted(value)?);
    match find(&root, place) {
        Some(node) => match (node.as_string_lit(), node.as_null_keyword()) {
            (Some(text), _) => text.set_raw_value(written.to_string()),
            (None, Some(null)) => {
                let set = null.replace_with(CstInputValue::String(value.to_owned()));
                set.ok_or_else(|| super::no_parent(place))?;
            }
            (None, None) => return Err(super::no_parent(place)),
        },
        None => {
            let (key, parent) = place.split_last().ok_or_else(|| super::no_parent(place))?;
            let parent = match find(&root, parent) {
                Some(node) => node.as_object(),
                None if parent.is_empty() => Some(root.object_value_or_set()),
                None => None,
            };
            let parent = parent.ok_or_else(|| super::no_parent(place))?;
            parent.append(key, CstInputValue::String(value.to_owned()));
        }
    }
    Ok(Zeroizing::new(root.to_string()))
}

pub(super) fn unset(text: &str, place: &[String]) -> Result<Text, Trouble> {
    let root = parse(text)?;
    if let Some((key, parent)) = place.split_last() {
        let parent = find(&root, parent).and_then(|node| node.as_object());
        let Some(prop) = parent.and_then(|parent| parent.get(key)) else {
            let message = "an element of a list cannot be taken away: those after it would move";
            return Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("take it away by hand, or put an empty text there"));
        };
        prop.remove();
    }
    Ok(Zeroizing::new(root.to_string()))
}

fn parse(text: &str) -> Result<CstRootNode, Trouble> {
    // What is no JSON but for comments and trailing commas may be another format.
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    // The error of the parser could quote the text.
    CstRootNode::parse(text, &options).map_err(|error| {
        let at = error.range().start.min(text.len());
        super::unreadable("JSON", text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1)
    })
}

fn find(root: &CstRootNode, place: &[String]) -> Option<CstNode> {
    let mut node = root.value()?;
    for key in place {
        node = match (node.as_object(), node.as_array()) {
            (Some(object), _) => property(&object, key)?,
            (None, Some(array)) => array.elements().into_iter().nth(key.parse().ok()?)?,
            (None, None) => return None,
        };
    }
    Some(node)
}

fn property(object: &CstObject, key: &str) -> Option<CstNode> {
    object.get(key)?.value()
}

fn collect(node: &CstNode, at: &mut Vec<String>, leaves: &mut Leaves) {
    let mut children: Vec<(String, CstNode)> = Vec::new();
    if let Some(object) = node.as_object() {
        for prop in object.properties() {
            children.extend(prop.decoded_name().zip(prop.value()));
        }
    } else if let Some(array) = node.as_array() {
        children.extend(array.elements().into_iter().enumerate().map(|(i, n)| (i.to_string(), n)));
    }
    if children.is_empty() {
        let other = || Leaf::Other(Zeroizing::new(node.to_string()));
        let text = node.as_string_lit().and_then(|text| text.decoded_value().ok());
        let leaf = match text {
            Some(text) => Leaf::Text(Zeroizing::new(text)),
            None if node.as_null_keyword().is_some() => Leaf::Null,
            None => other(),
        };
        leaves.push((at.clone(), leaf));
    }
    for (key, child) in children {
        at.push(key);
        collect(&child, at, leaves);
        at.pop();
    }
}

fn quoted(value: &str) -> Result<String, Trouble> {
    serde_json::to_string(value)
        .map_err(|_| Trouble::new(ErrorKind::Invalid, "the value is no text of JSON"))
}
