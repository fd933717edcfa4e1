//! Who wants what.

use crate::platform::user;
use cairn_events::Principal;

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their name.
    pub name: &'static str,
    /// Their principal.
    pub id: Principal,
    /// How many contracts they pay for.
    pub orders: u128,
}

const NAMES: [&str; 28] = [
    "Ada", "Bela", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jana", "Kai", "Lea", "Milo", "Nora", "Otto",
    "Pia", "Quinn", "Rosa", "Sami", "Tara", "Udo", "Vera", "Wim", "Xenia", "Yan", "Zoe", "Anton", "Britta",
];

const TOKENS: [&str; 50] = [
    "Harbor", "Lantern", "Meadow", "Orchard", "Pebble", "Quartz", "Raven", "Saffron", "Thistle", "Umbra", "Velvet",
    "Willow", "Yarrow", "Zephyr", "Amber", "Birch", "Cobalt", "Dune", "Ember", "Fjord", "Glacier", "Heron", "Indigo",
    "Juniper", "Kelp", "Lotus", "Maple", "Nectar", "Opal", "Prairie", "Quill", "Reef", "Sable", "Tundra", "Ursa",
    "Violet", "Walnut", "Xylem", "Yonder", "Zinnia", "Acorn", "Bramble", "Cedar", "Delta", "Elm", "Fern", "Grove",
    "Hazel", "Iris", "Jasper",
];

/// Wallets, locks and airdrops. All but the fourth are delivered.
const OTHERS: [(Kind, &str); 6] = [
    (Kind::Wallet, "Household"),
    (Kind::Lock, "Nest egg"),
    (Kind::Airdrop, "Welcome"),
    (Kind::Wallet, "Choir"),
    (Kind::Wallet, "Workshop"),
    (Kind::Airdrop, "Harvest"),
];

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A token.
    Token,
    /// A wallet, of which two of three must sign.
    Wallet,
    /// A lock for a friend.
    Lock,
    /// An airdrop to friends.
    Airdrop,
}

/// A contract that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// What.
    pub kind: Kind,
    /// Who.
    pub owner: Principal,
    /// Who has to do with it, too.
    pub friends: [Principal; 3],
    /// Its name.
    pub name: &'static str,
}

impl Wish {
    /// The id of the request for it.
    pub fn request(&self) -> String {
        format!("order {}", self.name)
    }
}

/// Everybody, with how many contracts they will ask for.
pub fn all() -> Vec<Person> {
    let wishes: Vec<Wish> = tokens().into_iter().chain(others()).collect();
    let orders = |id| wishes.iter().filter(|wish| wish.owner == id).count() as u128;
    NAMES.map(|name| Person { name, id: user(name), orders: orders(user(name)) }).to_vec()
}

/// The name of the person `id`.
pub fn name_of(id: Principal) -> Option<&'static str> {
    NAMES.into_iter().find(|name| user(name) == id)
}

/// The tokens that are wanted: more than there are people, so some ask twice.
pub fn tokens() -> Vec<Wish> {
    TOKENS.into_iter().zip(0..).map(|(name, order)| wish(order, Kind::Token, name)).collect()
}

/// The wallets, locks and airdrops that are wanted, by those whose turn it is after the tokens.
pub fn others() -> Vec<Wish> {
    OTHERS.into_iter().zip(TOKENS.len()..).map(|((kind, name), order)| wish(order, kind, name)).collect()
}

/// People take turns, and their friends are who comes next.
fn wish(order: usize, kind: Kind, name: &'static str) -> Wish {
    let person = |order: usize| user(NAMES.get(order % NAMES.len()).copied().unwrap_or_default());
    Wish { kind, owner: person(order), friends: [1, 2, 3].map(|step| person(order + step)), name }
}

/// The symbol of a token.
pub fn symbol(name: &str) -> String {
    name.chars().take(4).collect::<String>().to_uppercase()
}
