//! Who wants which token.

use crate::platform::user;
use cairn_events::Principal;

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their name.
    pub name: &'static str,
    /// Their principal.
    pub id: Principal,
    /// How many tokens they pay for.
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

/// Everybody, with how many tokens they will ask for.
pub fn all() -> Vec<Person> {
    let orders = |index: usize| (0..TOKENS.len()).filter(|order| order % NAMES.len() == index).count() as u128;
    let person = |(index, name): (usize, &&'static str)| Person { name, id: user(name), orders: orders(index) };
    NAMES.iter().enumerate().map(person).collect()
}

/// The name of the person `id`.
pub fn name_of(id: Principal) -> Option<&'static str> {
    NAMES.into_iter().find(|name| user(name) == id)
}

/// A token that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Who.
    pub owner: Principal,
    /// Its name.
    pub name: &'static str,
}

/// All wishes: more than there are people, so some ask twice.
pub fn wishes() -> Vec<Wish> {
    let wish = |(order, name): (usize, &&'static str)| {
        let owner = user(NAMES.get(order % NAMES.len()).copied().unwrap_or_default());
        Wish { owner, name }
    };
    TOKENS.iter().enumerate().map(wish).collect()
}

/// The symbol of a token.
pub fn symbol(name: &str) -> String {
    name.chars().take(4).collect::<String>().to_uppercase()
}
