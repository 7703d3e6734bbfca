//! TOML with lines.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Read, Trouble};

pub(super) struct Document<'t> {
    pub(super) root: Spanned<DeTable<'t>>,
    breaks: Vec<usize>,
}

impl<'t> Document<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self, Trouble> {
        let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { root, breaks }),
            Err(error) => Err(Trouble {
                line: line(&breaks, error.span().map_or(0, |span| span.start)),
                reason: error.message().to_owned(),
            }),
        }
    }

    pub(super) fn line<T>(&self, value: &Spanned<T>) -> u32 {
        line(&self.breaks, value.span().start)
    }

    pub(super) fn top(&self, key: &str) -> Option<&Spanned<DeValue<'t>>> {
        self.root.get_ref().get(key)
    }

    /// Tables of `[[package]]` and the like, with their lines. Another type is a trouble.
    pub(super) fn list(&self, keys: &[&str], read: &mut Read) -> Vec<(&DeTable<'t>, u32)> {
        let mut tables = Vec::new();
        for value in keys.iter().filter_map(|key| self.top(key)) {
            let items = value.get_ref().as_array();
            if items.is_none() {
                read.trouble(self.line(value), "the packages are no list of tables");
            }
            for item in items.into_iter().flat_map(|items| items.iter()) {
                match item.get_ref().as_table() {
                    Some(table) => tables.push((table, self.line(item))),
                    None => read.trouble(self.line(item), "a package is no table"),
                }
            }
        }
        tables
    }
}

pub(super) fn text<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

fn line(breaks: &[usize], offset: usize) -> u32 {
    u32::try_from(breaks.partition_point(|at| *at < offset) + 1).unwrap_or(u32::MAX)
}
