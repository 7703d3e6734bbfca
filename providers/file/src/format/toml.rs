//! TOML, edited by `toml_edit`: comments, order and blanks stay.

use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use toml_edit::{DocumentMut, Item, TableLike, Value};
use zeroize::Zeroizing;

use super::{Leaf, Leaves, Text};

pub(super) fn leaves(text: &str) -> Result<Leaves, Trouble> {
    let mut leaves = Leaves::new();
    table(parse(text)?.as_table(), &mut Vec::new(), &mut leaves);
    Ok(leaves)
}

pub(super) fn set(text: &str, place: &[String], value: &str) -> Result<Text, Trouble> {
    let mut document = parse(text)?;
    let (key, parents) = place.split_last().ok_or_else(|| super::no_parent(place))?;
    let parent = descend(document.as_item_mut(), parents).ok_or_else(|| super::no_parent(place))?;
    if let Some(held) = step(parent, key) {
        let held = held.as_value_mut().ok_or_else(|| super::no_parent(place))?;
        let decor = held.decor().clone();
        *held = Value::from(value);
        *held.decor_mut() = decor;
    } else {
        let table = parent.as_table_like_mut().ok_or_else(|| super::no_parent(place))?;
        table.insert(key, toml_edit::value(value));
    }
    Ok(Zeroizing::new(document.to_string()))
}

pub(super) fn unset(text: &str, place: &[String]) -> Result<Text, Trouble> {
    let mut document = parse(text)?;
    if let Some((key, parents)) = place.split_last() {
        let parent = descend(document.as_item_mut(), parents).and_then(Item::as_table_like_mut);
        if parent.and_then(|parent| parent.remove(key)).is_none() {
            let message = "an element of a list cannot be taken away: those after it would move";
            return Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("take it away by hand, or put an empty text there"));
        }
    }
    Ok(Zeroizing::new(document.to_string()))
}

fn parse(text: &str) -> Result<DocumentMut, Trouble> {
    // The error of the parser quotes the line.
    text.parse::<DocumentMut>().map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        super::unreadable("TOML", text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1)
    })
}

fn descend<'d>(root: &'d mut Item, place: &[String]) -> Option<&'d mut Item> {
    place.iter().try_fold(root, |item, key| step(item, key))
}

fn step<'d>(item: &'d mut Item, key: &str) -> Option<&'d mut Item> {
    if item.is_array() || item.is_array_of_tables() {
        return item.get_mut(key.parse::<usize>().ok()?);
    }
    item.get_mut(key).filter(|item| !item.is_none())
}

fn table(table: &dyn TableLike, at: &mut Vec<String>, leaves: &mut Leaves) {
    if table.is_empty() {
        leaves.push((at.clone(), Leaf::Other(Zeroizing::new("{}".into()))));
    }
    for (key, item) in table.iter() {
        at.push(key.to_owned());
        match item {
            Item::Value(held) => value(held, at, leaves),
            Item::Table(inner) => self::table(inner, at, leaves),
            Item::ArrayOfTables(tables) => {
                for (i, inner) in tables.iter().enumerate() {
                    at.push(i.to_string());
                    self::table(inner, at, leaves);
                    at.pop();
                }
            }
            Item::None => {}
        }
        at.pop();
    }
}

fn value(held: &Value, at: &mut Vec<String>, leaves: &mut Leaves) {
    match held {
        Value::String(text) => {
            leaves.push((at.clone(), Leaf::Text(Zeroizing::new(text.value().clone()))));
        }
        Value::InlineTable(inner) => table(inner, at, leaves),
        Value::Array(list) if !list.is_empty() => {
            for (i, inner) in list.iter().enumerate() {
                at.push(i.to_string());
                value(inner, at, leaves);
                at.pop();
            }
        }
        other => {
            let written = Zeroizing::new(other.to_string().trim().to_owned());
            leaves.push((at.clone(), Leaf::Other(written)));
        }
    }
}
