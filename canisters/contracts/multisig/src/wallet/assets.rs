//! Watched assets: what their ledgers said the wallet holds.

use super::{Wallet, refuse};
use cairn_events::{Amount, Principal, Timestamp};
use cairn_kit::api::multisig::{AssetView, TrailEvent, WalletError, WalletRequestError};
use cairn_kit::stable::{Cbor, PrincipalKey};
use serde::{Deserialize, Serialize};

/// Most assets watched.
pub const MAX_ASSETS: u64 = 20;

/// What a ledger said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Our balance, and when it was asked for.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub said: Option<(Amount, Timestamp)>,
}

impl Wallet {
    /// Watches a ledger. Only signers may.
    ///
    /// # Errors
    /// If there can be no ledger, it is watched, or as many are watched as may be.
    pub fn watch(&mut self, caller: Principal, ledger: Principal, now: Timestamp) -> Result<(), WalletError> {
        self.require_signer(caller, now)?;
        self.check_ledger(0, ledger)?;
        if self.is_watched(ledger) {
            return Err(refuse(WalletRequestError::NoChange { what: "the asset is watched".to_owned() }));
        }
        let found = self.assets.len();
        if found >= MAX_ASSETS {
            return Err(refuse(WalletRequestError::TooManyAssets { found, max: MAX_ASSETS }));
        }
        self.record(caller, TrailEvent::AssetWatched { ledger }, now);
        self.assets.insert(PrincipalKey(ledger), Cbor(Asset::default()));
        Ok(())
    }

    /// Does not watch a ledger any more. Only signers may.
    ///
    /// # Errors
    /// If it is not watched.
    pub fn unwatch(&mut self, caller: Principal, ledger: Principal, now: Timestamp) -> Result<(), WalletError> {
        self.require_signer(caller, now)?;
        if !self.is_watched(ledger) {
            return Err(refuse(WalletRequestError::NoChange { what: "the asset is not watched".to_owned() }));
        }
        self.record(caller, TrailEvent::AssetUnwatched { ledger }, now);
        self.assets.remove(&PrincipalKey(ledger));
        Ok(())
    }

    /// Whether `ledger` is watched.
    pub fn is_watched(&self, ledger: Principal) -> bool {
        self.assets.contains_key(&PrincipalKey(ledger))
    }

    /// The ledgers watched.
    pub fn watched(&self) -> Vec<Principal> {
        self.assets.keys().map(|key| key.0).collect()
    }

    /// What a ledger said to a question of `asked_at`; the answer to an older question than the last does not count.
    pub fn note_balance(&mut self, ledger: Principal, balance: Amount, asked_at: Timestamp) {
        let Some(Cbor(asset)) = self.assets.get(&PrincipalKey(ledger)) else { return };
        if asset.said.is_none_or(|(_, known)| known <= asked_at) {
            self.assets.insert(PrincipalKey(ledger), Cbor(Asset { said: Some((balance, asked_at)) }));
        }
    }

    /// Everything watched or limited.
    pub fn asset_views(&self, now: Timestamp) -> Vec<AssetView> {
        let view = |ledger: Principal, asset: Asset| AssetView {
            ledger,
            balance: asset.said.map(|(balance, _)| balance),
            as_of: asset.said.map(|(_, at)| at),
            daily_limit: self.daily_limit(ledger),
            spent: self.spending.spent(ledger, now),
        };
        let watched = self.assets.iter().map(|row| view(row.key().0, row.value().0));
        let limited = self.charter().rules.policies.iter().map(|policy| policy.ledger);
        let unwatched = limited.filter(|ledger| !self.is_watched(*ledger));
        watched.chain(unwatched.map(|ledger| view(ledger, Asset::default()))).collect()
    }
}
