//! The endpoints that contracts tell their factory by, each under the name that the platform's documents give it.

/// Defines them for contracts of `$kind`.
#[macro_export]
macro_rules! callback_endpoints {
    ($kind:ty) => {
        fn notify_arguments(
            bytes: Vec<u8>,
        ) -> (::cairn_events::Principal, u64, Vec<::cairn_kit::api::factory::NumberedNotification>) {
            $crate::endpoints::decode(&bytes, $crate::endpoints::MAX_NOTIFY)
        }

        /// Takes the notifications that a contract has numbered in an epoch: in order, each once. Only for contracts of
        /// this factory, each for itself.
        #[ic_cdk::update(name = "notifyBatch", decode_with = "notify_arguments", hidden = true)]
        #[candid::candid_method(update, rename = "notifyBatch")]
        async fn notify_batch(
            contract: ::cairn_events::Principal,
            epoch: u64,
            notifications: Vec<::cairn_kit::api::factory::NumberedNotification>,
        ) -> Result<::cairn_kit::api::factory::NotificationsAccepted, ::cairn_kit::api::factory::CallbackError> {
            $crate::callback::notify::<$kind>(ic_cdk::api::msg_caller(), contract, epoch, notifications).await
        }

        $crate::notifications! { $kind;
            /// The contract is set up and serves.
            notify_deployment_complete "notifyDeploymentComplete" () DeploymentComplete;
            /// `who` holds some of the token now.
            notify_holder_added "notifyHolderAdded" (who: ::cairn_events::Principal) HolderAdded(who);
            /// `who` holds none of the token any more.
            notify_holder_removed "notifyHolderRemoved" (who: ::cairn_events::Principal) HolderRemoved(who);
            /// `who` signs for the wallet now.
            notify_signer_added "notifySignerAdded" (who: ::cairn_events::Principal) SignerAdded(who);
            /// `who` does not sign for the wallet any more.
            notify_signer_removed "notifySignerRemoved" (who: ::cairn_events::Principal) SignerRemoved(who);
            /// `who` sees now what the wallet does.
            notify_observer_added "notifyObserverAdded" (who: ::cairn_events::Principal) ObserverAdded(who);
            /// `who` does not see any more what the wallet does.
            notify_observer_removed "notifyObserverRemoved" (who: ::cairn_events::Principal) ObserverRemoved(who);
            /// `who` receives from the distribution now.
            notify_recipient_added "notifyRecipientAdded" (who: ::cairn_events::Principal) RecipientAdded(who);
            /// `who` does not receive from the distribution any more.
            notify_recipient_removed "notifyRecipientRemoved" (who: ::cairn_events::Principal) RecipientRemoved(who);
            /// `who` takes part in the sale now.
            notify_participant_added "notifyParticipantAdded" (who: ::cairn_events::Principal) ParticipantAdded(who);
            /// `who` does not take part in the sale any more.
            notify_participant_removed "notifyParticipantRemoved" (who: ::cairn_events::Principal)
                ParticipantRemoved(who);
            /// `who` is a member of the DAO now.
            notify_member_added "notifyMemberAdded" (who: ::cairn_events::Principal) MemberAdded(who);
            /// `who` is not a member of the DAO any more.
            notify_member_removed "notifyMemberRemoved" (who: ::cairn_events::Principal) MemberRemoved(who);
            /// `proposer` made a proposal, the contract's number `proposal`.
            notify_proposal_created "notifyProposalCreated" (proposal: u64, proposer: ::cairn_events::Principal)
                ProposalCreated(::cairn_events::payload::ProposalCreated { proposal, proposer });
            /// Tokens moved.
            notify_transfer "notifyTransfer" (movement: ::cairn_events::payload::Movement) Transfer(movement);
            /// Tokens came into being.
            notify_mint "notifyMint" (movement: ::cairn_events::payload::Movement) Mint(movement);
            /// Tokens are no more.
            notify_burn "notifyBurn" (movement: ::cairn_events::payload::Movement) Burn(movement);
            /// Strangers may see the contract listed now, or may not any more.
            notify_visibility_changed "notifyVisibilityChanged" (public: bool) VisibilityChanged(public);
            /// The contract stands elsewhere now.
            notify_status_changed "notifyStatusChanged" (status: ::cairn_events::payload::ContractStatus)
                StatusChanged(status);
        }
    };
}

/// Defines endpoints that are batches of one notification.
#[doc(hidden)]
#[macro_export]
macro_rules! notifications {
    ($kind:ty; $(
        $(#[doc = $doc:tt])*
        $function:ident $name:tt ($($field:ident: $type:ty),*) $variant:ident $(($content:expr))?;
    )*) => {
        $(
            $(#[doc = $doc])*
            ///
            /// One notification under its number, as in `notifyBatch`. Only for contracts of this factory, each for itself.
            #[ic_cdk::update(name = $name)]
            async fn $function(
                contract: ::cairn_events::Principal,
                epoch: u64,
                sequence: u64,
                $($field: $type),*
            ) -> Result<
                ::cairn_kit::api::factory::NotificationsAccepted,
                ::cairn_kit::api::factory::CallbackError,
            > {
                let notification = ::cairn_events::payload::Notification::$variant $(($content))?;
                let batch = vec![::cairn_kit::api::factory::NumberedNotification { sequence, notification }];
                $crate::callback::notify::<$kind>(ic_cdk::api::msg_caller(), contract, epoch, batch).await
            }
        )*
    };
}
