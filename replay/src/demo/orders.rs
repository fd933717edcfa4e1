//! Asking for what is wished.

use super::people::{Kind, Wish, symbol};
use super::scene::Scene;
use super::uses::{CONTENT, SHARE};
use crate::platform::{Order, Pending, Platform, token, wallet};
use anyhow::Result;
use cairn_kit::api::backend::{CreateDistributionArgs, CreateLockArgs, CreateMultisigArgs};
use cairn_kit::api::distribution::{DistributionArgs, LockArgs};

/// Signatures that a wallet of three needs.
const SIGNATURES: u32 = 2;

/// An order for a token, as quoted now.
pub fn token_order(platform: &Platform, wish: &Wish) -> Order {
    platform.order(token(wish.owner, wish.name, &symbol(wish.name)))
}

/// Asks for a token with this order, and does not wait.
pub fn submit_token(platform: &mut Platform, wish: &Wish, order: Order) -> Pending {
    platform.submit_create_token(wish.owner, order, &wish.request())
}

/// Asks, and does not wait. Asked again, it is the same request.
pub fn submit(scene: &mut Scene<'_>, wish: &Wish) -> Result<Pending> {
    let (owner, request) = (wish.owner, wish.request());
    match wish.kind {
        Kind::Token => {
            let order = token_order(&scene.platform, wish);
            Ok(submit_token(&mut scene.platform, wish, order))
        }
        Kind::Wallet => {
            let order = wallet_order(scene, wish);
            Ok(scene.platform.submit(owner, "createMultisig", order, &request))
        }
        Kind::Lock => {
            let order = lock_order(scene, wish);
            Ok(scene.platform.submit(owner, "createLock", order, &request))
        }
        Kind::Airdrop => {
            let order = airdrop_order(scene, wish)?;
            Ok(scene.platform.submit(owner, "createDistribution", order, &request))
        }
    }
}

/// Everybody asks at once.
pub fn submit_all(scene: &mut Scene<'_>, wishes: &[Wish]) -> Result<Vec<Pending>> {
    wishes.iter().map(|wish| submit(scene, wish)).collect()
}

/// A wallet of the owner and two friends.
fn wallet_order(scene: &Scene<'_>, wish: &Wish) -> CreateMultisigArgs {
    let [one, other, _] = wish.friends;
    scene.platform.order_wallet(wallet(wish.name, &[wish.owner, one, other], SIGNATURES))
}

fn lock_order(scene: &Scene<'_>, wish: &Wish) -> CreateLockArgs {
    let [friend, ..] = wish.friends;
    let lock = scene.platform.lock(CONTENT, friend, scene.evening);
    scene.platform.order_lock(LockArgs { title: wish.name.to_owned(), ..lock })
}

fn airdrop_order(scene: &Scene<'_>, wish: &Wish) -> Result<CreateDistributionArgs> {
    let airdrop = scene.platform.airdrop(&wish.friends, SHARE, scene.evening)?;
    Ok(scene.platform.order_distribution(DistributionArgs { title: wish.name.to_owned(), ..airdrop }))
}
