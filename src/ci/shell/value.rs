//! What is known of a string: its candidate texts, and what its unknown parts stand for.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use crate::ci::model::{Flow, Verified};

/// More candidates than this are cut; the rest of the analysis stays linear.
pub(super) const MAX_CANDIDATES: usize = 8;
/// A text that grows beyond this in a loop is not followed further.
pub(super) const MAX_TEXT: usize = 1 << 20;

const FIRST_MARK: u32 = 0xF_0000;
const LAST_MARK: u32 = 0x10_FFFD;

/// Text in which a private-use character stands for something unknown ([`Unknown`]).
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) s: String,
    /// Rising offsets, each with the line from which the text from there on comes.
    pub(super) lines: Vec<(usize, u32)>,
    /// The file of those lines; `None` where the text was made while running.
    pub(super) file: Option<Arc<str>>,
}

impl Text {
    pub(super) fn new(s: impl Into<String>) -> Self {
        Self { s: s.into(), lines: Vec::new(), file: None }
    }

    pub(super) fn push(&mut self, other: &Text) {
        if self.s.len() + other.s.len() > MAX_TEXT {
            return;
        }
        let offset = self.s.len();
        self.lines.extend(other.lines.iter().map(|(at, line)| (at + offset, *line)));
        if self.file.is_none() {
            self.file.clone_from(&other.file);
        }
        self.s.push_str(&other.s);
    }
}

/// The candidate texts of a string. No candidate at all: nothing was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) texts: Vec<Text>,
    /// Secrets in it although its text is known.
    pub(super) flows: Vec<Flow>,
}

impl Value {
    pub(super) fn plain(s: impl Into<String>) -> Self {
        Self { texts: vec![Text::new(s)], flows: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.iter().all(|text| text.s.is_empty())
    }

    /// The first candidate.
    pub(super) fn first(&self) -> &str {
        self.texts.first().map_or("", |text| text.s.as_str())
    }

    pub(super) fn append(&mut self, other: &Value) {
        if other.texts.is_empty() {
            return;
        }
        if self.texts.is_empty() {
            self.texts.clone_from(&other.texts);
        } else if let [only] = other.texts.as_slice() {
            for text in &mut self.texts {
                text.push(only);
            }
        } else {
            let mut joined = Vec::new();
            for head in &self.texts {
                for tail in &other.texts {
                    if joined.len() < MAX_CANDIDATES {
                        let mut text = head.clone();
                        text.push(tail);
                        joined.push(text);
                    }
                }
            }
            self.texts = joined;
        }
        self.add_flows(&other.flows);
    }

    /// Either this or `other`.
    pub(super) fn or(&mut self, other: &Value) {
        for text in &other.texts {
            let known = self.texts.iter().any(|mine| mine.s == text.s);
            if !known && self.texts.len() < MAX_CANDIDATES {
                self.texts.push(text.clone());
            }
        }
        self.add_flows(&other.flows);
    }

    pub(super) fn add_flows(&mut self, flows: &[Flow]) {
        for flow in flows {
            if !self.flows.contains(flow) {
                self.flows.push(flow.clone());
            }
        }
    }

    pub(super) fn map(&self, change: impl Fn(&str) -> String) -> Value {
        let texts = self
            .texts
            .iter()
            .map(|text| Text {
                s: change(&text.s),
                lines: text.lines.first().copied().into_iter().collect(),
                file: text.file.clone(),
            })
            .collect();
        Value { texts, flows: self.flows.clone() }
    }
}

/// Bytes that came from one fetch.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Blob {
    /// Index into the session's fetches.
    pub(super) fetch: usize,
    pub(super) verified: Verified,
}

/// What a mark stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Unknown {
    /// As it is written: `$URL`, `${{ matrix.url }}`.
    pub(super) shown: Rc<str>,
    pub(super) flows: Vec<Flow>,
    pub(super) blobs: Vec<Blob>,
    /// Texts that it may be.
    pub(super) candidates: Vec<Text>,
    /// Files whose digest it is.
    pub(super) digest_of: Vec<Arc<str>>,
    /// A file descriptor path (`<( … )`) and what can be read there.
    pub(super) content: Option<Rc<Value>>,
}

/// All unknowns of a session.
#[derive(Debug, Default)]
pub(super) struct Unknowns {
    list: Vec<Unknown>,
    /// Those that are nothing but a name: one mark per name.
    named: HashMap<Rc<str>, char>,
    /// Flows of the last mark, once it stands for all the rest.
    rest: HashSet<Flow>,
}

