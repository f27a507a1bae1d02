//! What the objects in JSON of graphs say of a node or a link.

use std::borrow::Cow;

use crate::HierarchyError;
use crate::format::json::Json;
use crate::format::{Draft, ReadOptions};

/// Which keys of a link hold its ends, from the parent to the child where that is given.
pub(super) struct Ends {
    pub(super) source: String,
    pub(super) target: String,
    pub(super) given: bool,
}

impl Ends {
    pub(super) fn of(options: &ReadOptions) -> Self {
        let given = options.parent_column.is_some() || options.child_column.is_some();
        let (parent, child) = (options.parent_column.as_deref(), options.child_column.as_deref());
        let other = |end: Option<&str>| if end == Some("target") { "source" } else { "target" };
        let source = parent.unwrap_or(if child.is_some() { other(child) } else { "source" });
        Self { source: source.to_owned(), target: child.unwrap_or(other(parent)).to_owned(), given }
    }
}

/// What an object in a list is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Node,
    Link,
    /// A link where it has ends.
    Either,
}

/// What the keys of a node or a link say.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) rank: Option<Cow<'a, str>>,
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) target: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    /// Reads the object that is open.
    pub(super) fn read(
        &mut self,
        json: &mut Json<'a>,
        element: Element,
        ends: &Ends,
        draft: &mut Draft,
    ) -> Result<(), HierarchyError> {
        let (is_node, is_link) = (element != Element::Link, element != Element::Node);
        while let Some(key) = json.key()? {
            match &*key {
                key if is_link && *key == *ends.source => self.source = json.text("the source", draft)?,
                key if is_link && *key == *ends.target => self.target = json.text("the target", draft)?,
                "id" if is_node => self.id = json.text("the id", draft)?,
                "name" if is_node => self.name = json.text("the name", draft)?.or(self.name.take()),
                "label" | "title" if is_node && self.name.is_none() => self.name = json.text("the name", draft)?,
                "rank" if is_node => self.rank = json.text("the rank", draft)?,
                _ => json.skip_value()?,
            }
        }
        Ok(())
    }
}
