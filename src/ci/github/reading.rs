//! One file while it is read: what that may cost, and the actions met on the way.
//!
//! A small file can ask for very much: calls that fan out, an environment that every step repeats. All
//! of it is paid from one budget; when that is spent, the rest is not read, and the pipeline says so.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
};

use super::{Loaded, action::Known};
use crate::ci::model::{Gap, Hides, Place};

/// The largest real files stay below a tenth of it; a machine spends it in about a second.
const BUDGET: usize = 48 << 20;

/// What is paid beside one for each byte that is parsed, and [`VALUE`] for each value that is copied.
pub(super) const JOB: usize = 2_048;
pub(super) const STEP: usize = 512;
pub(super) const VALUE: usize = 32;

pub(super) struct Reading {
    left: Cell<usize>,
    /// By checkout and folder.
    actions: RefCell<HashMap<String, Option<Rc<Known>>>>,
    /// Called workflows, by the name they are reported with.
    workflows: RefCell<HashMap<Arc<str>, Result<Loaded, Gap>>>,
}

impl Reading {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            left: Cell::new(BUDGET),
            actions: RefCell::default(),
            workflows: RefCell::default(),
        })
    }

    pub(super) fn spend(&self, units: usize) {
        self.left.set(self.left.get().saturating_sub(units));
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// What has to stand in the pipeline if not everything was read.
    pub(super) fn gap(&self, file: &Arc<str>) -> Option<Gap> {
        self.is_spent().then(|| Gap {
            place: Place { file: Arc::clone(file), line: 1 },
            reason: "not all of it is read: calls, steps and environments multiply beyond any \
                     real workflow"
                .to_owned(),
            hides: Hides::Anything,
        })
    }

    /// An action is loaded once, however often it is used.
    pub(super) fn action(
        &self,
        checkout: &str,
        dir: &str,
        load: impl FnOnce() -> Option<Known>,
    ) -> Option<Rc<Known>> {
        let key = format!("{checkout}:{dir}");
        if let Some(known) = self.actions.borrow().get(&key) {
            return known.clone();
        }
        let known = load().map(Rc::new);
        self.spend(known.as_ref().map_or(0, |known| known.size));
        self.actions.borrow_mut().insert(key, known.clone());
        known
    }

    /// A called workflow is parsed once, however often it is called.
    pub(super) fn workflow(
        &self,
        file: &Arc<str>,
        load: impl FnOnce() -> Result<Loaded, Gap>,
    ) -> Result<Loaded, Gap> {
        if let Some(known) = self.workflows.borrow().get(file) {
            return known.clone();
        }
        let loaded = load();
        self.workflows.borrow_mut().insert(Arc::clone(file), loaded.clone());
        loaded
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("left", &self.left).finish_non_exhaustive()
    }
}