impl Unknowns {
    pub(super) fn named(&mut self, shown: &str) -> char {
        if let Some(mark) = self.named.get(shown) {
            return *mark;
        }
        let shown: Rc<str> = Rc::from(shown);
        let mark = self.mark(Unknown { shown: Rc::clone(&shown), ..Unknown::default() });
        self.named.insert(shown, mark);
        mark
    }

    pub(super) fn mark(&mut self, unknown: Unknown) -> char {
        let number = FIRST_MARK + u32::try_from(self.list.len()).unwrap_or(u32::MAX - FIRST_MARK);
        if number > LAST_MARK - 2 {
            // Out of marks: the last one stands for all the rest, with everything that is in them.
            if let Some(last) = self.list.last_mut() {
                if self.rest.is_empty() {
                    self.rest.extend(last.flows.iter().cloned());
                }
                let new = |flow: &Flow| self.rest.insert(flow.clone());
                last.flows.extend(unknown.flows.into_iter().filter(new));
                for blob in unknown.blobs {
                    if !last.blobs.contains(&blob) {
                        last.blobs.push(blob);
                    }
                }
            }
            let last = FIRST_MARK + u32::try_from(self.list.len() - 1).unwrap_or(0);
            return char::from_u32(last).unwrap_or('?');
        }
        self.list.push(unknown);
        // Planes 15 and 16 hold two noncharacters in their middle; both are valid `char`s.
        char::from_u32(number).unwrap_or('?')
    }

    pub(super) fn value(&mut self, unknown: Unknown) -> Value {
        Value::plain(self.mark(unknown))
    }

    pub(super) fn behind(&self, c: char) -> Option<&Unknown> {
        let number = u32::from(c).checked_sub(FIRST_MARK)?;
        self.list.get(number as usize)
    }

    fn in_text<'a>(&'a self, s: &'a str) -> impl Iterator<Item = &'a Unknown> + 'a {
        // A mark is four bytes and begins with F3 or F4: most texts have none.
        let any = s.bytes().any(|byte| byte >= 0xF3);
        s.chars().filter(move |_| any).filter_map(|c| self.behind(c))
    }

    pub(super) fn in_value<'a>(&'a self, value: &'a Value) -> impl Iterator<Item = &'a Unknown> {
        value.texts.iter().flat_map(|text| self.in_text(&text.s))
    }

    /// Secrets that the value may hold.
    pub(super) fn flows(&self, value: &Value) -> Vec<Flow> {
        let mut flows = value.flows.clone();
        for unknown in self.in_value(value) {
            for flow in &unknown.flows {
                if !flows.contains(flow) {
                    flows.push(flow.clone());
                }
            }
        }
        flows
    }

    /// Fetched bytes in the value.
    pub(super) fn blobs(&self, value: &Value) -> Vec<Blob> {
        let mut blobs = Vec::new();
        for unknown in self.in_value(value) {
            for blob in &unknown.blobs {
                if !blobs.contains(blob) {
                    blobs.push(*blob);
                }
            }
        }
        blobs
    }

    /// The texts that `s` may be, where a mark in it has candidates.
    pub(super) fn candidates(&self, s: &str) -> Vec<String> {
        let mut texts = vec![String::new()];
        for c in s.chars() {
            match self.behind(c).map(|unknown| unknown.candidates.as_slice()) {
                Some(options) if !options.is_empty() && texts.len() * options.len() <= 64 => {
                    let longer = |text: &String| {
                        let text = text.clone();
                        options.iter().map(move |option| format!("{text}{}", option.s))
                    };
                    texts = texts.iter().flat_map(longer).collect();
                }
                _ => texts.iter_mut().for_each(|text| text.push(c)),
            }
        }
        texts
    }

    /// The text as one would write it.
    pub(super) fn show(&self, s: &str) -> String {
        if !s.bytes().any(|byte| byte >= 0xF3) {
            return s.to_owned();
        }
        let mut out = String::with_capacity(s.len());
        for c in s.chars() {
            match self.behind(c) {
                Some(unknown) => out.push_str(&unknown.shown),
                None => out.push(c),
            }
        }
        out
    }
}

pub(super) fn is_mark(c: char) -> bool {
    u32::from(c) >= FIRST_MARK
}

pub(super) fn has_marks(s: &str) -> bool {
    s.chars().any(is_mark)
}

/// Foreign private-use characters would pass for marks.
pub(super) fn without_marks(s: &str) -> String {
    s.chars().map(|c| if is_mark(c) { '\u{1FFFD}' } else { c }).collect()
}
