//! Files as a process sees them, and words that are fetched code.

use crate::ci::shell::{
    component::Use,
    machine::{Frame, Machine, Started},
    value::Value,
    world::resolve,
};

impl Machine<'_, '_> {
    /// What a path names as a program that reads it sees it.
    pub(in crate::ci::shell) fn file_content(
        &mut self,
        frame: &Frame,
        path: &Value,
    ) -> Option<Value> {
        let mut content: Option<Value> = None;
        for text in &path.texts {
            let found = self.content_of(frame, &text.s);
            if let Some(found) = found {
                match &mut content {
                    Some(content) => content.or(&found),
                    None => content = Some(found),
                }
            }
        }
        content
    }

    fn content_of(&mut self, frame: &Frame, path: &str) -> Option<Value> {
        if matches!(path, "/dev/stdin" | "-" | "/dev/fd/0" | "/proc/self/fd/0") {
            return Some(frame.stdin.clone());
        }
        let mut chars = path.chars();
        if let (Some(mark), None) = (chars.next(), chars.next())
            && let Some(content) = self.world.unknowns.behind(mark).and_then(|u| u.content.clone())
        {
            return Some(content.as_ref().clone());
        }
        let path = self.path(frame, path);
        self.world.read(&path).or_else(|| self.repository_text(&path))
    }

    /// Absolute path of `text` as seen from the process.
    pub(in crate::ci::shell) fn path(&self, frame: &Frame, text: &str) -> String {
        let resolved = resolve(&frame.cwd, text);
        for (inside, outside) in &frame.mounts {
            if let Some(rest) = resolved.strip_prefix(inside.as_str())
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return resolve(outside, rest.trim_start_matches('/'));
            }
        }
        resolved
    }

    /// A word of fetched bytes in the place of a command: `$(curl …)`.
    pub(in crate::ci::shell) fn runs_word(
        &mut self,
        frame: &Frame,
        argv: &[Value],
        at: usize,
    ) -> bool {
        let Some(first) = argv.first() else { return false };
        let blobs: Vec<_> = first
            .texts
            .iter()
            .filter_map(|text| text.s.trim_start().chars().next())
            .filter_map(|c| self.world.unknowns.behind(c))
            .flat_map(|unknown| unknown.blobs.clone())
            .collect();
        if blobs.is_empty() {
            return false;
        }
        let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
        self.runs(started, &blobs, Use::Interpreted);
        true
    }
}
