//! A persistent table of pages: cloning shares everything, writing copies the path to one page.
//!
//! A radix tree, as the page tables of a processor are. States that descend from one another share
//! what they have in common, so that forks, snapshots and views cost nothing, and what differs between
//! two states is found without looking at what does not.

use crate::page::{PAGE, Page};
use std::sync::Arc;

/// Children of a node, as a power of two.
const BITS: u32 = 5;
const FANOUT: usize = 1 << BITS;

/// Pages by number; those that are absent are for the owner to define.
#[derive(Clone, Default)]
pub(crate) struct PageTable {
    root: Option<Arc<Node>>,
    /// Levels below the root.
    height: u32,
    len: usize,
}

#[derive(Clone)]
enum Node {
    Leaf([Option<Arc<Page>>; FANOUT]),
    Inner([Option<Arc<Node>>; FANOUT]),
}

impl Node {
    fn empty(level: u32) -> Self {
        match level {
            0 => Self::Leaf([const { None }; FANOUT]),
            _ => Self::Inner([const { None }; FANOUT]),
        }
    }
}

impl PageTable {
    /// How many pages there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether both are the same table, not merely equal ones.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            (None, None) => true,
            _ => false,
        }
    }

    /// A page.
    pub(crate) fn get(&self, number: usize) -> Option<&Arc<Page>> {
        if number >> (BITS * self.height) >= FANOUT {
            return None;
        }
        let (mut node, mut level) = (self.root.as_ref()?, self.height);
        loop {
            match &**node {
                Node::Leaf(pages) => return pages.get(slot(number, 0))?.as_ref(),
                Node::Inner(nodes) => node = nodes.get(slot(number, level))?.as_ref()?,
            }
            level -= 1;
        }
    }

    /// Puts a copy of a page in place.
    pub(crate) fn set(&mut self, number: usize, content: &Page) {
        self.update(number, |page| match page {
            Some(page) => match Arc::get_mut(page) {
                Some(page) => page.copy_from_slice(content),
                None => *page = Arc::new(*content),
            },
            None => *page = Some(Arc::new(*content)),
        });
    }

    /// Writes to a page, to zeros if it was absent; whether it was absent or shared until now.
    pub(crate) fn write(&mut self, number: usize, offset: usize, source: &[u8]) -> bool {
        let mut fresh = false;
        self.update(number, |page| {
            fresh = page.as_mut().is_none_or(|page| Arc::get_mut(page).is_none());
            let page = Arc::make_mut(page.get_or_insert_with(|| Arc::new([0; PAGE])));
            if let Some(target) = page.get_mut(offset..offset + source.len()) {
                target.copy_from_slice(source);
            }
        });
        fresh
    }

    fn update(&mut self, number: usize, change: impl FnOnce(&mut Option<Arc<Page>>)) {
        while number >> (BITS * self.height) >= FANOUT {
            if let Some(root) = self.root.take() {
                let mut nodes = [const { None }; FANOUT];
                if let Some(first) = nodes.first_mut() {
                    *first = Some(root);
                }
                self.root = Some(Arc::new(Node::Inner(nodes)));
            }
            self.height += 1;
        }
        let (mut node, mut level) = (&mut self.root, self.height);
        loop {
            let held = Arc::make_mut(node.get_or_insert_with(|| Arc::new(Node::empty(level))));
            match held {
                Node::Leaf(pages) => {
                    if let Some(page) = pages.get_mut(slot(number, 0)) {
                        let before = usize::from(page.is_some());
                        change(page);
                        self.len = self.len + usize::from(page.is_some()) - before;
                    }
                    return;
                }
                Node::Inner(nodes) => match nodes.get_mut(slot(number, level)) {
                    Some(child) => node = child,
                    None => return,
                },
            }
            level -= 1;
        }
    }

    /// Every page, in order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, &Page)) {
        let nothing = Subtree { node: None, level: self.height };
        self.top().differences(nothing, self.height, 0, &mut |number, page, _| {
            if let Some(page) = page {
                visit(number, page);
            }
        });
    }

    /// The numbers of the pages that are not shared with another table.
    pub(crate) fn for_each_difference(&self, other: &Self, mut visit: impl FnMut(usize)) {
        let level = self.height.max(other.height);
        self.top().differences(other.top(), level, 0, &mut |number, _, _| visit(number));
    }

    fn top(&self) -> Subtree<'_> {
        Subtree { node: self.root.as_ref(), level: self.height }
    }
}

