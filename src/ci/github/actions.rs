//! Actions met while one file is read: each is loaded once, however often it is used.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::action::{Known, load};
use crate::ci::Files;

type Loaded = Result<Option<Rc<Known>>, String>;

/// By the checkout that holds them (empty: the job's own) and their folder. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Actions(Rc<RefCell<HashMap<(String, String), Loaded>>>);

impl Actions {
    pub(super) fn own(&self, files: &dyn Files, dir: &str) -> Loaded {
        self.get("", dir, || load(files, dir))
    }

    pub(super) fn of_sibling(&self, files: &dyn Files, owner_repo: &str, dir: &str) -> Loaded {
        let load = || Ok(load(files, dir)?.map(|known| known.of_sibling(owner_repo)));
        self.get(owner_repo, dir, load)
    }

    fn get(
        &self,
        checkout: &str,
        dir: &str,
        load: impl FnOnce() -> Result<Option<Known>, String>,
    ) -> Loaded {
        let key = (checkout.to_owned(), dir.to_owned());
        if let Some(known) = self.0.borrow().get(&key) {
            return known.clone();
        }
        let loaded = load().map(|known| known.map(Rc::new));
        self.0.borrow_mut().insert(key, loaded.clone());
        loaded
    }
}
