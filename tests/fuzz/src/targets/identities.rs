//! Private keys, as people have them in PEM files.

use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn::identity;
use localnet::Principal;

/// Keys of Ed25519, of ECDSA on secp256k1 and on P-256, as `openssl` writes them: made for this, and nobody's.
pub const KEYS: [&str; 4] = [
    "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g
-----END PRIVATE KEY-----
",
    "-----BEGIN EC PARAMETERS-----
BgUrgQQACg==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHQCAQEEIOFOCSnI6TFZfuhBEiL88UXVoTLHm06x1ielN/YOjAY/oAcGBSuBBAAK
oUQDQgAEJtldRDxIk/99qqP75D94rY+UN6J6hkFYR406OHQyoaTc3XRpwxRoklnW
e/UcQyuXdfnL8VcJh+5x6pdGl3CsNg==
-----END EC PRIVATE KEY-----
",
    "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/N+6RWhgM2WWy9uM
C1/ysZJRVL8tVZYUjzXF6Pmult+hRANCAAT3gfrJP0oIpEY2rJEpa80mZioL05aK
gwX0ilJRoGnnT/9h4KG6gdzSX3FrxrQ+X+YLLfV+yvxZGNkcIqbdfp5x
-----END PRIVATE KEY-----
",
    "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIIO5Y0yC/Ss4SMZISZ4h5qubkSS8srgUrLTtSivi4HPpoAoGCCqGSM49
AwEHoUQDQgAE/GgCYI8OHxeYJUOqHVAFso61Tu6a833MGacDevnFK+uOphYl/WFo
ZbyjXVzCEnhaTETTGGnKsIO/NLK+gMkrRg==
-----END EC PRIVATE KEY-----
",
];

/// Keys in PEM.
pub struct Identities {
    corpus: Vec<Vec<u8>>,
}

impl Identities {
    pub fn new() -> Identities {
        Identities { corpus: KEYS.map(|key| key.as_bytes().to_vec()).to_vec() }
    }
}

impl Target for Identities {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(identity) = identity::read(input) else { return Ok(Verdict::Refused) };
        let public = identity.public_key().ok_or("a private key without its public half")?;
        let sender = identity.sender()?;
        ensure(sender == Principal::self_authenticating(&public), || format!("{sender} is not the key's sender"))?;
        let again = identity::read(input).map_err(|error| format!("read a second time: {error}"))?;
        ensure(again.public_key().as_ref() == Some(&public), || "read as another key a second time".to_owned())?;
        let signature = identity.sign_arbitrary(b"message")?.signature;
        ensure(signature.is_some_and(|signature| signature.len() == 64), || "it does not sign".to_owned())?;
        Ok(Verdict::Accepted)
    }
}
