//! Every interleaving of three runs that want one target.
