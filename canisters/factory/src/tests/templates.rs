use super::world::{ADMIN, BACKEND, OWNER, World, module};
use crate::template::{MAX_CHUNK, MAX_SIZE, bytes, publish, size};
use crate::{access, template};
use cairn_events::topic::Service;
use cairn_events::{Hash, Kind, Principal};
use cairn_kit::api::factory::{FactoryError, FactoryRequestError as Request, PublishedTemplate};
use cairn_kit::runtime::testing::run;

fn upload(caller: Principal, offset: u64, chunk: &[u8]) -> Result<u64, FactoryError> {
    template::upload(access::admin(caller)?, offset, chunk)
}

fn publish_as(caller: Principal, version: &str, hash: Hash) -> Result<PublishedTemplate, FactoryError> {
    run(publish(access::admin(caller)?, Service::Token, version.into(), hash))
}

fn large() -> Vec<u8> {
    let body = (0..2_500_000u32).map(|i| (i / 997) as u8);
    b"\0asm".iter().copied().chain(body).collect()
}

fn is_upload_error<T>(reply: Result<T, FactoryError>) -> bool {
    matches!(reply, Err(FactoryError::Request(Request::Upload { .. })))
}

#[test]
fn a_large_template_is_uploaded_in_parts_and_installed_in_chunks() {
    let world = World::ready();
    let large = large();
    for (part, chunk) in large.chunks(1_000_000).enumerate() {
        let received = upload(ADMIN, part as u64 * 1_000_000, chunk).unwrap();
        assert_eq!(received, (part as u64 * 1_000_000) + chunk.len() as u64);
    }
    let hash = Hash::of(&[&large]);
    let published = publish_as(ADMIN, "2", hash).unwrap();
    assert_eq!(published, PublishedTemplate { version: "2".into(), module_hash: hash, size: large.len() as u64 });
    assert_eq!(size(hash), Some(large.len() as u64));
    assert_eq!(bytes(hash, 1_000_000, 10), large[1_000_000..1_000_010]);
    assert!(bytes(hash, large.len() as u64 - 1, 2).is_empty());
    let delivered = world.create(&world.dispatch(1, "word")).unwrap();
    assert_eq!(delivered.module_hash, hash);
    world.create(&world.dispatch(2, "word")).unwrap();
    let uploads = world.model.borrow().calls.iter().filter(|method| **method == "upload_chunk").count();
    assert_eq!(uploads, 3, "each chunk is stored once");
    world.wait();
    world.check();
}

#[test]
fn uploads_are_bounded_and_in_order() {
    let world = World::begin();
    for stranger in [OWNER, BACKEND, Principal::anonymous()] {
        let refused = upload(stranger, 0, b"\0asm");
        assert_eq!(refused, Err(FactoryError::Request(Request::Unauthorized { caller: stranger })));
    }
    assert!(is_upload_error(upload(ADMIN, 0, &[])));
    assert!(is_upload_error(upload(ADMIN, 0, &vec![0; MAX_CHUNK as usize + 1])));
    assert!(is_upload_error(upload(ADMIN, 5, b"\0asm")), "an upload begins at 0");
    upload(ADMIN, 0, b"\0asm").unwrap();
    assert!(is_upload_error(upload(ADMIN, 5, b"x")), "no gap");
    assert!(is_upload_error(upload(ADMIN, 3, b"x")), "no overlap");
    let mut offset = upload(ADMIN, 0, &vec![1; MAX_CHUNK as usize]).unwrap();
    while offset + MAX_CHUNK <= MAX_SIZE {
        offset = upload(ADMIN, offset, &vec![1; MAX_CHUNK as usize]).unwrap();
    }
    assert!(is_upload_error(upload(ADMIN, offset, &vec![1; MAX_CHUNK as usize])), "no more than {MAX_SIZE}");
    assert_eq!(bytes(Hash::of(&[&module()]), 0, 4), b"\0asm", "published bytes are untouched");
    world.wait();
}

#[test]
fn only_what_was_uploaded_is_published() {
    let world = World::ready();
    let published = world.count_kind(Kind::TemplatePublished);
    let hash = Hash::of(&[b"\0asm2"]);
    assert!(is_upload_error(publish_as(ADMIN, "2", hash)), "nothing was uploaded");
    upload(ADMIN, 0, b"\0asm3").unwrap();
    assert!(is_upload_error(publish_as(ADMIN, "2", hash)), "another hash");
    upload(ADMIN, 0, b"text").unwrap();
    assert!(is_upload_error(publish_as(ADMIN, "2", Hash::of(&[b"text"]))), "no module");
    upload(ADMIN, 0, b"\0asm2").unwrap();
    assert!(is_upload_error(publish_as(ADMIN, "1", hash)), "the version is taken");
    assert!(is_upload_error(publish_as(ADMIN, "", hash)));
    assert!(is_upload_error(publish_as(ADMIN, &"v".repeat(33), hash)));
    assert!(publish_as(OWNER, "2", hash).is_err());
    assert_eq!(world.count_kind(Kind::TemplatePublished), published);
    assert_eq!(publish_as(ADMIN, "2", hash).unwrap().version, "2");
    assert_eq!(publish_as(ADMIN, "2", hash).unwrap().version, "2", "again, without another event");
    assert_eq!(world.count_kind(Kind::TemplatePublished), published + 1);
    assert_eq!(publish_as(ADMIN, "1", Hash::of(&[&module()])).unwrap().version, "1", "back to an earlier one");
    assert_eq!(world.folded().totals.template, Some("1".into()));
    world.wait();
    world.check();
}
