//! What a placement holds: of which issuer it is, and which placements are parts of one credential. Pure.

pub mod issuer;

pub use issuer::{
    Clues, CredentialPart, Identified, Issuer, IssuerConfidence, IssuerEvidence, Sign,
};
