//! Uploads: bounds, order, owners; and what becomes of the bytes.

use super::*;

#[test]
fn a_large_template_is_uploaded_in_parts_and_installed_in_chunks() {
    let world = world();
    let body: Vec<u8> = (0..2_500_000u32).map(|i| (i / 997) as u8).collect();
    let large = wasm(&body);
    let hash = world.upload(ADMIN, &large);
    assert_eq!(hash, Hash::of(&[&large]));
    let published = release(&world, terms("2.0.0", hash)).unwrap();
    assert_eq!(published, PublishedTemplate { version: "2.0.0".into(), module_hash: hash, size: large.len() as u64 });
    assert_eq!(size(hash), Some(large.len() as u64));
    assert_eq!(bytes(hash, PART - 5, 10), large[PART as usize - 5..PART as usize + 5]);
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
fn uploads_are_bounded() {
    let world = world();
    for stranger in [OWNER, BACKEND, Principal::anonymous()] {
        let refused = Err(FactoryError::Request(Request::Unauthorized { caller: stranger }));
        assert_eq!(begin(stranger, 100), refused);
    }
    for size in [0, 7, MAX_SIZE + 1, u64::MAX] {
        assert_eq!(begin(ADMIN, size), not_uploaded(UploadRefusal::Size { size, min: 8, max: MAX_SIZE }));
    }
    let before = sessions();
    let large: Vec<u64> = (0..MAX_BYTES / MAX_SIZE)
        .map(|number| begin(if number % 2 == 0 { ADMIN } else { SECOND }, MAX_SIZE).unwrap().id)
        .collect();
    let found = MAX_BYTES + PART;
    assert_eq!(begin(ADMIN, 8), not_uploaded(UploadRefusal::NoRoom { found, max: MAX_BYTES }));
    for (number, session) in large.iter().enumerate() {
        let owner = if number % 2 == 0 { ADMIN } else { SECOND };
        upload::cancel(access::admin(owner).unwrap(), *session).unwrap();
        upload::cancel(access::admin(owner).unwrap(), *session).unwrap();
    }
    assert_eq!(sessions(), before);
    for _ in 0..MAX_OWN_UPLOADS {
        begin(ADMIN, 8).unwrap();
    }
    let many = |open, max| not_uploaded(UploadRefusal::TooMany { open, max });
    assert_eq!(begin(ADMIN, 8), many(MAX_OWN_UPLOADS, MAX_OWN_UPLOADS), "one admin leaves room for others");
    for _ in MAX_OWN_UPLOADS..MAX_UPLOADS {
        begin(SECOND, 8).unwrap();
    }
    world.network.control(OWNER);
    assert_eq!(begin(OWNER, 8), many(MAX_UPLOADS, MAX_UPLOADS));
    world.network.advance(Duration::from_nanos(LIFETIME));
    assert!(sessions().is_empty());
    assert!(begin(OWNER, 8).is_ok(), "those that nobody went on with are forgotten");
    assert_eq!(sessions().len(), 1);
}

#[test]
fn chunks_come_in_order() {
    let world = world();
    let module = plain(b"twelve bytes");
    let session = begin(ADMIN, 20).unwrap();
    assert_eq!((session.owner, session.size, session.received), (ADMIN, 20, 0));
    let id = session.id;
    for length in [0, MAX_CHUNK + 1] {
        let found = chunk(ADMIN, id, 0, &vec![0; length as usize]);
        assert_eq!(found, not_uploaded(UploadRefusal::Chunk { length, max: MAX_CHUNK }));
    }
    assert_eq!(chunk(ADMIN, id, 5, b"x"), not_uploaded(UploadRefusal::Offset { expected: 0, found: 5 }));
    assert_eq!(chunk(ADMIN, id, 0, &[0; 21]), not_uploaded(UploadRefusal::Beyond { size: 20, found: 21 }));
    assert_eq!(chunk(ADMIN, id, 0, &module[..8]), Ok(8));
    for found in [0, 7, 9, u64::MAX] {
        assert_eq!(chunk(ADMIN, id, found, b"x"), not_uploaded(UploadRefusal::Offset { expected: 8, found }));
    }
    assert_eq!(finish(ADMIN, id), not_uploaded(UploadRefusal::Incomplete { received: 8, size: 20 }));
    let others = UploadRefusal::OtherOwner { session: id };
    assert_eq!(chunk(SECOND, id, 8, b"x"), not_uploaded(others.clone()));
    assert_eq!(finish(SECOND, id), not_uploaded(others.clone()));
    assert_eq!(upload::cancel(access::admin(SECOND).unwrap(), id), not_uploaded(others));
    let unknown = UploadRefusal::UnknownSession { session: id + 1 };
    assert_eq!(chunk(ADMIN, id + 1, 8, b"x"), not_uploaded(unknown));
    world.upgrade();
    assert_eq!(sessions()[0].received, 8, "the upload goes on after an upgrade");
    assert_eq!(chunk(ADMIN, id, 8, &module[8..]), Ok(20));
    assert_eq!(finish(ADMIN, id), Ok(Hash::of(&[&module])));
    assert_eq!(finish(ADMIN, id), not_uploaded(UploadRefusal::UnknownSession { session: id }));
    assert_eq!(bytes(Hash::of(&[&module]), 0, 20), module);
    assert_eq!(bytes(Hash::of(&[&self::module()]), 0, 4), b"\0asm", "other modules are untouched");
}

#[test]
fn what_is_no_wasm_is_no_module() {
    world();
    for (bytes, is_wasm) in [
        (b"\0asm\x01\0\0\0".as_slice(), true),
        (b"\0asm\x02\0\0\0", false),
        (b"\0asm\x0d\0\x01\0", false),
        (b"\0asn\x01\0\0\0", false),
        (b"#!/bin/sh", false),
        (&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], true),
        (&[0x1f, 0x8b, 9, 0, 0, 0, 0, 0, 0, 0], false),
    ] {
        let session = begin(ADMIN, bytes.len() as u64).unwrap().id;
        chunk(ADMIN, session, 0, bytes).unwrap();
        let outcome = finish(ADMIN, session);
        assert_eq!(outcome.is_ok(), is_wasm, "{bytes:?}");
        if !is_wasm {
            assert_eq!(outcome, not_uploaded(UploadRefusal::NotWasm));
            upload::cancel(access::admin(ADMIN).unwrap(), session).unwrap();
        }
    }
}

#[test]
fn room_of_modules_that_nothing_is_made_from_is_used_again() {
    let world = world();
    let mut first = None;
    for number in 0..store::MAX_MODULES + 3 {
        let hash = world.upload(ADMIN, &wasm(&number.to_be_bytes()));
        first = first.or(Some(hash));
    }
    assert_eq!(size(first.unwrap()), None, "it was forgotten");
    assert!(size(Hash::of(&[&module()])).is_some(), "what is published is kept");
    assert_eq!(
        propose(ADMIN, terms("1.1.0", first.unwrap())),
        refused(Refusal::UnknownModule { module_hash: first.unwrap() })
    );
}
