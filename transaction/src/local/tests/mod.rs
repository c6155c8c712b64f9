//! The local store against models, torn batches, power cuts and full disks.
