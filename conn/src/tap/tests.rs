//! What a tap tells of whole conversations, however their octets are cut.