fn slot(number: usize, level: u32) -> usize {
    number >> (BITS * level) & (FANOUT - 1)
}

/// A node with its own level: a lower table stands as the first child of nodes it does not have.
#[derive(Clone, Copy)]
struct Subtree<'a> {
    node: Option<&'a Arc<Node>>,
    level: u32,
}

impl<'a> Subtree<'a> {
    fn child(self, index: usize, level: u32) -> Self {
        let node = match self.node.map(|node| &**node) {
            _ if self.level < level => return if index == 0 { self } else { Self { node: None, ..self } },
            Some(Node::Inner(nodes)) => nodes.get(index).and_then(Option::as_ref),
            _ => None,
        };
        Self { node, level: level - 1 }
    }

    fn page(self, index: usize) -> Option<&'a Arc<Page>> {
        match self.node.map(|node| &**node) {
            Some(Node::Leaf(pages)) => pages.get(index)?.as_ref(),
            _ => None,
        }
    }

    fn differences(
        self,
        other: Self,
        level: u32,
        first: usize,
        visit: &mut impl FnMut(usize, Option<&'a Arc<Page>>, Option<&'a Arc<Page>>),
    ) {
        match (self.node, other.node) {
            (None, None) => return,
            (Some(one), Some(two)) if self.level == other.level && Arc::ptr_eq(one, two) => return,
            _ => {}
        }
        for index in 0..FANOUT {
            let number = first + (index << (BITS * level));
            if level > 0 {
                self.child(index, level).differences(other.child(index, level), level - 1, number, visit);
                continue;
            }
            let (one, two) = (self.page(index), other.page(index));
            let same = match (one, two) {
                (Some(one), Some(two)) => Arc::ptr_eq(one, two),
                (one, two) => one.is_none() && two.is_none(),
            };
            if !same {
                visit(number, one, two);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};
    use std::collections::{BTreeMap, BTreeSet};

    fn page(byte: u8) -> Page {
        [byte; PAGE]
    }

    fn contents(table: &PageTable) -> BTreeMap<usize, u8> {
        let mut all = BTreeMap::new();
        table.for_each(|number, page| {
            all.insert(number, page[0]);
        });
        all
    }

    /// Random writes to tables that share pages, against plain maps.
    #[test]
    fn behaves_like_a_map_that_is_copied() {
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        let mut states = vec![(PageTable::default(), BTreeMap::<usize, u8>::new())];
        for step in 0..2_000_u32 {
            let which = rng.next_u32() as usize % states.len();
            if rng.next_u32().is_multiple_of(50) && states.len() < 20 {
                let copy = states[which].clone();
                states.push(copy);
            }
            let (table, model) = &mut states[which];
            // Small numbers, and now and then one that makes the table higher.
            let bits = rng.next_u32() % 24;
            let number = rng.next_u32() as usize % (1 << bits).max(1);
            table.set(number, &page(step as u8));
            model.insert(number, step as u8);
            assert_eq!(table.len(), model.len());
            assert_eq!(table.get(number).map(|page| page[9]), Some(step as u8));
        }
        for (table, model) in &states {
            assert_eq!(contents(table), *model);
            assert!(table.get(1 << 40).is_none());
        }
        let (one, two) = (&states[0], &states[states.len() - 1]);
        let mut different = BTreeSet::new();
        one.0.for_each_difference(&two.0, |number| assert!(different.insert(number)));
        for number in one.1.keys().chain(two.1.keys()) {
            // What is shared is equal; what is not shared may be equal by chance.
            assert!(different.contains(number) || one.1.get(number) == two.1.get(number));
        }
        assert!(different.len() < one.1.len() + two.1.len());
    }

    #[test]
    fn a_write_leaves_the_copy_alone() {
        let mut one = PageTable::default();
        one.write(3, 4_090, b"abcdef");
        let two = one.clone();
        assert!(one.is(&two));
        one.write(3, 4_090, b"x");
        assert!(!one.is(&two));
        assert_eq!(one.get(3).map(|page| &page[4_090..4_092]), Some(&b"xb"[..]));
        assert_eq!(two.get(3).map(|page| &page[4_090..4_092]), Some(&b"ab"[..]));
    }
}
