//! Values that are read once.

use std::cell::RefCell;
use std::rc::Rc;

/// A value that is read when it is first asked for, and again after it was forgotten.
pub(crate) struct Memo<T: ?Sized>(RefCell<Option<Rc<T>>>);

impl<T: ?Sized> Default for Memo<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: ?Sized> Memo<T> {
    pub(crate) fn get(&self, read: impl FnOnce() -> Rc<T>) -> Rc<T> {
        if let Some(value) = self.0.borrow().as_ref() {
            return Rc::clone(value);
        }
        let value = read();
        *self.0.borrow_mut() = Some(Rc::clone(&value));
        value
    }

    pub(crate) fn forget(&self) {
        *self.0.borrow_mut() = None;
    }
}

/// Values under keys, each read when it is first asked for, absent ones too. Few keys are asked for, so they stand in a
/// list.
pub(crate) struct Keyed<T>(RefCell<Vec<(String, Option<T>)>>);

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self(RefCell::new(Vec::new()))
    }
}

impl<T: Clone> Keyed<T> {
    pub(crate) fn get(&self, key: &str, read: impl FnOnce() -> Option<T>) -> Option<T> {
        if let Some((_, value)) = self.0.borrow().iter().find(|(there, _)| there == key) {
            return value.clone();
        }
        let value = read();
        self.0.borrow_mut().push((key.to_owned(), value.clone()));
        value
    }

    pub(crate) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}
