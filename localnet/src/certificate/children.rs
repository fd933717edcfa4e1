//! The children of a node: an ordered map that is hashed incrementally and shared by its clones.
//!
//! A treap: a search tree by label, a heap by the hash of the label. Its shape follows from the
//! labels alone, whatever the order they came in; a change costs the logarithm of their number; a
//! clone costs nothing. Hashes are computed when somebody asks and kept until something below
//! changes.

use super::tree::{HashTree, Tree};
use ic_certification::HashTreeNode;
use ic_certification::hash_tree::{Hash, empty, fork, fork_hash, label, labeled_hash, pruned};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Subtrees by label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children(Option<Arc<Branch>>);

#[derive(Clone, Debug)]
struct Branch {
    label: Arc<[u8]>,
    /// No branch stands above one with a higher rank.
    rank: [u8; 32],
    tree: Tree,
    left: Children,
    right: Children,
    digest: OnceLock<Hash>,
}

/// The paths asked for, by their first label. A label without paths is shown, its subtree is not.
type Wanted<'a> = (&'a [u8], Vec<&'a [Vec<u8>]>);

impl Children {
    /// The subtree under a label.
    pub(crate) fn get(&self, label: &[u8]) -> Option<&Tree> {
        let branch = self.0.as_deref()?;
        match label.cmp(&branch.label) {
            Ordering::Less => branch.left.get(label),
            Ordering::Equal => Some(&branch.tree),
            Ordering::Greater => branch.right.get(label),
        }
    }

    /// Puts a subtree under a label; what was there is replaced.
    pub(crate) fn insert(&mut self, label: &[u8], tree: Tree) {
        let rank = Sha256::digest(label).into();
        let (left, right, digest) = (Self::default(), Self::default(), OnceLock::new());
        self.place(Branch { label: label.into(), rank, tree, left, right, digest });
    }

    fn place(&mut self, mut new: Branch) {
        match &mut self.0 {
            Some(old) if new.rank <= old.rank => {
                let old = Arc::make_mut(old);
                old.digest = OnceLock::new();
                match new.label.cmp(&old.label) {
                    Ordering::Less => old.left.place(new),
                    Ordering::Equal => old.tree = new.tree,
                    Ordering::Greater => old.right.place(new),
                }
            }
            _ => {
                (new.left, new.right) = std::mem::take(self).split(&new.label);
                self.0 = Some(Arc::new(new));
            }
        }
    }

    /// Removes a label, if it is there.
    pub(crate) fn remove(&mut self, label: &[u8]) {
        if self.get(label).is_some() {
            self.take_out(label);
        }
    }

    fn take_out(&mut self, label: &[u8]) {
        let Some(branch) = &mut self.0 else {
            return;
        };
        let branch = Arc::make_mut(branch);
        branch.digest = OnceLock::new();
        match label.cmp(&branch.label) {
            Ordering::Less => branch.left.take_out(label),
            Ordering::Greater => branch.right.take_out(label),
            Ordering::Equal => {
                *self = Self::join(std::mem::take(&mut branch.left), std::mem::take(&mut branch.right));
            }
        }
    }

    /// What is below a label that is not there, and what is above it.
    fn split(self, at: &[u8]) -> (Self, Self) {
        let Some(branch) = self.0 else {
            return (Self::default(), Self::default());
        };
        let mut branch = Arc::unwrap_or_clone(branch);
        branch.digest = OnceLock::new();
        if *branch.label < *at {
            let (below, above) = std::mem::take(&mut branch.right).split(at);
            branch.right = below;
            (Self(Some(Arc::new(branch))), above)
        } else {
            let (below, above) = std::mem::take(&mut branch.left).split(at);
            branch.left = above;
            (below, Self(Some(Arc::new(branch))))
        }
    }

    /// Both, when every label of the first is below every label of the second.
    fn join(left: Self, right: Self) -> Self {
        match (left.0, right.0) {
            (None, other) | (other, None) => Self(other),
            (Some(left), Some(right)) if left.rank > right.rank => {
                let mut root = Arc::unwrap_or_clone(left);
                root.digest = OnceLock::new();
                root.right = Self::join(std::mem::take(&mut root.right), Self(Some(right)));
                Self(Some(Arc::new(root)))
            }
            (Some(left), Some(right)) => {
                let mut root = Arc::unwrap_or_clone(right);
                root.digest = OnceLock::new();
                root.left = Self::join(Self(Some(left)), std::mem::take(&mut root.left));
                Self(Some(Arc::new(root)))
            }
        }
    }

    /// The root hash.
    pub(crate) fn digest(&self) -> Hash {
        match &self.0 {
            Some(branch) => branch.digest(),
            None => empty::<Vec<u8>>().digest(),
        }
    }

    /// The view that shows everything; none if there is nothing.
    pub(super) fn whole(&self) -> Option<HashTree> {
        let branch = self.0.as_deref()?;
        let own = label(branch.label.to_vec(), branch.tree.whole());
        Some(between(branch.left.whole(), own, branch.right.whole()))
    }

