//! The endpoints about templates and admins of every face, by [`template_endpoints!`](crate::template_endpoints).

/// Bytes of the largest `proposeTemplate`: its interface, and the rest is small.
pub const MAX_PROPOSE: usize = 70_000;
/// Bytes of the largest `uploadTemplateChunk`.
pub const MAX_UPLOAD: usize = 1_950_000;

/// Defines the endpoints about templates and admins of a factory of contracts of `$kind`.
#[macro_export]
macro_rules! template_endpoints {
    ($kind:ty) => {
        use cairn_kit::api::factory::PublishedTemplate;
        use cairn_kit::api::template::{
            ProposeTemplate, TemplatePage, TemplateProposal, UploadSession, UploadedModule,
        };
        use $crate::template::{self, registry, upload};

        /// Begins the upload of a module of so many bytes. Only for admins.
        #[ic_cdk::update(name = "beginTemplateUpload")]
        fn begin_template_upload(size: u64) -> Result<UploadSession, FactoryError> {
            upload::begin(access::admin(ic_cdk::api::msg_caller())?, size)
        }

        fn upload_arguments(bytes: Vec<u8>) -> (u64, u64, serde_bytes::ByteBuf) {
            endpoints::decode(&bytes, template::endpoints::MAX_UPLOAD)
        }

        /// Takes the next part of a module, from the byte `offset` on. Replies how many bytes are here. Only for the
        /// admin who began the upload.
        #[ic_cdk::update(name = "uploadTemplateChunk", decode_with = "upload_arguments", hidden = true)]
        #[candid::candid_method(update, rename = "uploadTemplateChunk")]
        fn upload_template_chunk(session: u64, offset: u64, chunk: serde_bytes::ByteBuf) -> Result<u64, FactoryError> {
            upload::chunk(access::admin(ic_cdk::api::msg_caller())?, session, offset, &chunk)
        }

        /// Ends an upload; the module is known by its hash from now on, which the factory computes. Only for the admin
        /// who began it.
        #[ic_cdk::update(name = "finishTemplateUpload")]
        fn finish_template_upload(session: u64) -> Result<UploadedModule, FactoryError> {
            upload::finish(access::admin(ic_cdk::api::msg_caller())?, session)
        }

        /// Gives an upload up. Only for the admin who began it; repeatable.
        #[ic_cdk::update(name = "cancelTemplateUpload")]
        fn cancel_template_upload(session: u64) -> Result<(), FactoryError> {
            upload::cancel(access::admin(ic_cdk::api::msg_caller())?, session)
        }

        /// The uploads under way. Only for admins.
        #[ic_cdk::query(name = "getTemplateUploads")]
        fn get_template_uploads() -> Result<Vec<UploadSession>, FactoryError> {
            Ok(upload::sessions(access::admin(ic_cdk::api::msg_caller())?))
        }

        fn propose_arguments(bytes: Vec<u8>) -> ProposeTemplate {
            let (proposal,) = endpoints::decode(&bytes, template::endpoints::MAX_PROPOSE);
            proposal
        }

        /// Proposes an uploaded module as a version. Only for admins; repeatable.
        #[ic_cdk::update(name = "proposeTemplate", decode_with = "propose_arguments", hidden = true)]
        #[candid::candid_method(update, rename = "proposeTemplate")]
        async fn propose_template(proposal: ProposeTemplate) -> Result<TemplateProposal, FactoryError> {
            registry::propose::<$kind>(access::admin(ic_cdk::api::msg_caller())?, proposal).await
        }

        /// Confirms a proposed version: `module` is the hash of what the caller has built. Only for another admin than
        /// the one who proposed it; repeatable.
        #[ic_cdk::update(name = "confirmTemplate")]
        async fn confirm_template(version: String, module: Hash) -> Result<TemplateProposal, FactoryError> {
            registry::confirm(access::admin(ic_cdk::api::msg_caller())?, &version, module).await
        }

        /// Publishes a proposed version whose hash is the expected one: after its confirmation and delay; while the
        /// factory is being set up at once. Only for admins; repeatable.
        #[ic_cdk::update(name = "publishTemplate")]
        async fn publish_template(version: String, expected: Hash) -> Result<PublishedTemplate, FactoryError> {
            let service = <$kind as ContractKind>::SERVICE;
            registry::publish(access::admin(ic_cdk::api::msg_caller())?, service, &version, expected).await
        }

        /// Withdraws a proposed or published version, unless it is the only one that can be installed. Only for admins;
        /// repeatable.
        #[ic_cdk::update(name = "withdrawTemplate")]
        async fn withdraw_template(version: String, reason: String) -> Result<(), FactoryError> {
            let service = <$kind as ContractKind>::SERVICE;
            registry::withdraw(access::admin(ic_cdk::api::msg_caller())?, service, &version, &reason).await
        }

        /// Published versions below a given one, or all, without their bytes, the highest first; at most 50. For
        /// everyone.
        #[ic_cdk::query(name = "getTemplates")]
        fn get_templates(below: Option<String>, limit: Option<u32>) -> Result<TemplatePage, FactoryError> {
            registry::page(below.as_deref(), limit)
        }

        /// Versions that are proposed and not published yet. For everyone.
        #[ic_cdk::query(name = "getTemplateProposals")]
        fn get_template_proposals() -> Vec<TemplateProposal> {
            registry::proposals()
        }

        /// The Candid interface of a version, proposed or published. For everyone.
        #[ic_cdk::query(name = "getTemplateInterface")]
        fn get_template_interface(version: String) -> Result<Option<String>, FactoryError> {
            registry::interface_of(&version)
        }

        /// Makes somebody an admin of this factory. Only for admins; repeatable.
        #[ic_cdk::update(name = "grantAdmin")]
        async fn grant_admin(admin: Principal) -> Result<(), FactoryError> {
            access::grant(access::admin(ic_cdk::api::msg_caller())?, admin).await
        }

        /// Makes somebody an admin of this factory no more: what they proposed falls, and so does their word for what others
        /// proposed. Only for controllers of the factory; repeatable.
        #[ic_cdk::update(name = "revokeAdmin")]
        async fn revoke_admin(admin: Principal) -> Result<(), FactoryError> {
            access::revoke(ic_cdk::api::msg_caller(), admin).await
        }

        /// The admins of this factory. For everyone.
        #[ic_cdk::query(name = "getAdmins")]
        fn get_admins() -> Vec<Principal> {
            access::admins()
        }
    };
}