    /// The view of these paths. Of a label that is absent, the labels on both sides of its place are
    /// shown.
    pub(super) fn reveal(&self, paths: &[&[Vec<u8>]]) -> HashTree {
        let mut wanted: BTreeMap<&[u8], Vec<&[Vec<u8>]>> = BTreeMap::new();
        for path in paths {
            let Some((first, rest)) = path.split_first() else {
                continue;
            };
            if self.get(first).is_some() {
                wanted.entry(first).or_default().push(rest);
            } else {
                for neighbour in self.neighbours(first).into_iter().flatten() {
                    wanted.entry(neighbour).or_default();
                }
            }
        }
        let wanted: Vec<Wanted<'_>> = wanted.into_iter().collect();
        self.view(&wanted).unwrap_or_else(empty)
    }

    /// The labels next to one that is absent.
    fn neighbours(&self, absent: &[u8]) -> [Option<&[u8]>; 2] {
        let (mut below, mut above) = (None, None);
        let mut place = self.0.as_deref();
        while let Some(branch) = place {
            if *branch.label < *absent {
                below = Some(&*branch.label);
                place = branch.right.0.as_deref();
            } else {
                above = Some(&*branch.label);
                place = branch.left.0.as_deref();
            }
        }
        [below, above]
    }

    fn view(&self, wanted: &[Wanted<'_>]) -> Option<HashTree> {
        let branch = self.0.as_deref()?;
        if wanted.is_empty() {
            return Some(pruned(branch.digest()));
        }
        let (before, rest) = wanted.split_at(wanted.partition_point(|(name, _)| *name < &*branch.label));
        let (own, after) = match rest.split_first() {
            Some(((name, paths), after)) if *name == &*branch.label => {
                (label(branch.label.to_vec(), branch.tree.reveal(paths)), after)
            }
            _ => (pruned(branch.own_digest()), rest),
        };
        Some(between(branch.left.view(before), own, branch.right.view(after)))
    }
}

impl Branch {
    fn own_digest(&self) -> Hash {
        labeled_hash(&self.label, &self.tree.digest())
    }

    fn digest(&self) -> Hash {
        *self.digest.get_or_init(|| {
            let mut digest = self.own_digest();
            if let Some(left) = &self.left.0 {
                digest = fork_hash(&left.digest(), &digest);
            }
            if let Some(right) = &self.right.0 {
                digest = fork_hash(&digest, &right.digest());
            }
            digest
        })
    }
}

/// A branch between its sides, in the shape that [`Branch::digest`] hashes.
fn between(left: Option<HashTree>, own: HashTree, right: Option<HashTree>) -> HashTree {
    let tree = match left {
        Some(left) => both(left, own),
        None => own,
    };
    match right {
        Some(right) => both(tree, right),
        None => tree,
    }
}

/// A fork; if nothing is shown on either side, its hash will do.
fn both(left: HashTree, right: HashTree) -> HashTree {
    let hidden = is_pruned(&left) && is_pruned(&right);
    let both = fork(left, right);
    if hidden { pruned(both.digest()) } else { both }
}

fn is_pruned(tree: &HashTree) -> bool {
    matches!(tree.as_ref(), HashTreeNode::Pruned(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_certification::LookupResult;

    fn leaf(number: u64) -> Tree {
        Tree::leaf(number.to_be_bytes().as_slice())
    }

    fn label_of(number: u64) -> [u8; 32] {
        Sha256::digest(number.to_be_bytes()).into()
    }

    #[test]
    fn the_hash_follows_from_the_content_not_from_its_history() {
        let mut grown = Children::default();
        for number in 0..500_u64 {
            grown.insert(&label_of(number), leaf(0));
            // Hashes that are kept must not outlive what they cover.
            grown.digest();
        }
        let before = grown.clone();
        for number in 0..500_u64 {
            if number % 3 == 0 {
                grown.remove(&label_of(number));
            } else {
                grown.insert(&label_of(number), leaf(number));
            }
        }
        let mut direct = Children::default();
        for number in (0..500_u64).rev().filter(|number| number % 3 != 0) {
            direct.insert(&label_of(number), leaf(number));
        }
        assert_eq!(grown.digest(), direct.digest());
        assert_eq!(grown.whole().unwrap().digest(), direct.digest());
        assert_ne!(before.digest(), grown.digest());
        assert_eq!(before.get(&label_of(3)).map(Tree::digest), Some(leaf(0).digest()));
    }

    #[test]
    fn a_view_shows_what_is_there_proves_what_is_not_and_hides_the_rest() {
        let mut children = Children::default();
        for number in 0..200_u64 {
            children.insert(&label_of(number), leaf(number));
        }
        for number in 0..400_u64 {
            let wanted = [label_of(number).to_vec()];
            let view = children.reveal(&[&wanted]);
            assert_eq!(view.digest(), children.digest());
            let found = view.lookup_path([label_of(number)]);
            if number < 200 {
                assert_eq!(found, LookupResult::Found(&number.to_be_bytes()));
            } else {
                assert_eq!(found, LookupResult::Absent);
            }
            // One path of a balanced tree: far from all two hundred leaves.
            assert!(view.list_paths().len() <= 3, "{}", view.list_paths().len());
        }
    }
}
